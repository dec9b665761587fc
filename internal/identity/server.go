package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"sync"
	"time"
)

// Server makes the certificates of the service's doors and renews them while it
// runs. It is safe for concurrent use.
type Server struct {
	authority *Authority
	names     []string

	mu      sync.Mutex
	current *tls.Certificate
	renew   time.Time
}

// Server returns certificates for the names: host names and IP addresses by
// which clients and agents reach the service.
func (a *Authority) Server(names []string) *Server {
	return &Server{authority: a, names: names}
}

// GetCertificate is for tls.Config.
func (s *Server) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.authority.now()
	if s.current != nil && now.Before(s.renew) {
		return s.current, nil
	}
	cert, err := s.authority.serverCertificate(s.names)
	if err != nil {
		return nil, err
	}
	s.current, s.renew = cert, now.Add(ServerLife*2/3)
	return cert, nil
}

func (a *Authority) serverCertificate(names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the server's key: %w", err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "assay"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := a.issue(template, key.Public(), ServerLife)
	if err != nil {
		return nil, fmt.Errorf("sign the server's certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, nil
}
