package store

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"assay/internal/inspector"
)

// A database from before there were indexes of runs keeps its findings, and finds
// them; those of a run that goes on are shown when it is over.
func TestIndexExistingFindings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	db, err := sql.Open("sqlite", sqliteDSN(path, "immediate"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{write: db}
	for version, file := range []string{"0001_objects", "0002_runs", "0003_findings"} {
		text, _ := migrations.ReadFile("migrations/" + file + ".sql")
		statements := s.dialect(string(text))
		if version == 0 {
			statements += "CREATE TABLE schema_version (version BIGINT PRIMARY KEY);"
		}
		if _, err := db.Exec(statements + fmt.Sprintf("INSERT INTO schema_version VALUES (%d);", version+1)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = db.Exec(`INSERT INTO targets VALUES ('0-t', 't', NULL, 0, 0);
		INSERT INTO templates VALUES ('0-m', '0-t', 'm', 1, '[]', '[]', 0, '', 0);
		INSERT INTO runs VALUES (1, '0-a', '0-t', '0-m', 'a', 'COMPLETED', TRUE, TRUE, 1, '[]', '[]', 0, 0, 0, 0, TRUE, '[]', '{}', '', 0);
		INSERT INTO runs VALUES (2, '0-b', '0-t', '0-m', 'b', 'EVALUATING_RULES', FALSE, FALSE, 1, '[]', '[]', 0, 0, 0, 0, TRUE, '[]', '{}', '', 0);
		INSERT INTO findings VALUES (1, '0-f', 'i-1', 'cve', 'arn', 'asg', 'CVE-1', 0, 5, '{"title":"T","attributes":[{"Key":"k","Value":"v"}],"asset":{"agent":"i-1","auto_scaling_group":"asg"}}');
		INSERT INTO findings VALUES (2, '0-g', 'i-1', 'cve', 'arn', 'asg', 'CVE-1', 0, 5, '{"title":"U","attributes":[{"Key":"k","Value":"v"}],"asset":{"agent":"i-1"}}');`)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	opened, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	filter := inspector.FindingFilter{Agents: []string{"i-1"}, Severities: []inspector.Severity{inspector.High}, Attributes: []inspector.Attribute{{Key: "k", Value: "v"}}}
	listed := func(want ...string) {
		t.Helper()
		refs, _, err := opened.ListFindings(t.Context(), filter, inspector.Page{})
		if err != nil || len(refs) != len(want) {
			t.Fatalf("got %v (%v), want %v", refs, err, want)
		}
		found, err := opened.FindingsAt(t.Context(), refs)
		for i, ref := range refs {
			if f, ok := found[ref]; !ok || f.Title != want[i] || err != nil {
				t.Errorf("%v: %+v (%v)", ref, f, err)
			}
		}
	}
	listed("T")
	if err := opened.Update(t.Context(), func(tx *Tx) error {
		return tx.ChangeRunState(t.Context(), "0-b", inspector.Completed, inspector.Finding{}.CreatedAt)
	}); err != nil {
		t.Fatal(err)
	}
	listed("T", "U")
}
