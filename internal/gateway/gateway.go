package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"assay/internal/assess"
	"assay/internal/identity"
	"assay/internal/wire"
)

// Config is what a gateway is made of. Zero limits mean the defaults.
type Config struct {
	Service   *assess.Service
	Authority *identity.Authority // signs the agents' certificates
	Server    *identity.Server    // has the door's own
	Log       *slog.Logger
	Now       func() time.Time // default time.Now

	Uploads     int           // segments that are received at once; default 32
	Connections int           // open at once; default 50,000
	UploadTime  time.Duration // for one segment to arrive; default 2 minutes
	DocTime     time.Duration // for one document to arrive; default 15 seconds
}

// Gateway is the agents' door. It is safe for concurrent use.
type Gateway struct {
	Config
	mux      *http.ServeMux
	uploads  *slots
	failures *failures
	once     *onceLog
}

// New makes a gateway.
func New(c Config) *Gateway {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Uploads = orDefault(c.Uploads, 32)
	c.Connections = orDefault(c.Connections, 50_000)
	c.UploadTime = orDefault(c.UploadTime, 2*time.Minute)
	c.DocTime = orDefault(c.DocTime, 15*time.Second)
	g := &Gateway{
		Config:   c,
		mux:      http.NewServeMux(),
		uploads:  newSlots(c.Uploads),
		failures: newFailures(c.Now),
		once:     newOnceLog(c.Log, c.Now),
	}
	g.routes()
	return g
}

func orDefault[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

func (g *Gateway) routes() {
	g.mux.HandleFunc("GET /agent/v1/ca", g.ca)
	g.mux.HandleFunc("POST "+wire.PathEnroll, g.document(g.enroll))
	g.mux.HandleFunc("POST "+wire.PathRenew, g.document(g.known(g.renew)))
	g.mux.HandleFunc("POST "+wire.PathHeartbeat, g.document(g.known(g.heartbeat)))
	g.mux.HandleFunc("PUT /agent/v1/runs/{run}/segments/{sequence}", g.known(g.segment))
	g.mux.HandleFunc("POST /agent/v1/runs/{run}/complete", g.document(g.known(g.complete)))
	g.mux.HandleFunc("/", g.nowhere)
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }

// document bounds the time and size of a request with a document.
func (g *Gateway) document(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.deadline(w, g.DocTime)
		r.Body = http.MaxBytesReader(w, r.Body, wire.MaxDocument)
		next(w, r)
	}
}

// deadline ends requests that take longer to arrive than they may. Handlers that
// are called without a connection, as in tests, have no deadline to set.
func (g *Gateway) deadline(w http.ResponseWriter, d time.Duration) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(d)); err != nil {
		g.Log.Debug("no read deadline", "error", err)
	}
}

// agentKey is where known leaves the agent's id.
type agentKey struct{}

// known lets only agents through: the id is that of the certificate.
func (g *Gateway) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		agent, err := identity.Agent(r.TLS)
		if err != nil {
			g.refuse(w, r, "", &wire.Error{
				Code:    codeNoCertificate,
				Message: err.Error() + ": enrol the agent (assay-agent enroll)",
			})
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), agentKey{}, agent)))
	}
}

func agentOf(r *http.Request) string {
	agent, _ := r.Context().Value(agentKey{}).(string)
	return agent
}

// ca gives the authority's certificate to hosts that are to enrol. It is public;
// who does not compare it with the pin has no reason to trust it.
func (g *Gateway) ca(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Write(g.Authority.CA())
}

func (g *Gateway) nowhere(w http.ResponseWriter, r *http.Request) {
	g.refuse(w, r, "", &wire.Error{Code: codeUnknownPath, Message: "there is nothing here for this method and path"})
}
