// Package credential is who the agent is: a key that is made on the host and
// never leaves it, the certificate that the service issued for it, and the
// authority that the agent trusts. All of it is one file that is replaced as a
// whole, so that a crash leaves the old identity or the new one and never a
// mixture.
package credential

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/go-json-experiment/json"

	"assay/internal/agent/state"
	"assay/internal/durable"
)

// ErrNotEnrolled is in the error of Load where there is no identity yet.
var ErrNotEnrolled = errors.New("this host is not enrolled: run assay-agent enroll with the service's address and a token")

// Identity is an enrolled agent. It is a value: renewing makes another one.
type Identity struct {
	Agent       string `json:"agent"`
	Server      string `json:"server"`
	Key         []byte `json:"key"`         // PEM, PKCS #8; never logged or sent
	Certificate []byte `json:"certificate"` // PEM, the leaf and its issuers
	CA          []byte `json:"ca"`          // PEM
	Interval    int    `json:"interval"`    // seconds between heartbeats, as last told

	pair tls.Certificate
}

// String keeps the key out of whatever prints an identity.
func (id Identity) String() string { return "the identity of " + id.Agent }

// GoString keeps the key out of %#v.
func (id Identity) GoString() string { return id.String() }

var agentPattern = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

// Load reads the identity from the state folder.
func Load(dir string) (Identity, error) {
	data, err := os.ReadFile(filepath.Join(dir, state.IdentityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, ErrNotEnrolled
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read the identity: %w", err)
	}
	var id Identity
	if err := json.Unmarshal(data, &id, json.RejectUnknownMembers(true)); err != nil {
		// The file has the key in it: the decoder's excerpt is not shown.
		return Identity{}, fmt.Errorf("%s is damaged: enrol again with assay-agent enroll -force", filepath.Join(dir, state.IdentityFile))
	}
	if err := id.prepare(); err != nil {
		return Identity{}, fmt.Errorf("read the identity: %w", err)
	}
	return id, nil
}

// Save replaces the identity in the state folder, durably.
func (id Identity) Save(dir string) error {
	var b bytes.Buffer
	if err := json.MarshalWrite(&b, id); err != nil {
		return fmt.Errorf("write the identity: %w", err)
	}
	return durable.WriteFile(filepath.Join(dir, state.IdentityFile), b.Bytes())
}

// prepare checks that the parts belong together.
func (id *Identity) prepare() error {
	if !agentPattern.MatchString(id.Agent) {
		return fmt.Errorf("%q is not an agent's id", id.Agent)
	}
	pair, err := tls.X509KeyPair(id.Certificate, id.Key)
	if err != nil {
		return fmt.Errorf("the certificate is not of this host's key: %w", err)
	}
	if pair.Leaf.Subject.CommonName != id.Agent {
		return fmt.Errorf("the certificate is of %q and not of %s", pair.Leaf.Subject.CommonName, id.Agent)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(id.CA) {
		return errors.New("the service's authority is not a certificate in PEM")
	}
	id.pair = pair
	return nil
}

// TLS is the client certificate.
func (id Identity) TLS() *tls.Certificate { return &id.pair }

// NotAfter is when the certificate expires.
func (id Identity) NotAfter() time.Time { return id.pair.Leaf.NotAfter }

// RenewAt is when the certificate is to be renewed: at two thirds of its life,
// later by up to a twentieth of it, of which late, between 0 and 1, is the part.
// So hosts that enrolled together do not renew together.
func (id Identity) RenewAt(late float64) time.Time {
	life := id.pair.Leaf.NotAfter.Sub(id.pair.Leaf.NotBefore)
	return id.pair.Leaf.NotBefore.Add(life*2/3 + time.Duration(late*float64(life)/20))
}

// newKey makes a key and the request for its certificate. The key is PEM, the
// request DER.
func newKey() (key, request []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	// The subject is for people: the service takes nothing but the key.
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "assay-agent"}}
	request, err = x509.CreateCertificateRequest(rand.Reader, template, crypto.Signer(private))
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), request, nil
}
