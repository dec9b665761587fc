package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/url"
	"regexp"
)

// agentPattern is what agent ids look like: those of EC2, because consumers test
// for "i-".
var agentPattern = regexp.MustCompile(`^i-[0-9a-f]{17}$`)

// AgentCertificate signs the key of a certificate request (PKCS#10, DER) for an
// agent and returns the certificate in PEM. Nothing but the key is taken from
// the request.
func (a *Authority) AgentCertificate(agent string, request []byte) ([]byte, error) {
	if !agentPattern.MatchString(agent) {
		return nil, fmt.Errorf("%q is not an agent's id", agent)
	}
	csr, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("read the certificate request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the certificate request is not signed by its own key: %w", err)
	}
	switch key := csr.PublicKey.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return nil, errors.New("the certificate request's key is on a curve other than P-256 and P-384")
		}
	default:
		return nil, fmt.Errorf("the certificate request has a key of type %T; an agent's is ECDSA or Ed25519", key)
	}
	der, err := a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: agent},
		URIs:        []*url.URL{{Scheme: "assay", Host: "agent", Path: "/" + agent}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, csr.PublicKey, AgentLife)
	if err != nil {
		return nil, fmt.Errorf("sign the agent's certificate: %w", err)
	}
	return encodeCert(der), nil
}

// ErrNoCertificate says that a connection was made without a client certificate.
var ErrNoCertificate = errors.New("the connection has no client certificate")

// Agent returns the id of the agent at the other end of a connection whose
// client certificate the TLS server has verified against the authority's Pool.
func Agent(state *tls.ConnectionState) (string, error) {
	if state == nil || len(state.VerifiedChains) == 0 {
		return "", ErrNoCertificate
	}
	leaf := state.VerifiedChains[0][0]
	agent := leaf.Subject.CommonName
	if !agentPattern.MatchString(agent) || len(leaf.URIs) != 1 || leaf.URIs[0].String() != "assay://agent/"+agent {
		return "", errors.New("the client certificate is not an agent's")
	}
	return agent, nil
}
