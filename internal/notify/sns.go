package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"assay/internal/inspector"
)

// SNSMode says when events are published to the real SNS.
type SNSMode string

// The modes.
const (
	SNSOff  SNSMode = "off"
	SNSAuto SNSMode = "auto" // where there are AWS credentials, for topics without a webhook of their own
	SNSOn   SNSMode = "on"   // for all topics, beside webhooks
)

// Valid tells whether it is a mode.
func (m SNSMode) Valid() bool { return m == SNSOff || m == SNSAuto || m == SNSOn }

// SNS publishes to topics of the real SNS. It is safe for concurrent use.
type SNS struct {
	mode SNSMode
	load func(context.Context) (aws.Config, error)
	log  *slog.Logger
	now  func() time.Time

	mu      sync.Mutex
	config  *aws.Config
	clients map[string]*sns.Client // by region
	found   bool                   // credentials, when they were last looked for
	looked  time.Time
}

// NewSNS makes a publisher with the credentials that every AWS SDK finds: of the
// environment, the shared files, a container, an instance. It is nil with SNSOff.
func NewSNS(mode SNSMode, log *slog.Logger) *SNS {
	if mode != SNSAuto && mode != SNSOn {
		return nil
	}
	return newSNS(mode, log, func(ctx context.Context) (aws.Config, error) {
		return config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1")) // every topic names its own
	})
}

func newSNS(mode SNSMode, log *slog.Logger, load func(context.Context) (aws.Config, error)) *SNS {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &SNS{mode: mode, load: load, log: log, now: time.Now, clients: map[string]*sns.Client{}}
}

const (
	lookAgain = 5 * time.Minute // for credentials
	lookTime  = 5 * time.Second

	maxRegions = 64 // clients kept; more than AWS has
)

// use tells whether topics are published to. In the mode auto that is so while
// there are credentials.
func (s *SNS) use(ctx context.Context) (use, beside bool) {
	if s.mode == SNSOn {
		return true, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.looked.IsZero() || now.Sub(s.looked) >= lookAgain {
		before := s.found
		s.found = s.credentials(ctx)
		if s.looked.IsZero() || s.found != before {
			s.log.Info("looked for AWS credentials, to publish events to SNS", "found", s.found)
		}
		s.looked = now
	}
	return s.found, false
}

// credentials tells whether there are any. s.mu is held.
func (s *SNS) credentials(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	c, err := s.configured(ctx)
	if err != nil || c.Credentials == nil {
		return false
	}
	_, err = c.Credentials.Retrieve(ctx)
	return err == nil
}

// configured loads the SDK's configuration once. s.mu is held.
func (s *SNS) configured(ctx context.Context) (aws.Config, error) {
	if s.config == nil {
		c, err := s.load(ctx)
		if err != nil {
			return aws.Config{}, fmt.Errorf("load the configuration of the AWS SDK: %w", err)
		}
		s.config = &c
	}
	return *s.config, nil
}

// client is the client of a region. It is never made an interface: that would link
// all of its operations.
func (s *SNS) client(ctx context.Context, region string) (*sns.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[region]; ok {
		return c, nil
	}
	c, err := s.configured(ctx)
	if err != nil {
		return nil, err
	}
	if len(s.clients) >= maxRegions {
		clear(s.clients)
	}
	client := sns.NewFromConfig(c, func(o *sns.Options) {
		o.Region = region
		o.RetryMaxAttempts = 1 // the outbox tries again, and remembers that it has to
	})
	s.clients[region] = client
	return client, nil
}

// publish makes one attempt to publish to a topic.
func (s *SNS) publish(ctx context.Context, n inspector.Notification) result {
	region, ok := inspector.TopicRegion(n.Topic)
	if !ok {
		return result{err: fmt.Errorf("%.300q is not the ARN of an SNS topic", n.Topic), permanent: true, status: inspector.PublishNoTopic}
	}
	client, err := s.client(ctx, region)
	if err != nil {
		return result{err: err}
	}
	in := &sns.PublishInput{TopicArn: &n.Topic, Message: &n.Message}
	if strings.HasSuffix(n.Topic, ".fifo") {
		// In the order of the run; SNS drops what it gets twice within 5 minutes.
		in.MessageGroupId, in.MessageDeduplicationId = &n.Template, &n.ID
	}
	if _, err := client.Publish(ctx, in); err != nil {
		return refused(err)
	}
	return result{}
}

// codes are the errors of SNS's Publish after which another attempt is useless
// until somebody does something, with the status that the model has for them
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
var codes = map[string]inspector.PublishStatus{
	"NotFound": inspector.PublishNoTopic, "NotFoundException": inspector.PublishNoTopic,
	"AuthorizationError": inspector.PublishDenied, "AuthorizationErrorException": inspector.PublishDenied,
	"AccessDenied": inspector.PublishDenied, "AccessDeniedException": inspector.PublishDenied,
	"KMSAccessDenied": inspector.PublishDenied, "KMSAccessDeniedException": inspector.PublishDenied,
	"InvalidParameter": inspector.PublishFailed, "InvalidParameterException": inspector.PublishFailed,
	"InvalidParameterValue": inspector.PublishFailed, "ParameterValueInvalid": inspector.PublishFailed,
	"EndpointDisabled": inspector.PublishFailed, "InvalidSecurity": inspector.PublishDenied, "InvalidSecurityException": inspector.PublishDenied,
}

// denied are errors of credentials, which can be renewed at any time.
var denied = []string{"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "MissingAuthenticationToken"}

// refused tells what an error of Publish means. What is not known to be final is
// tried again: throttling, SNS's own failures, the network.
func refused(err error) result {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return result{err: fmt.Errorf("SNS was not reached: %w", err)}
	}
	told := fmt.Errorf("SNS says %s: %s", api.ErrorCode(), api.ErrorMessage())
	if status, final := codes[api.ErrorCode()]; final {
		return result{err: told, permanent: true, status: status}
	}
	for _, code := range denied {
		if api.ErrorCode() == code {
			return result{err: told, status: inspector.PublishDenied}
		}
	}
	return result{err: told}
}
