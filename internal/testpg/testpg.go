// Package testpg gives a test a PostgreSQL schema of its own, on the server that
// ASSAY_TEST_POSTGRES names (scripts/with-postgres.sh starts one). To the test it
// looks like an empty database, and it is made in a tenth of the time.
package testpg

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"assay/internal/testenv"
)

// New makes an empty schema that is dropped when the test ends, and returns the
// address of the database with that schema. It ends the test where there is no
// server.
func New(t testing.TB) string {
	t.Helper()
	server := testenv.NeedEnv(t, "ASSAY_TEST_POSTGRES")
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	name := "assay_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatalf("make a schema for the test: %v", err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.Background(), "DROP SCHEMA "+name+" CASCADE"); err != nil {
			t.Errorf("drop the test's schema: %v", err)
		}
	})
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", name)
	address.RawQuery = query.Encode()
	return address.String()
}
