package uplink

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// TrustPEM trusts services whose certificate one of these authorities issued.
func TrustPEM(pem []byte) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in it: a CA is given in PEM")
	}
	return &tls.Config{RootCAs: pool}, nil
}

// TrustPin trusts a service whose certificate was issued by the authority whose
// public key (SubjectPublicKeyInfo) has the SHA-256 that pin names, as
// "sha256:" and hexadecimal digits. The service has to send its authority's
// certificate along with its own.
func TrustPin(pin string) (*tls.Config, error) {
	digits, ok := strings.CutPrefix(strings.ToLower(pin), "sha256:")
	want, err := hex.DecodeString(digits)
	if !ok || err != nil || len(want) != sha256.Size {
		return nil, errors.New("a pin is sha256: and 64 hexadecimal digits")
	}
	return &tls.Config{
		// Go's own verification knows no pins; VerifyConnection does the
		// same, for every connection, with the pinned authority as root.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			for _, c := range state.PeerCertificates {
				if sum := sha256.Sum256(c.RawSubjectPublicKeyInfo); c.IsCA && string(sum[:]) == string(want) {
					root := x509.NewCertPool()
					root.AddCert(c)
					return VerifyServer(&state, root)
				}
			}
			return fmt.Errorf("the service's authority is not the pinned one: something else may be answering, or the pin is another service's (sent were %d certificates)", len(state.PeerCertificates))
		},
	}, nil
}

// VerifyServer verifies the other side of a connection against other roots than
// the connection was made with.
func VerifyServer(state *tls.ConnectionState, roots *x509.CertPool) error {
	if state == nil || len(state.PeerCertificates) == 0 {
		return errors.New("the service sent no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, DNSName: state.ServerName,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}
