package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"assay/internal/blob"
	"assay/internal/jobs"
	"assay/internal/service"
)

// serve is the service's process.
func serve(text, crash string) int {
	var config service.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	level := slog.LevelWarn
	if os.Getenv(envDump) != "" {
		level = slog.LevelDebug // that log is searched too
	}
	config.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	config.Hooks = newCrasher(crash).hooks()
	if folder := os.Getenv(envDump); folder != "" {
		config.Hooks.Gateway = dumper(folder)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := service.Open(ctx, config)
	if err == nil {
		err = s.Serve(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// The points between durable pairs. A crash at any of them must lose nothing and
// double nothing.
var crashPoints = []string{
	"object before",                   // a segment came, nothing of it is durable
	"object after",                    // its object is durable, its row is not
	"ack before",                      // object and row are durable, the agent has not heard of it
	"beat after",                      // a heartbeat was heard, its answer is lost
	"complete after",                  // the end of a collection is durable, the agent has not heard of it
	"advance before", "advance after", // a run's change of state, and what follows from it
	"evaluate before", "evaluate after", // the results of a host, and the end of the job
}

// crasher kills the process when a point is passed for the nth time.
type crasher struct {
	point string
	left  atomic.Int64
}

func newCrasher(text string) *crasher {
	c := &crasher{}
	point, n, _ := strings.Cut(text, ":")
	var left int64
	fmt.Sscan(n, &left)
	c.point = point
	c.left.Store(left)
	return c
}

func (c *crasher) pass(point string) {
	if point == c.point && c.left.Add(-1) == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal is there
	}
}

func (c *crasher) hooks() service.Hooks {
	return service.Hooks{
		Blobs:   func(s blob.Store) blob.Store { return &crashingBlobs{s, c} },
		Gateway: c.gateway,
		Event:   func(point string) { c.pass("event " + point) },
		Job: func(kind string, h jobs.Handler) jobs.Handler {
			return func(ctx context.Context, job jobs.Job) error {
				c.pass(kind + " before")
				err := h(ctx, job)
				c.pass(kind + " after")
				return err
			}
		},
	}
}

type crashingBlobs struct {
	blob.Store
	c *crasher
}

func (b *crashingBlobs) Put(ctx context.Context, name string, r io.Reader) error {
	b.c.pass("object before")
	err := b.Store.Put(ctx, name, r)
	b.c.pass("object after")
	return err
}

// gateway holds an answer back until it is known whether it is to be lost.
func (c *crasher) gateway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		held := httptest.NewRecorder()
		next.ServeHTTP(struct {
			http.ResponseWriter
			unwrapper
		}{held, unwrapper{w}}, r)
		switch {
		case r.Method == http.MethodPut && held.Code == http.StatusOK:
			c.pass("ack before")
		case strings.HasSuffix(r.URL.Path, "/heartbeat"):
			c.pass("beat after")
		case strings.HasSuffix(r.URL.Path, "/complete"):
			c.pass("complete after")
		}
		for name, values := range held.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(held.Code)
		w.Write(held.Body.Bytes())
	})
}

// unwrapper lets the handler set deadlines on the real connection.
type unwrapper struct{ w http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.w }

// dumper writes each request to the agents' door into a file of its own as it is
// read: the request line and the headers, an empty line, the body.
func dumper(folder string) func(http.Handler) http.Handler {
	var number atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%06d", number.Add(1))))
			if err != nil {
				panic(err) // the test would search too little
			}
			defer file.Close()
			fmt.Fprintf(file, "%s %s\r\n", r.Method, r.URL)
			r.Header.Write(file)
			io.WriteString(file, "\r\n")
			body := r.Body
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.TeeReader(body, file), body}
			next.ServeHTTP(w, r)
		})
	}
}
