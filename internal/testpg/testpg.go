// Package testpg gives a test a PostgreSQL database of its own, on the server that
// ASSAY_TEST_POSTGRES names (scripts/with-postgres.sh starts one).
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

// New makes an empty database that is dropped when the test ends, and returns its
// address. It ends the test where there is no server.
func New(t testing.TB) string {
	t.Helper()
	server := testenv.NeedEnv(t, "ASSAY_TEST_POSTGRES")
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	name := "assay_" + strings.ToLower(rand.Text())
	// A locale that is not C, as PostgreSQL has it by default: orders must not
	// depend on it.
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/" + name
	return address.String()
}
