// Package identity says who is who between the agents and the service: the
// service's own certificate authority, the certificates of its doors, those of
// the agents, and the tokens with which a host enrols.
//
// The authority signs keys that it has never seen the private half of. An
// agent's certificate is short-lived and good for nothing but being that agent;
// a door's is made in memory at start and never rests on a disk.
package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Lifetimes. The agent renews at two thirds of its certificate's life, so a host
// may be away for ten days before it has to enrol again.
const (
	AuthorityLife = 20 * 365 * 24 * time.Hour
	AgentLife     = 30 * 24 * time.Hour
	ServerLife    = 90 * 24 * time.Hour

	// backdate forgives hosts whose clock is slow.
	backdate = 24 * time.Hour
)

// Authority is the certificate authority. It is safe for concurrent use.
type Authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	now  func() time.Time
}

// NewAuthority makes an authority with a new key.
func NewAuthority(name string, now func() time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority's key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now().Add(-backdate),
		NotAfter:              now().Add(AuthorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	return &Authority{cert, key, now}, nil
}

// Encode returns the authority as PEM, its private key included: to be kept
// sealed. ParseAuthority reads it back.
func (a *Authority) Encode() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("encode the authority's key: %w", err)
	}
	return append(a.CA(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), nil
}

// ParseAuthority reads what Encode wrote.
func ParseAuthority(data []byte, now func() time.Time) (*Authority, error) {
	certBlock, rest := pem.Decode(data)
	keyBlock, _ := pem.Decode(rest)
	if certBlock == nil || keyBlock == nil {
		return nil, errors.New("the authority is not a certificate and a key in PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the authority's key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the authority's key is a %T, which cannot sign", key)
	}
	return &Authority{cert, signer, now}, nil
}

// CA is the authority's certificate in PEM: what clients and agents trust.
func (a *Authority) CA() []byte { return encodeCert(a.cert.Raw) }

// Pool is the authority as a set of trusted roots.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Pin is the hex SHA-256 of the authority's public key (SubjectPublicKeyInfo), as
// assay-agent enroll -ca-pin takes it.
func (a *Authority) Pin() string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(a.cert.RawSubjectPublicKeyInfo))
}

// issue signs a certificate for a public key.
func (a *Authority) issue(template *x509.Certificate, public crypto.PublicKey, life time.Duration) ([]byte, error) {
	template.SerialNumber = serial()
	template.NotBefore = a.now().Add(-backdate)
	template.NotAfter = a.now().Add(life)
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	return x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
}

// serial is a random certificate serial number (RFC 5280 allows 20 bytes).
func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	return new(big.Int).SetBytes(b[:])
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
