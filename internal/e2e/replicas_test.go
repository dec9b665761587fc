package e2e

import (
	"database/sql"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"assay/internal/testpg"
)

// TestTwoReplicas sets two replicas up as docs/operations.md says: a database, a
// keyring and a folder of objects that both have, a data folder for each, and one
// address before their doors for agents. Whatever one began the other ends.
func TestTwoReplicas(t *testing.T) {
	database, shared := testpg.New(t), t.TempDir()
	one, two := newWorld(t, database), newWorld(t, database)
	two.log = one.log
	for _, w := range []*world{one, two} {
		w.config.Keyring, w.config.Objects = filepath.Join(shared, "keyring.json"), filepath.Join(shared, "objects")
	}
	door := balance(t, one.config.Gateway, two.config.Gateway)

	one.startService("")
	own := one.config.Gateway
	one.config.Gateway = door // for the agent
	one.startAgent()
	one.config.Gateway = own
	one.heard()
	sdk := one.sdk()
	template := sdk.quick()
	want := one.check(sdk, sdk.startRun(template))

	two.startService("")
	other := two.sdk()
	run := sdk.startRun(template)
	one.service.kill()
	if diff := cmp.Diff(want, two.check(other, run)); diff != "" {
		t.Errorf("a run that the one began and the other ended has other findings (-undisturbed +got):\n%s", diff)
	}

	// The one dies in the middle of a job, with nobody beside it. The other ends what it
	// does: a job of its that is not put away would be the first that the one meets.
	two.service.end(t)
	one.startService("evaluate before:1")
	one.heard()
	run = sdk.startRun(template)
	one.dies("evaluate before:1", sdk, run)
	two.startService("")
	if diff := cmp.Diff(want, two.check(other, run)); diff != "" {
		t.Errorf("a job that the one began and the other ended gave other findings (-undisturbed +got):\n%s", diff)
	}
	if out, _ := two.assay(0, "runs"); strings.Count(out, "completed") != 3 {
		t.Errorf("the other replica knows of these runs:\n%s", out)
	}
}

// balance is a load balancer for TCP: each connection goes to the first address
// that takes it.
func balance(t *testing.T, addresses ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				for _, address := range addresses {
					out, err := net.Dial("tcp", address)
					if err != nil {
						continue
					}
					defer out.Close()
					go func() { io.Copy(out, in); out.Close() }()
					io.Copy(in, out)
					return
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestDatabaseThatHangsUp ends all connections of the service to PostgreSQL again
// and again while a run goes on.
func TestDatabaseThatHangsUp(t *testing.T) {
	address, err := url.Parse(testpg.New(t))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	query := address.Query()
	name := query.Get("search_path")
	query.Set("application_name", name) // the server has other tests' connections, too
	address.RawQuery = query.Encode()

	w := newWorld(t, address.String())
	w.startService("")
	w.startAgent()
	w.heard()
	sdk := w.sdk()
	template := sdk.quick()
	want := w.check(sdk, sdk.startRun(template))
	run := sdk.startRun(template)
	ended := 0
	for range 12 {
		var n int
		err := db.QueryRow("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", name).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		ended += n
		if final(sdk.state(run)) {
			break
		}
		time.Sleep(150 * time.Millisecond)
	}
	if ended == 0 {
		t.Fatal("the service had no connection that could be ended")
	}
	if diff := cmp.Diff(want, w.check(sdk, run)); diff != "" {
		t.Errorf("after %d connections were ended the findings differ (-undisturbed +got):\n%s", ended, diff)
	}
	if w.service.ended() {
		t.Error("the service has ended")
	}
}
