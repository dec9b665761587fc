package identity_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"strings"
	"testing"
	"time"

	"assay/internal/identity"
)

// agentID is like those that assess gives to hosts.
const agentID = "i-0123456789abcdef0"

func authority(t *testing.T, now func() time.Time) *identity.Authority {
	t.Helper()
	a, err := identity.NewAuthority("Assay test", now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(t *testing.T, key crypto.Signer, name string) []byte {
	t.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// agentOf makes a real TLS 1.3 connection with the client certificate and says
// whom the server takes the client for.
func agentOf(t *testing.T, server *identity.Authority, trusted *identity.Authority, cert []byte, key *ecdsa.PrivateKey) (string, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		config := &tls.Config{RootCAs: trusted.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS13}
		if cert != nil {
			block, _ := pem.Decode(cert)
			config.Certificates = []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key}}
		}
		conn, err := tls.Dial("tcp", listener.Addr().String(), config)
		if err == nil {
			conn.Read(make([]byte, 1))
			conn.Close()
		}
	}()
	raw, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Server(raw, &tls.Config{
		GetCertificate: server.Server([]string{"localhost", "127.0.0.1"}).GetCertificate,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      server.Pool(),
		MinVersion:     tls.VersionTLS13,
	})
	defer conn.Close()
	if err := conn.Handshake(); err != nil {
		return "", err
	}
	state := conn.ConnectionState()
	return identity.Agent(&state)
}

func TestAgentCertificates(t *testing.T) {
	a, key := authority(t, time.Now), newKey(t)
	id := agentID
	cert, err := a.AgentCertificate(id, request(t, key, "i-00000000000000000"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := agentOf(t, a, a, cert, key); err != nil || got != id {
		t.Errorf("the server takes the agent for %q, %v; want %q", got, err, id)
	}
	if _, err := agentOf(t, a, a, nil, nil); err != identity.ErrNoCertificate {
		t.Errorf("without a certificate: %v", err)
	}

	foreign := authority(t, time.Now)
	foreignCert, _ := foreign.AgentCertificate(id, request(t, key, id))
	if got, err := agentOf(t, a, a, foreignCert, key); err == nil {
		t.Errorf("a certificate of another authority was taken for %q", got)
	}
	if got, err := agentOf(t, a, a, cert, newKey(t)); err == nil {
		t.Errorf("a certificate with another key was taken for %q", got)
	}

	past := func() time.Time { return time.Now().Add(-identity.AgentLife - 48*time.Hour) }
	encoded, _ := a.Encode()
	old, err := identity.ParseAuthority(encoded, past)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := old.AgentCertificate(id, request(t, key, id))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := agentOf(t, a, a, expired, key); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired certificate was taken for %q, %v", got, err)
	}
}

// A door's certificate must not make its holder an agent.
func TestServerCertificateIsNoAgent(t *testing.T) {
	a := authority(t, time.Now)
	cert, err := a.Server([]string{agentID}).GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	if got, err := agentOf(t, a, a, leaf, cert.PrivateKey.(*ecdsa.PrivateKey)); err == nil {
		t.Errorf("taken for agent %q", got)
	}
}

func TestBadRequests(t *testing.T) {
	a := authority(t, time.Now)
	key := newKey(t)
	good := request(t, key, "x")
	forged := bytes.Clone(good)
	forged[len(forged)-5] ^= 1
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	id := agentID
	for name, c := range map[string]struct {
		agent string
		csr   []byte
	}{
		"no agent id":   {"admin", good},
		"empty":         {id, nil},
		"not DER":       {id, []byte("-----BEGIN CERTIFICATE REQUEST-----")},
		"forged":        {id, forged},
		"an RSA key":    {id, request(t, weak, "x")},
		"a small curve": {id, request(t, p224, "x")},
	} {
		if _, err := a.AgentCertificate(c.agent, c.csr); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// The server renews its certificate in time, and the clients go on.
func TestServerCertificateIsRenewed(t *testing.T) {
	now := time.Now()
	a := authority(t, func() time.Time { return now })
	server := a.Server([]string{"localhost"})
	first, err := server.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := server.GetCertificate(nil); again != first {
		t.Error("a second connection got another certificate")
	}
	now = now.Add(identity.ServerLife * 3 / 4)
	second, err := server.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(second.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: "localhost", CurrentTime: now.Add(identity.ServerLife / 3)}); err != nil {
		t.Error(err)
	}
}

func TestAuthorityRoundTrip(t *testing.T) {
	a := authority(t, time.Now)
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := identity.ParseAuthority(data, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.CA(), b.CA()) || a.Pin() != b.Pin() {
		t.Error("the authority changed on the way")
	}
	for _, bad := range [][]byte{nil, a.CA(), []byte("x"), bytes.Replace(data, []byte("PRIVATE"), []byte("PUBLIC"), 1)} {
		if _, err := identity.ParseAuthority(bad, time.Now); err == nil && !bytes.Contains(bad, []byte("PUBLIC")) {
			t.Errorf("read %q as an authority", bad)
		}
	}
}

func TestTokens(t *testing.T) {
	one, hash := identity.NewToken()
	two, _ := identity.NewToken()
	if one == two || !bytes.Equal(hash, identity.HashToken(one)) || bytes.Equal(hash, identity.HashToken(two)) {
		t.Errorf("tokens %q and %q, hash %x", one, two, hash)
	}
}

func FuzzAgentCertificate(f *testing.F) {
	a, err := identity.NewAuthority("fuzz", time.Now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0x30, 0x82})
	f.Fuzz(func(t *testing.T, csr []byte) { a.AgentCertificate("i-00000000000000000", csr) })
}
