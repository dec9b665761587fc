// Package service puts the service together: database, objects, keys, queue, use
// cases and doors, as a data folder and a few settings say. It is the one place
// that knows them all; nothing but wiring is in it.
package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"time"

	"assay/internal/advisory/feeds"
	"assay/internal/advisory/fetch"
	"assay/internal/advisory/index"
	"assay/internal/assess"
	"assay/internal/blob"
	"assay/internal/durable"
	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/notify"
	"assay/internal/rules"
	"assay/internal/rules/catalog"
	"assay/internal/store"
	"assay/internal/vault"
)

// Role is a part of the service that a replica can run alone.
type Role string

// The roles. A replica without -roles has them all.
const (
	RoleAPI     Role = "api"
	RoleGateway Role = "gateway"
	RoleWorker  Role = "worker"
)

// Config is what a service is told. Zero fields mean the defaults of `assay serve`.
type Config struct {
	Data          string // the folder
	Keyring       string // the keyring's file; empty: in the folder
	Objects       string // the folder of sealed telemetry; empty: in the folder
	API           string // the address to listen at
	Gateway       string // the same; where another replica has this role, the address that agents are told
	Metrics       string // an address for metrics without TLS; empty: none
	Database      string // "postgres://..."; empty: SQLite in the folder
	Scope         inspector.Scope
	Roles         []Role
	Names         []string // by which the service is reached, beside this host's own
	Interval      time.Duration
	Retention     time.Duration
	Grace         time.Duration
	Limits        inspector.Limits
	Lease         time.Duration  // after which a silent replica's jobs are taken from it, on PostgreSQL
	SNS           notify.SNSMode // empty: off
	RulesSettings map[string]string
	Version       string
	Log           *slog.Logger `json:"-"`
	Hooks         Hooks        `json:"-"`

	Advisories string // the folder of advisories; empty: in the folder

	// RematchAfterUpdate has stored telemetry matched again with each new set of
	// advisories.
	RematchAfterUpdate bool
	Settle             time.Duration // from new advisories to their re-match; default 2 minutes
	FeedsUpdate        time.Duration // how often feeds are fetched; 0: never
	Feeds              *fetch.Client `json:"-"` // that fetches them

	// FirstBytes has runs of Runtime Behavior Analysis look at how connections begin.
	FirstBytes bool

	AuditRetention time.Duration  // how long the record of calls is kept; 0: for ever
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
}

// Hooks let a test stand between the parts, to stop the program where a crash
// would hurt most. Each gets a part and returns what is used in its place.
type Hooks struct {
	Blobs   func(blob.Store) blob.Store
	Gateway func(http.Handler) http.Handler
	Job     func(kind string, h jobs.Handler) jobs.Handler
	Event   func(point string) // "sent": an event was delivered, and that is not written down yet
}

// queue is both ends of the jobs' queue.
type queue interface {
	jobs.Queue
	jobs.Worker
	Backlog(ctx context.Context) ([]jobs.Backlog, error)
}

// Service is a service that is ready to serve.
type Service struct {
	config    Config
	folder    Folder
	lock      *durable.Lock
	store     *store.Store
	queue     queue
	assess    *assess.Service
	authority *identity.Authority
	keys      vault.Wrapper
	scope     inspector.Scope
	packages  []rules.Package
	client    Client
	doors     []door
	metrics   *metrics
	access    accessControl
	courier   *notify.Courier

	advisories *feeds.Keeper
	feeds      *feedMetrics
}

// Client tells how to reach the service.
func (s *Service) Client() Client { return s.client }

// Folder is the service's data folder.
func (s *Service) Folder() Folder { return s.folder }

// Advisories has what is known about vulnerabilities, as it is now.
func (s *Service) Advisories() *index.Current { return s.advisories.Current() }

// Open opens the data folder and the database, making what is missing, and
// listens. Serve, or Close, has to follow.
func Open(ctx context.Context, c Config) (_ *Service, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := CheckRoles(c.Roles, c.Database); err != nil {
		return nil, err
	}
	s := &Service{config: c, folder: Folder(c.Data), metrics: newMetrics(c.Version)}
	s.advisories = keeperOf(c)
	s.packages = catalog.Packages(s.advisories)
	if c.FirstBytes {
		s.packages = catalog.LookAtFirstBytes(s.packages)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.openFolder(ctx); err != nil {
		return nil, err
	}
	s.openAdvisories(ctx)
	if err := s.openState(ctx); err != nil {
		return nil, err
	}
	s.watch()
	if err := s.openDoors(); err != nil {
		return nil, err
	}
	return s, s.introduce(ctx)
}

// CheckRoles tells what is wrong with the roles of a replica; none means all. On
// SQLite there is one replica, so it has to have them all.
func CheckRoles(roles []Role, database string) error {
	all := []Role{RoleAPI, RoleGateway, RoleWorker}
	for _, r := range roles {
		if !slices.Contains(all, r) {
			return fmt.Errorf("there is no role %q: api, gateway, worker", r)
		}
	}
	for _, r := range all {
		if database == "" && len(roles) > 0 && !slices.Contains(roles, r) {
			return fmt.Errorf("nobody would have the role %q: on SQLite there is one replica, and roles are divided on PostgreSQL only", r)
		}
	}
	return nil
}

// has tells whether this replica has a role.
func (s *Service) has(r Role) bool {
	return len(s.config.Roles) == 0 || slices.Contains(s.config.Roles, r)
}

func (s *Service) openFolder(ctx context.Context) error {
	if err := s.folder.prepare(); err != nil {
		return err
	}
	var err error
	if s.lock, err = durable.TryLock(s.config.Data); errors.Is(err, durable.ErrLocked) {
		return fmt.Errorf("a service already runs on the data folder %s", s.folder)
	} else if err != nil {
		return err
	}
	if err := s.openStore(ctx); err != nil {
		return err
	}
	dsn := s.dsn()
	options := jobs.Options{Log: s.config.Log, Lease: s.config.Lease, OnDiscard: func(ctx context.Context, job jobs.Job, err error) error {
		return s.assess.Discarded(ctx, job, err)
	}}
	if s.store.Postgres() {
		s.queue, err = jobs.NewRiver(ctx, s.store.DB(), dsn, options)
	} else {
		s.queue, err = jobs.NewSQLite(ctx, s.store.DB(), options)
	}
	return err
}

// openStore opens the keyring and the database.
func (s *Service) openStore(ctx context.Context) (err error) {
	if s.keys, err = vault.OpenKeyring(s.keyring()); err != nil {
		return err
	}
	s.store, err = store.Open(ctx, s.dsn())
	return err
}

func (s *Service) dsn() string {
	return cmp.Or(s.config.Database, "sqlite:"+s.folder.path("assay.db"))
}

func (s *Service) keyring() string {
	return cmp.Or(s.config.Keyring, s.folder.path("keys/keyring.json"))
}

// openState makes the use cases over what the database has.
func (s *Service) openState(ctx context.Context) error {
	var err error
	if s.scope, err = scopeOf(ctx, s.store, s.config.Scope); err != nil {
		return err
	}
	s.store.Scope = s.scope
	if s.authority, err = authorityOf(ctx, s.store, s.keys); errors.Is(err, errForeign) {
		return fmt.Errorf("%w: %s is not the keyring that this database was begun with; restore that one, or name it with -keyring", err, s.keyring())
	} else if err != nil {
		return err
	}
	folder, err := blob.OpenFolder(cmp.Or(s.config.Objects, s.folder.path("objects")))
	if err != nil {
		return err
	}
	var blobs blob.Store = folder
	if hook := s.config.Hooks.Blobs; hook != nil {
		blobs = hook(blobs)
	}
	if err := s.openCourier(ctx); err != nil {
		return err
	}
	s.assess, err = assess.New(ctx, assess.Config{
		Store: s.store, Blobs: blobs, Keys: s.keys, Queue: s.queue, Courier: s.courier,
		Packages: s.packages,
		Limits:   s.config.Limits, Settings: s.config.RulesSettings, Log: s.config.Log,
		Interval: s.config.Interval, Grace: s.config.Grace, Retention: s.config.Retention, Settle: s.config.Settle,
		Scheduled: s.metrics.countScheduled,
		Version:   s.config.Version,
	})
	if s.config.RematchAfterUpdate {
		s.advisories.OnNew = func(ctx context.Context, m *index.Manifest) error { return s.assess.RematchFor(ctx, m.Hash()) }
	}
	return err
}

// tokenKey authenticates page tokens, in every replica the same.
func (s *Service) tokenKey(ctx context.Context) ([]byte, error) {
	return sealedOnce(ctx, s.store, s.keys, settingTokens, func() ([]byte, error) {
		key := make([]byte, 32)
		rand.Read(key)
		return key, nil
	})
}

// introduce writes down how the service is reached, for people and programs.
func (s *Service) introduce(ctx context.Context) error {
	administrator, err := administratorOf(ctx, s.store, s.keys)
	if err != nil {
		return err
	}
	s.client.Region, s.client.Account = s.scope.Region, s.scope.Account
	s.client.AccessKey, s.client.Secret = administrator.KeyID, administrator.Secret
	s.client.Pin = s.authority.Pin()
	if err := durable.WriteFile(s.folder.CA(), s.authority.CA()); err != nil {
		return err
	}
	return s.folder.writeClient(s.client)
}

// serverNames are the names in the doors' certificate: what was asked for, and
// what this host calls itself.
func (s *Service) serverNames() []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	for _, address := range []string{s.config.API, s.config.Gateway} {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err == nil && host != "" && (ip == nil || !ip.IsUnspecified()) {
			names = append(names, host)
		}
	}
	names = append(names, s.config.Names...)
	slices.Sort(names)
	return slices.Compact(names)
}

// Close releases what Open has opened, if Serve was not called.
func (s *Service) Close() error {
	var errs []error
	for _, d := range s.doors {
		errs = append(errs, d.listener.Close())
	}
	errs = append(errs, s.advisories.Close())
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.access.audit != nil {
		errs = append(errs, s.access.audit.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}
