// Package gatewaytest is a service's door for agents that tests run in-process:
// real TLS 1.3 with client certificates under an authority of its own, segments
// kept in memory and checked as strictly as the protocol asks. Its Hook makes it
// misbehave. Only tests import it.
package gatewaytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"assay/internal/wire"
)

// Token is what enrols.
const Token = "a-token-of-the-test"

// Gateway is a running door. The fields are set before the agent starts, or
// through Do.
type Gateway struct {
	URL string
	CA  []byte // PEM
	Pin string

	Life     time.Duration                                     // of the certificates that it issues
	Backdate time.Duration                                     // how long ago their life began
	Skew     time.Duration                                     // of its clock against the test's
	Interval int                                               // seconds
	Orders   []any                                             // instructions, as they are written into the answer
	Hook     func(w http.ResponseWriter, r *http.Request) bool // true if it has answered

	mu       sync.Mutex
	t        testing.TB
	server   *httptest.Server
	ca       *x509.Certificate
	key      *ecdsa.PrivateKey
	agents   int
	runs     map[string]*Run
	beats    []wire.Heartbeat
	renewals int
}

// Run is what came of a run.
type Run struct {
	Segments [][]byte // by sequence, from 1
	Puts     int      // requests that had a segment
	Complete *wire.CompleteRequest
}

// New starts a door, which the test's end stops.
func New(t testing.TB) *Gateway {
	g := &Gateway{t: t, Life: 24 * time.Hour, Interval: 1, runs: map[string]*Run{}}
	g.makeCA()
	g.server = httptest.NewUnstartedServer(g)
	g.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	pool := x509.NewCertPool()
	pool.AddCert(g.ca)
	g.server.TLS = &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool,
		Certificates: []tls.Certificate{g.serverCertificate()},
	}
	g.server.StartTLS()
	g.URL = g.server.URL
	t.Cleanup(g.server.Close)
	return g
}

// Do calls f while nothing is being answered.
func (g *Gateway) Do(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// Beats returns the heartbeats so far.
func (g *Gateway) Beats() []wire.Heartbeat {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]wire.Heartbeat(nil), g.beats...)
}

// Renewals is how many certificates were renewed.
func (g *Gateway) Renewals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.renewals
}

// Run returns a copy of what came of a run.
func (g *Gateway) Run(id string) Run {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r, ok := g.runs[id]; ok {
		c := *r
		c.Segments = append([][]byte(nil), r.Segments...)
		return c
	}
	return Run{}
}

// Drop closes the idle and busy connections.
func (g *Gateway) Drop() { g.server.CloseClientConnections() }

func (g *Gateway) makeCA() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test's authority"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	g.must(err)
	g.ca, err = x509.ParseCertificate(der)
	g.must(err)
	g.key = key
	g.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	sum := sha256.Sum256(g.ca.RawSubjectPublicKeyInfo)
	g.Pin = "sha256:" + hex.EncodeToString(sum[:])
}

func (g *Gateway) serverCertificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.must(err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, g.ca, key.Public(), g.key)
	g.must(err)
	return tls.Certificate{Certificate: [][]byte{der, g.ca.Raw}, PrivateKey: key}
}

// issue certifies a request's key.
func (g *Gateway) issue(agent string, request []byte) []byte {
	csr, err := x509.ParseCertificateRequest(request)
	g.must(err)
	g.must(csr.CheckSignature())
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: agent},
		NotBefore: time.Now().Add(-g.Backdate), NotAfter: time.Now().Add(g.Life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, g.ca, csr.PublicKey, g.key)
	g.must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (g *Gateway) must(err error) {
	if err != nil {
		g.t.Errorf("the test's door: %v", err)
	}
}

// AgentID is the id of the nth host that enrols, from 1.
func AgentID(n int) string { return fmt.Sprintf("i-%017x", n) }

func reply(w http.ResponseWriter, v any) {
	var b bytes.Buffer
	if err := wire.Encode(&b, v); err != nil {
		panic(err)
	}
	w.Write(b.Bytes())
}

// Refuse answers with an error document.
func Refuse(w http.ResponseWriter, status int, e wire.Error) {
	w.WriteHeader(status)
	reply(w, e)
}
