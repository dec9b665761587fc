package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
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
}

// The environment that `assay env` prints, from which clients are made too.
const (
	envEndpoint = "ASSAY_ENDPOINT"
	envKey      = "AWS_ACCESS_KEY_ID"
	envSecret   = "AWS_SECRET_ACCESS_KEY"
	envRegion   = "AWS_DEFAULT_REGION"
	envBundle   = "AWS_CA_BUNDLE"
)

// newClient makes a client from the environment if it names an endpoint, else
// from a data folder.
func (c *Command) newClient(data string) (*client, error) {
	use, bundle := service.Client{
		Endpoint: c.Getenv(envEndpoint), Region: c.Getenv(envRegion),
		AccessKey: c.Getenv(envKey), Secret: c.Getenv(envSecret),
	}, c.Getenv(envBundle)
	if use.Endpoint == "" {
		folder := service.Folder(data)
		var err error
		if use, err = folder.Client(); err != nil {
			return nil, err
		}
		bundle = folder.CA()
	}
	if use.AccessKey == "" || use.Secret == "" {
		return nil, fmt.Errorf("$%s is set, but not $%s and $%s: eval \"$(assay env -data DIR)\" sets all of them", envEndpoint, envKey, envSecret)
	}
	return c.newClientOf(use, bundle)
}

// newClientOf makes a client that trusts the certificates in a file.
func (c *Command) newClientOf(use service.Client, bundle string) (*client, error) {
	pem, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust ($%s): %w", envBundle, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in %s ($%s)", bundle, envBundle)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &client{
		endpoint: strings.TrimSuffix(use.Endpoint, "/"),
		region:   use.Region,
		key:      access.Credential{KeyID: use.AccessKey, Secret: use.Secret},
		http:     &http.Client{Transport: transport, Timeout: time.Minute},
	}, nil
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

// inspector calls an operation of Inspector's API.
func (c *client) inspector(ctx context.Context, operation string, in, out any) error {
	return c.call(ctx, "InspectorService."+operation, in, out)
}

// operator calls an operation of the operator's API.
func (c *client) operator(ctx context.Context, operation string, in, out any) error {
	return c.call(ctx, operator.Service+"."+operation, in, out)
}

// maxAnswer bounds an answer: a page of 500 findings with their evidence.
const maxAnswer = 64 << 20

func (c *client) call(ctx context.Context, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	access.Sign(r, body, c.key, c.region, "inspector", time.Now())
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("call the service: %w", err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", target, err)
	}
	if answer.StatusCode != http.StatusOK {
		refused := &apiError{Message: strings.TrimSpace(string(data)), Type: answer.Status}
		json.Unmarshal(data, refused)
		return fmt.Errorf("%s: %w", target, refused)
	}
	if len(data) == 0 || out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", target, err)
	}
	return nil
}
