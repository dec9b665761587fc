// Command grypedb makes a database for grype of OSV records of Debian, which it reads
// from its standard input, a record a line: what a comparison of both needs, because
// grype's own database cannot be had without a network, and has other data. It is a
// module of its own, so that grype is no dependency of the project;
// scripts/grypedb.sh builds and runs it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	db "github.com/anchore/grype/grype/db"
	"github.com/anchore/grype/grype/db/provider"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: grypedb FOLDER <records")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "grypedb:", err)
		os.Exit(1)
	}
}

// run makes FOLDER/6, where grype looks if FOLDER is its cache.
func run(dir string) error {
	work, err := os.MkdirTemp("", "grypedb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	state, err := workspace(work)
	if err != nil {
		return err
	}
	const schema = 6
	out := filepath.Join(dir, fmt.Sprint(schema))
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return db.Build(db.BuildConfig{SchemaVersion: schema, Directory: out, States: provider.States{*state}, Timestamp: time.Now(), Hydrate: true})
}

// record is what is needed of an OSV record.
type record struct {
	ID, Summary string
	Affected    []struct {
		Package struct{ Ecosystem, Name string }
		Ranges  []struct {
			Events []struct{ Introduced, Fixed string }
		}
	}
}

// workspace writes the records as grype's builder wants the provider of Debian to:
// one vulnerability for every advisory and release.
func workspace(dir string) (*provider.State, error) {
	var items []map[string]any
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		items = append(items, vulnerabilities(r)...)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("there are no records")
	}
	results := map[string]any{
		"schema":     "https://raw.githubusercontent.com/anchore/vunnel/main/schema/vulnerability/os/schema-1.0.0.json",
		"identifier": "all", "item": items,
	}
	state := map[string]any{
		"provider": "debian", "version": 1, "distribution_version": 1, "processor": "grypedb", "timestamp": time.Now(), "store": "flat-file",
		"listing": map[string]any{"path": "listing.xxh64", "digest": "0", "algorithm": "xxh64"},
	}
	path := filepath.Join(dir, "metadata.json")
	for name, content := range map[string]any{filepath.Join(dir, "results.json"): results, path: state} {
		data, err := json.Marshal(content)
		if err == nil {
			err = os.WriteFile(name, data, 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "listing.xxh64"), []byte("0000000000000000  results.json\n"), 0o600); err != nil {
		return nil, err
	}
	return provider.ReadState(path)
}

func vulnerabilities(r record) (items []map[string]any) {
	releases := map[string][]map[string]any{}
	for _, a := range r.Affected {
		release := "debian:" + strings.TrimPrefix(a.Package.Ecosystem, "Debian:")
		for _, in := range a.Ranges {
			releases[release] = append(releases[release], map[string]any{
				"Name": a.Package.Name, "NamespaceName": release, "Version": in.Events[len(in.Events)-1].Fixed, "VersionFormat": "dpkg",
			})
		}
	}
	for release, fixed := range releases {
		items = append(items, map[string]any{"Vulnerability": map[string]any{
			"Name": r.ID, "NamespaceName": release, "Description": r.Summary, "Severity": "Unknown", "FixedIn": fixed,
		}})
	}
	return items
}
