package gateway

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"

	"assay/internal/wire"
)

// state is what TLS tells of an agent's connection, for requests without one.
func (c *caller) state() *tls.ConnectionState {
	c.d.t.Helper()
	config := c.client.Transport.(*http.Transport).TLSClientConfig
	cert, err := config.GetClientCertificate(nil)
	if err != nil {
		c.d.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		c.d.t.Fatal(err)
	}
	return &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
}

func (c *caller) beatText() []byte {
	var text bytes.Buffer
	if err := wire.Encode(&text, c.heartbeat()); err != nil {
		c.d.t.Fatal(err)
	}
	return text.Bytes()
}

// BenchmarkHeartbeat measures heartbeats a second: of the handler alone, and
// with HTTP and TLS on connections that stay open, where the client's half of the
// work is in the figure too.
func BenchmarkHeartbeat(b *testing.B) {
	b.Run("handler", func(b *testing.B) {
		d := openDoor(b)
		const agents = 100
		states, texts := make([]*tls.ConnectionState, agents), make([][]byte, agents)
		for i := range agents {
			c := d.enrol()
			states[i], texts[i] = c.state(), c.beatText()
		}
		next := 0
		b.ReportAllocs()
		for b.Loop() {
			req := httptest.NewRequest("POST", wire.PathHeartbeat, bytes.NewReader(texts[next]))
			req.TLS = states[next]
			next = (next + 1) % agents
			w := httptest.NewRecorder()
			d.ServeHTTP(w, req)
			if w.Code != http.StatusOK {
				b.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "beats/s")
	})
	b.Run("tls", func(b *testing.B) {
		d := openDoor(b)
		callers := make([]*caller, 16)
		texts := make([][]byte, len(callers))
		for i := range callers {
			callers[i] = d.enrol()
			texts[i] = callers[i].beatText()
		}
		var turn atomic.Int64
		b.SetParallelism(max(1, len(callers)/runtime.GOMAXPROCS(0)))
		b.RunParallel(func(pb *testing.PB) {
			n := int(turn.Add(1)-1) % len(callers)
			c, text := callers[n], texts[n]
			for pb.Next() {
				resp, err := c.client.Post("https://"+d.addr+wire.PathHeartbeat, "application/json", bytes.NewReader(text))
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Error(resp.Status)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "beats/s")
	})
}

// FuzzHandlers sends foreign bytes to every handler that takes a body: they are
// answered with a status of the protocol, never with a crash, and never taken.
func FuzzHandlers(f *testing.F) {
	d := openDoor(f)
	c := d.enrol()
	run := d.start()
	state := c.state()
	f.Add(0, c.beatText())
	f.Add(1, c.segment(run.ID, 1, "x").Bytes()[:40])
	f.Add(2, []byte(`{"protocol":1,"segments":1}`))
	f.Add(3, []byte(`{"protocol":1,"token":"x","csr":"AAAA","version":"1","facts":{"hostname":"h","os":"linux","architecture":"x"}}`))
	f.Add(4, []byte(`{"protocol":1,"csr":"AAAA"}`))
	routes := []struct{ method, path string }{
		{"POST", wire.PathHeartbeat}, {"PUT", wire.PathSegment(run.ID, 2)}, {"POST", wire.PathComplete(run.ID)}, {"POST", wire.PathEnroll}, {"POST", wire.PathRenew},
	}
	f.Fuzz(func(t *testing.T, route int, body []byte) {
		r := routes[uint(route)%uint(len(routes))]
		req := httptest.NewRequest(r.method, r.path, bytes.NewReader(body))
		req.TLS = state
		w := httptest.NewRecorder()
		d.ServeHTTP(w, req)
		switch w.Code {
		case http.StatusOK:
			if r.path != wire.PathHeartbeat && r.path != wire.PathComplete(run.ID) {
				t.Fatalf("%s took %q", r.path, body)
			}
		case 400, 401, 409, 410, 413, 422, 429:
			var refused wire.Error
			if err := wire.Decode(w.Body, &refused); err != nil || refused.Code == "" || refused.Message == "" {
				t.Fatalf("%s answers %q with %d %+v, %v", r.path, body, w.Code, refused, err)
			}
		default:
			t.Fatalf("%s answers %q with %d", r.path, body, w.Code)
		}
	})
}
