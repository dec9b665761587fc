package credential

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"

	"assay/internal/agent/uplink"
	"assay/internal/wire"
)

// Request is what a host needs to enrol.
type Request struct {
	Server  string
	Token   string      // never logged, never kept
	Trust   *tls.Config // how the service is recognised until it has told its CA; nil: the system's roots
	Proxy   func(*url.URL) *url.URL
	Facts   wire.HostFacts
	Version string
}

// Enroll makes a key and has the service make the host an agent. The identity is
// not saved yet. If the process dies before it is, the host has to enrol again
// and uses the token once more.
func Enroll(ctx context.Context, r Request) (Identity, error) {
	if r.Token == "" {
		return Identity{}, errors.New("enrolling needs a token: make one with assay agents token")
	}
	trust := r.Trust
	if trust == nil {
		trust = &tls.Config{}
	}
	client, err := uplink.New(uplink.Options{Server: r.Server, TLS: trust, Proxy: r.Proxy, Version: r.Version})
	if err != nil {
		return Identity{}, err
	}
	defer client.Close()
	key, request, err := newKey()
	if err != nil {
		return Identity{}, err
	}
	answer, connection, err := client.Enroll(ctx, wire.EnrollRequest{
		Protocol: wire.Version, Token: r.Token, CSR: request, Version: r.Version, Facts: r.Facts,
	})
	if err != nil {
		return Identity{}, fmt.Errorf("enrol: %w", err)
	}
	id := Identity{Agent: answer.Agent, Server: r.Server, Key: key, Certificate: answer.Certificate, CA: answer.CA, Interval: answer.Interval}
	if err := id.prepare(); err != nil {
		return Identity{}, fmt.Errorf("enrol: the service's answer cannot be used: %w", err)
	}
	// Found out now, it is an error of enrolling; later the host would be lost.
	if err := uplink.VerifyServer(connection, id.roots()); err != nil {
		return Identity{}, fmt.Errorf("enrol: the service names an authority that did not issue its own certificate: %w", err)
	}
	return id, nil
}

func (id Identity) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(id.CA) // prepare has seen that there are some
	return pool
}

// renewer is the part of the service that renewing needs.
type renewer interface {
	Renew(context.Context, wire.RenewRequest) (wire.RenewResponse, error)
}

// Renew has the service certify a new key. The new identity is not saved yet, and
// the old one goes on being good.
func (id Identity) Renew(ctx context.Context, service renewer) (Identity, error) {
	key, request, err := newKey()
	if err != nil {
		return Identity{}, err
	}
	answer, err := service.Renew(ctx, wire.RenewRequest{Protocol: wire.Version, CSR: request})
	if err != nil {
		return Identity{}, fmt.Errorf("renew the certificate: %w", err)
	}
	next := Identity{Agent: id.Agent, Server: id.Server, Key: key, Certificate: answer.Certificate, CA: answer.CA, Interval: id.Interval}
	if err := next.prepare(); err != nil {
		return Identity{}, fmt.Errorf("renew the certificate: the service's answer cannot be used: %w", err)
	}
	if !next.NotAfter().After(id.NotAfter()) {
		return Identity{}, errors.New("renew the certificate: the service's new one does not last longer than the old one")
	}
	return next, nil
}

// ClientTLS is the configuration with which the agent meets the service: it
// trusts the identity's CA alone and shows its certificate. current is asked at
// every connection, so that a renewed certificate is used by the next one.
func ClientTLS(current func() Identity) *tls.Config {
	return &tls.Config{
		// The authority can change with a renewal; Go's RootCAs cannot. So
		// the same verification is done here, at every connection.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			return uplink.VerifyServer(&s, current().roots())
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return current().TLS(), nil
		},
	}
}
