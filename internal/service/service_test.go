package service

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"assay/internal/inspector"
	"assay/internal/testpg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func configIn(dir string) Config {
	return Config{Data: dir, API: "127.0.0.1:0", Gateway: "127.0.0.1:0", Version: "test"}
}

// fresh is a data folder that is not there yet.
func fresh(t *testing.T) string { return filepath.Join(t.TempDir(), "data") }

func open(t *testing.T, c Config) *Service {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s *Service) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, test := range map[string]struct {
		change func(t *testing.T, c *Config)
		want   string
	}{
		"an unknown role":          {func(_ *testing.T, c *Config) { c.Roles = []Role{"cook"} }, `no role "cook"`},
		"a role missing on SQLite": {func(_ *testing.T, c *Config) { c.Roles = []Role{RoleAPI, RoleWorker} }, `nobody would have the role "gateway"`},
		"a folder open to others": {func(t *testing.T, c *Config) {
			if err := os.Mkdir(c.Data, 0o755); err != nil {
				t.Fatal(err)
			}
		}, "chmod 700"},
		"a file for a folder": {func(t *testing.T, c *Config) {
			if err := os.WriteFile(c.Data, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "make the data folder"},
		"an unknown database":      {func(_ *testing.T, c *Config) { c.Database = "mysql://u:hunter2@h/d" }, "postgres://"},
		"a database that is away":  {func(_ *testing.T, c *Config) { c.Database = "postgres://u:hunter2@127.0.0.1:1/d?connect_timeout=2" }, "connect to the database d on 127.0.0.1"},
		"an address of a database": {func(_ *testing.T, c *Config) { c.Database = "postgres://u:hunter2@h:port/d" }, "the database's address is wrong"},
		"a region":                 {func(_ *testing.T, c *Config) { c.Scope.Region = "x" }, "cannot be a region"},
		"an account":               {func(_ *testing.T, c *Config) { c.Scope.Account = "x" }, "cannot be an account"},
		"a door that is taken":     {func(_ *testing.T, c *Config) { c.API = taken.Addr().String() }, `open the door "api"`},
		"a gateway that is taken":  {func(_ *testing.T, c *Config) { c.Gateway = taken.Addr().String() }, `open the door "gateway"`},
		"metrics that are taken":   {func(_ *testing.T, c *Config) { c.Metrics = taken.Addr().String() }, `open the door "metrics"`},
		"a keyring that is none": {func(t *testing.T, c *Config) {
			c.Keyring = filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(c.Keyring, []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "open the keyring"},
		"a keyring open to others": {func(t *testing.T, c *Config) {
			c.Keyring = filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(c.Keyring, []byte("{}"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "can be read by others"},
	} {
		t.Run(name, func(t *testing.T) {
			c := configIn(filepath.Join(t.TempDir(), "data"))
			test.change(t, &c)
			_, err := Open(t.Context(), c)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error has the database's password: %v", err)
			}
			// Nothing is held: with the mistake mended the folder can be opened.
			if info, statErr := os.Stat(c.Data); statErr == nil && info.Mode().Perm() == 0o700 {
				closed(t, open(t, configIn(c.Data)))
			}
		})
	}
}

func TestOneServiceAFolder(t *testing.T) {
	c := configIn(fresh(t))
	s := open(t, c)
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "already runs on the data folder") {
		t.Errorf("the error is %v", err)
	}
	closed(t, s)
	closed(t, open(t, c))
}

func TestFilesAreForTheServiceOnly(t *testing.T) {
	c := configIn(filepath.Join(t.TempDir(), "new"))
	closed(t, open(t, c))
	for name, want := range map[string]os.FileMode{"": 0o700, "client.json": 0o600, "ca.pem": 0o600, "keys": 0o700, "keys/keyring.json": 0o600, "objects": 0o700} {
		if info, err := os.Stat(filepath.Join(c.Data, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v; want mode %o", name, info.Mode(), err, want)
		}
	}
}

// What is made once stays the same over restarts, and in every replica.
func TestWhatIsMadeOnce(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return testpg.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := configIn(fresh(t))
			c.Database = database(t)
			first := open(t, c)
			want := lasting(first)
			closed(t, first)
			second := open(t, c)
			if diff := cmp.Diff(want, lasting(second)); diff != "" {
				t.Errorf("after a restart (-first +second):\n%s", diff)
			}
			closed(t, second)

			for _, other := range []inspector.Scope{{Region: "eu-central-1"}, {Account: "111122223333"}} {
				changed := c
				changed.Scope = other
				if _, err := Open(t.Context(), changed); err == nil || !strings.Contains(err.Error(), "cannot change") {
					t.Errorf("with %+v the error is %v", other, err)
				}
			}
			same := c
			same.Scope = first.scope
			closed(t, open(t, same))

			foreign := c
			foreign.Keyring = filepath.Join(t.TempDir(), "another.json")
			if _, err := Open(t.Context(), foreign); err == nil || !strings.Contains(err.Error(), foreign.Keyring+" is not the keyring that this database was begun with") {
				t.Errorf("with another keyring the error is %v", err)
			}
			closed(t, open(t, c))
		})
	}
}

// lasting is what does not depend on the addresses that a start found free.
func lasting(s *Service) Client {
	c := s.Client()
	c.Endpoint, c.Gateway = "", ""
	return c
}

func TestReplicasThatOpenAtOnce(t *testing.T) {
	database, shared := testpg.New(t), t.TempDir()
	services := make([]*Service, 4)
	errs := make([]error, len(services))
	var group sync.WaitGroup
	for i := range services {
		c := configIn(fresh(t))
		c.Database, c.Keyring, c.Objects = database, filepath.Join(shared, "keys", "keyring.json"), filepath.Join(shared, "objects")
		group.Go(func() { services[i], errs[i] = Open(t.Context(), c) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		if diff := cmp.Diff(lasting(services[0]), lasting(s)); diff != "" {
			t.Errorf("replicas differ:\n%s", diff)
		}
	}
	for _, s := range services {
		closed(t, s)
	}
}

// A replica without the gateway tells agents where another has it; one without the
// API tells that nobody can call it.
func TestAddressesOfOtherReplicas(t *testing.T) {
	database, shared := testpg.New(t), t.TempDir()
	for _, test := range []struct {
		roles             []Role
		gateway           string
		names             []string
		endpoint, pointed string
	}{
		{[]Role{RoleAPI}, "agents.example:8444", []string{"api.example"}, "https://api.example:", "https://agents.example:8444"},
		{[]Role{RoleAPI}, "0.0.0.0:8444", []string{"assay.example"}, "https://assay.example:", "https://assay.example:8444"},
		{[]Role{RoleAPI}, "127.0.0.1:8444", nil, "https://localhost:", "https://localhost:8444"},
		{[]Role{RoleGateway, RoleWorker}, "127.0.0.1:0", []string{"a.example"}, "", "https://a.example:"},
	} {
		c := configIn(fresh(t))
		c.Database, c.Keyring, c.Objects = database, filepath.Join(shared, "k"), filepath.Join(shared, "o")
		c.Roles, c.Gateway, c.Names = test.roles, test.gateway, test.names
		s := open(t, c)
		got, err := s.Folder().Client()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got.Endpoint, test.endpoint) || test.endpoint == "" && got.Endpoint != "" || !strings.HasPrefix(got.Gateway, test.pointed) {
			t.Errorf("%v at %s as %v: endpoint %q, gateway %q", test.roles, test.gateway, test.names, got.Endpoint, got.Gateway)
		}
		closed(t, s)
	}
}
