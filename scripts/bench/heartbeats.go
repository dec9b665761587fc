//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/agent/credential"
	"assay/internal/inspector"
	"assay/internal/service"
	"assay/internal/store"
	"assay/internal/wire"
)

const (
	beatingAgents = 400 // each with a connection of its own that stays open
	beatRounds    = 5
	beatRound     = 3 * time.Second
	goalBeats     = 15_000 // a second and core
)

// heartbeats measures what a heartbeat costs the service: through the gateway
// over TLS, the handler alone, and the row that is written for it.
func (b *bench) heartbeats(ctx context.Context) error {
	door, err := b.beatDoor(ctx)
	if err != nil {
		return err
	}
	row, err := b.touches(ctx)
	if err != nil {
		return err
	}
	handler, err := b.beatHandler(ctx)
	if err != nil {
		return err
	}
	b.table.plain("a heartbeat over TLS, the service's CPU", door, "us")
	b.table.plain("  of which the handler, without HTTP and TLS", handler, "us")
	b.table.plain("  and an agent's row, that it was seen", row, "us")
	b.table.above("heartbeats a second and core, each written down", 1e6/(door+row), "/s", goalBeats)
	return nil
}

// beatDoor loads the real service from this process, and returns the
// microseconds that a heartbeat costs it.
func (b *bench) beatDoor(ctx context.Context) (float64, error) {
	s, err := b.serve(ctx)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	ids, err := s.enrol(ctx, beatingAgents)
	if err != nil {
		return 0, err
	}
	l := &load{stop: make(chan struct{})}
	for i, id := range ids {
		if err := l.begin(s.use.Gateway, id, i); err != nil {
			l.end()
			return 0, err
		}
	}
	time.Sleep(2 * time.Second)
	var costs []float64
	for range beatRounds {
		before := l.beats.Load()
		cpu, err := spent(s.pid(), func() error { time.Sleep(beatRound); return nil })
		if err != nil {
			return 0, err
		}
		costs = append(costs, cpu.Seconds()*1e6/float64(l.beats.Load()-before))
	}
	return median(costs), l.end()
}

// load is agents that beat as fast as they are answered. It writes prepared
// requests, to leave the machine to the service.
type load struct {
	stop  chan struct{}
	group sync.WaitGroup
	beats atomic.Int64
	err   atomic.Pointer[error]
}

func (l *load) begin(gateway string, id credential.Identity, i int) error {
	u, err := url.Parse(gateway)
	if err != nil {
		return err
	}
	config := credential.ClientTLS(func() credential.Identity { return id })
	config.ServerName = u.Hostname()
	conn, err := tls.Dial("tcp", u.Host, config)
	if err != nil {
		return err
	}
	body, err := beat(i)
	if err != nil {
		return err
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: assay-agent/0.1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		wire.PathHeartbeat, u.Host, len(body), body)
	l.group.Go(func() {
		defer conn.Close()
		if err := l.drive(conn, request); err != nil {
			l.err.CompareAndSwap(nil, &err)
		}
	})
	return nil
}

func (l *load) drive(conn io.ReadWriter, request []byte) error {
	in := bufio.NewReaderSize(conn, 1<<10)
	for {
		select {
		case <-l.stop:
			return nil
		default:
		}
		if _, err := conn.Write(request); err != nil {
			return err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("a heartbeat was answered with %s", answer.Status)
		}
		l.beats.Add(1)
	}
}

func (l *load) end() error {
	close(l.stop)
	l.group.Wait()
	if err := l.err.Load(); err != nil {
		return *err
	}
	return nil
}

// beat is a heartbeat of an agent that has nothing to tell.
func beat(i int) ([]byte, error) {
	var text bytes.Buffer
	err := wire.Encode(&text, wire.Heartbeat{
		Protocol: wire.Version, Version: "0.1.0", Boot: "f75d3ea8-d028-48f9-af8e-6b4bc5df71c8", Now: time.Now().UTC(), Facts: facts(i),
		Sensors: []string{"system", "kernel", "mounts", "accounts", "network", "sockets", "config", "packages", "processes", "files", "walk"},
		Spool:   wire.Spool{Limit: 512 << 20},
	})
	return text.Bytes(), err
}

// beatHandler measures the gateway's handler in this process, on one core.
func (b *bench) beatHandler(ctx context.Context) (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var handler http.Handler
	s, err := service.Open(ctx, service.Config{
		Data: filepath.Join(b.work, "handler"), API: "127.0.0.1:0", Gateway: "127.0.0.1:0", Interval: 30 * time.Second,
		Limits: inspector.Limits{Targets: 1, Templates: 1, Runs: 1, RunningHosts: 1},
		Scope:  inspector.Scope{Region: "eu-central-1"},
		Hooks:  service.Hooks{Gateway: func(h http.Handler) http.Handler { handler = h; return h }},
	})
	if err != nil {
		return 0, err
	}
	served := make(chan error, 1)
	serving, cancel := context.WithCancel(ctx)
	go func() { served <- s.Serve(serving) }()
	defer func() { cancel(); <-served }()
	peer := &running{}
	if err := peer.meet(ctx, s.Folder()); err != nil {
		return 0, err
	}
	ids, err := peer.enrol(ctx, 100)
	if err != nil {
		return 0, err
	}
	return handle(handler, ids)
}

// handle returns the microseconds that the handler needs for a heartbeat.
func handle(handler http.Handler, ids []credential.Identity) (float64, error) {
	states, bodies := make([]*tls.ConnectionState, len(ids)), make([][]byte, len(ids))
	for i, id := range ids {
		states[i] = &tls.ConnectionState{VerifiedChains: chains(id)}
		var err error
		if bodies[i], err = beat(i); err != nil {
			return 0, err
		}
	}
	const beats = 20_000
	var costs []float64
	for range beatRounds {
		cpu, err := spent(0, func() error {
			for i := range beats {
				n := i % len(ids)
				r := httptest.NewRequest(http.MethodPost, wire.PathHeartbeat, bytes.NewReader(bodies[n]))
				r.TLS = states[n]
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
					return fmt.Errorf("a heartbeat was answered with %d", w.Code)
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		costs = append(costs, cpu.Seconds()*1e6/beats)
	}
	return median(costs), nil
}

// touches returns the microseconds that it costs to write down that an agent was
// seen, with those of a second together, as the service does.
func (b *bench) touches(ctx context.Context) (float64, error) {
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(b.work, "touches.db"))
	if err != nil {
		return 0, err
	}
	defer s.Close()
	const agents = 15_000
	touches := make([]store.Touch, agents)
	err = s.Update(ctx, func(tx *store.Tx) error {
		for i := range touches {
			touches[i].Agent = fmt.Sprintf("i-%017x", i*7919)
			if err := tx.SaveAgent(ctx, inspector.Agent{ID: touches[i].Agent, Hostname: facts(i).Hostname, EnrolledAt: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	var costs []float64
	for round := range beatRounds {
		for i := range touches {
			touches[i].SeenAt = time.Now().Add(time.Duration(round) * time.Second)
		}
		cpu, err := spent(0, func() error { return s.TouchAgents(ctx, touches) })
		if err != nil {
			return 0, err
		}
		costs = append(costs, cpu.Seconds()*1e6/agents)
	}
	return median(costs), nil
}

// chains is what TLS would tell of an agent's certificate.
func chains(id credential.Identity) [][]*x509.Certificate {
	return [][]*x509.Certificate{{id.TLS().Leaf}}
}
