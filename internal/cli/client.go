package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"assay/internal/access"
	"assay/internal/operator"
	"assay/internal/service"
)

// client calls the service's API, as any SDK would, with the operator's own
// operations beside Inspector's.
type client struct {
	endpoint string
	region   string
	key      access.Credential
	http     *http.Client
	patience time.Duration // for how long what only reads is tried again while the service is away
}

// The environment that `assay env` prints, from which clients are made too.
const (
	envEndpoint = "ASSAY_ENDPOINT"
	envKey      = "AWS_ACCESS_KEY_ID"
	envSecret   = "AWS_SECRET_ACCESS_KEY"
	envRegion   = "AWS_DEFAULT_REGION"
	envBundle   = "AWS_CA_BUNDLE"
)

// dataFlag is the flag of every command that calls the service.
func dataFlag(set *flag.FlagSet) *string {
	return set.String("data", defaultData, "the service's data `folder`, where the environment names no service")
}

func jsonFlag(set *flag.FlagSet) *bool { return set.Bool("json", false, "print JSON") }

// connect parses a verb's arguments, of which there must be between least and most
// behind the flags, and makes its client.
func (c *Command) connect(set *flag.FlagSet, data *string, args []string, least, most int) (*client, error) {
	if err := c.parse(set, args, least, most); err != nil {
		return nil, err
	}
	return c.newClient(*data)
}

// newClient makes a client from the environment if it names an endpoint, else
// from a data folder.
func (c *Command) newClient(data string) (*client, error) {
	use, bundle := service.Client{
		Endpoint: c.Getenv(envEndpoint), Region: cmp.Or(c.Getenv(envRegion), c.Getenv("AWS_REGION")),
		AccessKey: c.Getenv(envKey), Secret: c.Getenv(envSecret),
	}, c.Getenv(envBundle)
	if use.Endpoint == "" {
		folder := service.Folder(data)
		var err error
		if use, err = folder.Client(); err != nil {
			return nil, err
		}
		if use.Endpoint == "" {
			return nil, noAPI(data)
		}
		bundle = folder.CA()
	}
	if at, err := url.Parse(use.Endpoint); err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" {
		return nil, fmt.Errorf("$%s is %q, which is no address of a service: one looks like https://assay.example:8443", envEndpoint, use.Endpoint)
	}
	if use.AccessKey == "" || use.Secret == "" {
		return nil, fmt.Errorf("$%s is set, but not $%s and $%s: eval \"$(assay env -data DIR)\" sets all of them", envEndpoint, envKey, envSecret)
	}
	if use.Region == "" {
		return nil, fmt.Errorf("$%s is set, but not $%s", envEndpoint, envRegion)
	}
	return c.newClientOf(use, bundle)
}

// noAPI says that a data folder is of a replica that nobody can call.
func noAPI(data string) error {
	return fmt.Errorf("the service of %s runs without the role api: use the data folder of a replica that has it", data)
}

// newClientOf makes a client that trusts the certificates in a file; empty: those
// that the system trusts.
func (c *Command) newClientOf(use service.Client, bundle string) (*client, error) {
	var roots *x509.CertPool
	if bundle != "" {
		pem, err := os.ReadFile(bundle)
		if err != nil {
			return nil, fmt.Errorf("read the certificates to trust ($%s): %w", envBundle, err)
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("there is no certificate in %s ($%s)", bundle, envBundle)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	client := &client{
		endpoint: strings.TrimSuffix(use.Endpoint, "/"),
		region:   use.Region,
		key:      access.Credential{KeyID: use.AccessKey, Secret: use.Secret},
		http:     &http.Client{Transport: transport, Timeout: time.Minute},
	}
	c.clients = append(c.clients, client)
	return client, nil
}

// apiError is an error that the service answered.
type apiError struct {
	Type    string `json:"__type"`
	Code    string `json:"errorCode"`
	Message string `json:"message"`
}

func (e *apiError) Error() string {
	name := e.Type[strings.LastIndex(e.Type, "#")+1:]
	if e.Code != "" {
		name += " " + e.Code
	}
	return fmt.Sprintf("%s (%s)", e.Message, name)
}

// refusal is the error that an answer other than 200 means.
func refusal(target string, answer *http.Response, data []byte) error {
	refused := &apiError{}
	if json.Unmarshal(data, refused) != nil || refused.Type == "" {
		// It is not the service that answers.
		refused = &apiError{Message: strings.TrimSpace(string(data[:min(len(data), 200)])), Type: answer.Status}
	}
	err := fmt.Errorf("%s: %w", target, refused)
	if slices.Contains([]string{"InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException"}, refused.Type) {
		err = fmt.Errorf("%w: are $%s and $%s those of this service? eval \"$(assay env -data DIR)\" sets the administrator's", err, envKey, envSecret)
	}
	if answer.StatusCode >= 500 {
		return away{err}
	}
	return err
}

// inspector calls an operation of Inspector's API.
func (c *client) inspector(ctx context.Context, operation string, in, out any) error {
	return c.call(ctx, "InspectorService."+operation, in, out)
}

// operator calls an operation of the operator's API.
func (c *client) operator(ctx context.Context, operation string, in, out any) error {
	return c.call(ctx, operator.Service+"."+operation, in, out)
}

// identity calls an operation on users.
func (c *client) identity(ctx context.Context, operation string, in, out any) error {
	return c.call(ctx, operator.IdentityService+"."+operation, in, out)
}

// maxAnswer bounds an answer: a page of 500 findings with their evidence.
const maxAnswer = 64 << 20

// away is an error that another try may not have: the service was not reached, or
// hung up, or is in trouble.
type away struct{ error }

func (a away) Unwrap() error { return a.error }

// again is the pause before another try.
const again = 500 * time.Millisecond

// call calls an operation. One that only reads is called again for as long as the
// client has patience.
func (c *client) call(ctx context.Context, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(c.patience); ; {
		var gone away
		err := c.once(ctx, target, body, out)
		if !errors.As(err, &gone) || !reads(target) || !time.Now().Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}

// reads tells whether an operation changes nothing.
func reads(target string) bool {
	_, operation, _ := strings.Cut(target, ".")
	return slices.ContainsFunc([]string{"List", "Describe", "Get", "Explain", "Compare"}, func(verb string) bool { return strings.HasPrefix(operation, verb) })
}

// unreachable says why a service could not be called, and what to do about it.
func unreachable(endpoint string, err error) error {
	advice := "is it running (assay serve), and is that its address?"
	if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
		advice = "$" + envBundle + " has to name the ca.pem of its data folder: eval \"$(assay env -data DIR)\" sets it"
	}
	return fmt.Errorf("call the service at %s: %w: %s", endpoint, err, advice)
}

func (c *client) once(ctx context.Context, target string, body []byte, out any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	access.Sign(r, body, c.key, c.region, "inspector", time.Now())
	answer, err := c.http.Do(r)
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return away{unreachable(c.endpoint, err)}
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return away{fmt.Errorf("read the answer of %s: %w", target, err)}
	case len(data) > maxAnswer:
		return fmt.Errorf("the answer of %s is larger than %d bytes", target, maxAnswer)
	case answer.StatusCode != http.StatusOK:
		return refusal(target, answer, data)
	}
	if len(data) == 0 || out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", target, err)
	}
	return nil
}
