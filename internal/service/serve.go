package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"assay/internal/api"
	"assay/internal/gateway"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/operator"
	"assay/internal/published"
	"assay/internal/rules"
)

// door is a listener with what answers at it.
type door struct {
	name     string
	listener net.Listener
	server   *http.Server
	plain    bool // without TLS
}

// patience is how long a stop waits for requests and jobs that are under way.
const patience = 15 * time.Second

// openDoors listens at the addresses of this replica's roles.
func (s *Service) openDoors() error {
	certificates := s.authority.Server(s.serverNames())
	if s.has(RoleGateway) {
		g := gateway.New(gateway.Config{Service: s.assess, Authority: s.authority, Server: certificates, Log: s.config.Log})
		server := g.HTTPServer()
		if hook := s.config.Hooks.Gateway; hook != nil {
			server.Handler = hook(server.Handler)
		}
		server.Handler = s.metrics.countGateway(server.Handler)
		address, err := s.open("gateway", s.config.Gateway, server, false)
		if err != nil {
			return err
		}
		s.client.Gateway = "https://" + address
	} else {
		s.client.Gateway = "https://" + s.elsewhere(s.config.Gateway)
	}
	if s.has(RoleAPI) {
		handler, err := s.apiHandler()
		if err != nil {
			return err
		}
		server := &http.Server{
			Handler:           handler,
			TLSConfig:         &tls.Config{GetCertificate: certificates.GetCertificate, MinVersion: tls.VersionTLS12},
			ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 3 * time.Minute,
			MaxHeaderBytes: 64 << 10,
			ErrorLog:       discardLog,
		}
		address, err := s.open("api", s.config.API, server, false)
		if err != nil {
			return err
		}
		s.client.Endpoint = "https://" + address
	}
	if s.config.Metrics != "" {
		server := &http.Server{Handler: s.metrics.handler(s.store), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, ErrorLog: discardLog}
		if _, err := s.open("metrics", s.config.Metrics, server, true); err != nil {
			return err
		}
	}
	return nil
}

// open listens, and returns the address by which this host reaches the door.
func (s *Service) open(name, address string, server *http.Server, plain bool) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("open the door %q: %w", name, err)
	}
	s.doors = append(s.doors, door{name, listener, server, plain})
	bound := listener.Addr().(*net.TCPAddr)
	host, _, _ := net.SplitHostPort(address)
	switch {
	case len(s.config.Names) > 0:
		host = s.config.Names[0] // also on loopback: what is reached by that name may stand before us
	case bound.IP.IsLoopback() && bound.IP.To4() == nil:
		host = "::1"
	case bound.IP.IsUnspecified() || bound.IP.IsLoopback():
		host = "localhost"
	}
	return net.JoinHostPort(host, fmt.Sprint(bound.Port)), nil
}

// elsewhere is the address of a door that another replica has: as it was given,
// or, if that is any address of a host, under this replica's name.
func (s *Service) elsewhere(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "" && (ip == nil || !ip.IsUnspecified() && !ip.IsLoopback()) {
		return address
	}
	if len(s.config.Names) > 0 {
		return net.JoinHostPort(s.config.Names[0], port)
	}
	return net.JoinHostPort("localhost", port)
}

func (s *Service) apiHandler() (http.Handler, error) {
	ctx := context.Background()
	key, err := s.tokenKey(ctx)
	if err != nil {
		return nil, err
	}
	var descriptions []rules.Description
	var ids []inspector.PackageID
	for _, p := range s.packages {
		d := p.Describe()
		descriptions, ids = append(descriptions, d), append(ids, d.ID)
	}
	others := map[string]api.Operation{}
	for name, handle := range operator.Handlers(operator.Config{
		Store: s.store, Service: s.assess, Authority: s.authority, Gateway: s.client.Gateway, Packages: ids,
	}) {
		others[operator.Service+"."+name] = api.Operation(handle)
	}
	if err := s.openAccess(ctx); err != nil {
		return nil, err
	}
	for name, handle := range s.access.operations() {
		others[operator.IdentityService+"."+name] = api.Operation(handle)
	}
	inspectorAPI, err := api.New(api.Config{
		Scope: s.scope, Commands: s.assess, Queries: &s.store.Reader, Packages: descriptions,
		Keys: s.access.keys, Sessions: s.access.keys.Sessions, Authorize: s.access.authorize, TrustedProxies: s.config.TrustedProxies,
		TokenKey: key, Others: others,
		Health: s.assess.Health, Log: s.config.Log, Done: s.called,
	})
	if err != nil {
		return nil, err
	}
	files, err := published.Handler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /support/", files)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", onlyLocal(s.metrics.handler(s.store)))
	mux.Handle("/", inspectorAPI)
	return mux, nil
}

// ready tells whether the service can do its work: whether its database answers.
func (s *Service) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		s.config.Log.Error("not ready", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// Serve serves until ctx ends, then ends what is under way and releases
// everything. It returns an error if a part failed.
func (s *Service) Serve(ctx context.Context) error {
	defer runtime.KeepAlive(headroom())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	failed := make(chan error, 1) // the first failure: what follows from it is not told
	run := func(name string, fn func() error) {
		group.Go(func() {
			if err := fn(); err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
				select {
				case failed <- fmt.Errorf("the service's %s ended: %w", name, err):
				default:
				}
				cancel()
			}
		})
	}
	for _, d := range s.doors {
		s.config.Log.Info("serving", "door", d.name, "address", d.listener.Addr().String())
		run(d.name, func() error {
			if d.plain {
				return d.server.Serve(d.listener)
			}
			return d.server.ServeTLS(d.listener, "", "")
		})
	}
	run("bookkeeping", func() error { return s.assess.Run(ctx) })
	run("advisories", func() error { return s.advisories.Run(ctx) })
	if s.has(RoleWorker) && s.config.FeedsUpdate > 0 {
		run("feeds", func() error { return s.updateFeeds(ctx) })
	}
	if s.has(RoleAPI) {
		run("access", func() error { return s.access.used.Run(ctx) })
	}
	if s.has(RoleWorker) {
		run("courier", func() error { return s.courier.Run(ctx, s.assess) })
		run("worker", func() error { return s.queue.Run(ctx, s.handlers(), concurrency) })
	}
	<-ctx.Done()
	s.config.Log.Info("stopping")
	s.stopDoors(&group)
	group.Wait()
	s.doors = nil
	select {
	case err := <-failed:
		return errors.Join(err, s.Close())
	default:
		return s.Close()
	}
}

// headroom is memory that is never touched, and so never resident. The garbage
// collector counts it as in use, and waits for as much garbage again before it
// works: without it, the heap of a service with little state is so small that
// taking telemetry would cost half as much again, most of it garbage collection.
func headroom() []byte { return make([]byte, 64<<20) }

// concurrency is how many jobs a replica runs at once. Evaluations use a core
// each and the memory of a host's telemetry.
const concurrency = 4

func (s *Service) handlers() map[string]jobs.Handler {
	handlers := s.assess.Handlers()
	for kind, h := range handlers {
		if hook := s.config.Hooks.Job; hook != nil {
			h = hook(kind, h)
		}
		handlers[kind] = s.metrics.countJob(kind, h)
	}
	return handlers
}

// stopDoors lets requests that are under way end, but not for ever.
func (s *Service) stopDoors(group *sync.WaitGroup) {
	deadline, cancel := context.WithTimeout(context.Background(), patience)
	for _, d := range s.doors {
		group.Go(func() {
			if d.server.Shutdown(deadline) != nil {
				d.server.Close()
			}
		})
	}
	go func() { group.Wait(); cancel() }()
}
