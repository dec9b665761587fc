package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"assay/internal/inspector"
)

// fakeSNS speaks the query protocol of SNS, as much of it as Publish is
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
type fakeSNS struct {
	mu    sync.Mutex
	calls []url.Values
	auth  []string
	fail  func(topic string) (status int, code string)
}

func (f *fakeSNS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	f.mu.Lock()
	f.calls, f.auth = append(f.calls, r.PostForm), append(f.auth, r.Header.Get("Authorization"))
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	if f.fail != nil {
		if status, code := f.fail(r.PostForm.Get("TopicArn")); code != "" {
			w.WriteHeader(status)
			fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>why</Message></Error><RequestId>r</RequestId></ErrorResponse>`, code)
			return
		}
	}
	fmt.Fprint(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>`)
}

// newFakeSNS is the publisher over the real SDK, which calls the fake.
func newFakeSNS(t *testing.T, mode SNSMode, f *fakeSNS) *SNS {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return newSNS(mode, nil, func(context.Context) (aws.Config, error) {
		return aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: client,
			Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "")}, nil
	})
}

func TestPublish(t *testing.T) {
	f := &fakeSNS{}
	s := newFakeSNS(t, SNSOn, f)
	for _, arn := range []string{topic, topic, strings.Replace(topic, "us-west-2", "eu-central-1", 1), topic + ".fifo"} {
		n := inspector.Notification{ID: "id", Template: "0-template", Topic: arn, Message: `{"event":"ü&="}`}
		if r := s.publish(t.Context(), n); r.err != nil {
			t.Fatal(r.err)
		}
	}
	for i, call := range f.calls {
		if call.Get("Action") != "Publish" || call.Get("Message") != `{"event":"ü&="}` || !strings.HasPrefix(call.Get("TopicArn"), "arn:aws:sns:") {
			t.Errorf("SNS is called with %v", call)
		}
		region := []string{"us-west-2", "us-west-2", "eu-central-1", "us-west-2"}[i]
		if !strings.Contains(f.auth[i], "/"+region+"/sns/aws4_request") {
			t.Errorf("the topic of %s is called with %s", region, f.auth[i])
		}
		if fifo := i == 3; fifo != (call.Get("MessageGroupId") == "0-template" && call.Get("MessageDeduplicationId") == "id") {
			t.Errorf("the order of the topic: %v", call)
		}
	}
	if len(s.clients) != 2 {
		t.Errorf("%d clients for two regions", len(s.clients))
	}
	if r := s.publish(t.Context(), inspector.Notification{Topic: "arn:aws:sns:x"}); !r.permanent {
		t.Errorf("no topic: %+v", r)
	}
	for i := range maxRegions + 3 {
		n := inspector.Notification{ID: "id", Topic: fmt.Sprintf("arn:aws:sns:aa-%c-1:123456789012:t", 'a'+i%26) + strings.Repeat("x", i/26), Message: "m"}
		n.Topic = strings.Replace(n.Topic, "-1:", fmt.Sprintf("-%d:", 1+i/26), 1)
		if r := s.publish(t.Context(), n); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if len(s.clients) > maxRegions {
		t.Errorf("%d clients are kept", len(s.clients))
	}
}

func TestPublishErrors(t *testing.T) {
	for code, want := range map[string]struct {
		http      int
		status    inspector.PublishStatus
		permanent bool
	}{
		"NotFound":             {404, inspector.PublishNoTopic, true},
		"AuthorizationError":   {403, inspector.PublishDenied, true},
		"KMSAccessDenied":      {400, inspector.PublishDenied, true},
		"InvalidParameter":     {400, inspector.PublishFailed, true},
		"InvalidClientTokenId": {403, inspector.PublishDenied, false},
		"ExpiredToken":         {403, inspector.PublishDenied, false},
		"Throttled":            {429, inspector.PublishFailed, false},
		"Throttling":           {400, inspector.PublishFailed, false},
		"InternalError":        {500, inspector.PublishFailed, false},
		"ServiceUnavailable":   {503, inspector.PublishFailed, false},
		"SomethingNew":         {400, inspector.PublishFailed, false},
	} {
		f := &fakeSNS{fail: func(string) (int, string) { return want.http, code }}
		s := newFakeSNS(t, SNSOn, f)
		c := New(Config{SNS: s})
		o := c.Try(t.Context(), inspector.Outgoing{
			Delivery:     inspector.Delivery{Destination: inspector.SNSDestination(topic), Attempts: 1},
			Notification: inspector.Notification{ID: "id", Topic: topic, Message: "m"},
		})
		if o.Status != want.status || (o.State == inspector.DeliveryDead) != want.permanent || !strings.Contains(o.Error, "SNS says "+code) {
			t.Errorf("%s: %+v", code, o)
		}
		if len(f.calls) != 1 {
			t.Errorf("%s: SNS is called %d times in one attempt", code, len(f.calls))
		}
	}
	// Nobody listens there.
	s := newSNS(SNSOn, nil, func(context.Context) (aws.Config, error) {
		return aws.Config{BaseEndpoint: aws.String("http://127.0.0.1:1"), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}, nil
	})
	if r := s.publish(t.Context(), inspector.Notification{Topic: topic}); r.err == nil || r.permanent {
		t.Errorf("nobody listens: %+v", r)
	}
	s = newSNS(SNSOn, nil, func(context.Context) (aws.Config, error) { return aws.Config{}, errors.New("the file is broken") })
	if r := s.publish(t.Context(), inspector.Notification{Topic: topic}); r.err == nil || r.permanent {
		t.Errorf("no configuration: %+v", r)
	}
}

// SNS is throttled, and the courier goes on until all has come.
func TestThrottledTopic(t *testing.T) {
	left := 3
	f := &fakeSNS{}
	f.fail = func(string) (int, string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if left--; left >= 0 {
			return 429, "Throttled"
		}
		return 0, ""
	}
	var box outbox
	for range 3 {
		box.add(inspector.Webhook{ID: inspector.SNSDestination(topic)}, "m")
	}
	box.deliver(t, Config{SNS: newFakeSNS(t, SNSOn, f)}, box.settled)
	if len(f.calls) != 6 {
		t.Errorf("SNS was called %d times", len(f.calls))
	}
}

func TestUseOfSNS(t *testing.T) {
	if NewSNS(SNSOff, nil) != nil || NewSNS("", nil) != nil {
		t.Error("SNS is used though it is off")
	}
	if use, beside := New(Config{}).SNS(t.Context()); use || beside {
		t.Error("SNS is used without being there")
	}
	on := newSNS(SNSOn, nil, nil)
	if use, beside := on.use(t.Context()); !use || !beside {
		t.Error("SNS is not used though it is on")
	}
	there := false
	now := time.Now()
	auto := newSNS(SNSAuto, nil, func(context.Context) (aws.Config, error) {
		return aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if !there {
				return aws.Credentials{}, errors.New("none")
			}
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		})}, nil
	})
	auto.now = func() time.Time { return now }
	for _, want := range []bool{false, false, true} {
		if use, beside := auto.use(t.Context()); use != want || beside {
			t.Errorf("use = %v, %v; want %v", use, beside, want)
		}
		if there {
			now = now.Add(lookAgain)
		}
		there = true // and is looked for again after a while
	}
	for mode, valid := range map[SNSMode]bool{SNSOff: true, SNSOn: true, SNSAuto: true, "": false, "yes": false} {
		if mode.Valid() != valid {
			t.Errorf("%q is valid: %v", mode, !valid)
		}
	}
}
