package packages_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/telemetry"
)

// write makes the files of a fake host below root. A name that ends in a slash is
// a folder; a content that begins with "-> " makes a link.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(root, name)
		if name[len(name)-1] == '/' {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if len(content) > 3 && content[:3] == "-> " {
			must(t, os.Symlink(content[3:], path))
			continue
		}
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, root string) *hostfs.FS {
	t.Helper()
	fs, err := hostfs.Open(root)
	must(t, err)
	t.Cleanup(func() { fs.Close() })
	return fs
}

// result is what the sensor told of a host.
type result struct {
	packages  []*telemetry.Package
	databases map[string]telemetry.PackageDatabase // by path
	coverage  telemetry.Coverage
}

func collect(t *testing.T, root string, only ...string) result {
	t.Helper()
	r := result{databases: map[string]telemetry.PackageDatabase{}}
	var err error
	r.coverage, err = packages.New().Collect(context.Background(), &sensor.Host{FS: open(t, root), Only: only}, func(rec telemetry.Record) error {
		switch rec := rec.(type) {
		case *telemetry.Package:
			r.packages = append(r.packages, rec)
		case *telemetry.PackageDatabase:
			r.databases[rec.Path] = *rec
		default:
			t.Errorf("a record of another type: %T", rec)
		}
		return nil
	})
	must(t, err)
	if r.coverage.State != telemetry.Complete && r.coverage.Reason == "" {
		t.Errorf("state %s has no reason", r.coverage.State)
	}
	for _, p := range r.coverage.Parts {
		if p.State != telemetry.Complete && p.Reason == "" {
			t.Errorf("part %s with state %s has no reason", p.Name, p.State)
		}
	}
	return r
}

// states are those of the whole and of the parts dpkg, rpm, apk, pacman.
func (r result) states() []telemetry.State {
	out := []telemetry.State{r.coverage.State}
	for _, p := range r.coverage.Parts {
		out = append(out, p.State)
	}
	return out
}

func (r result) names() []string {
	var out []string
	for _, p := range r.packages {
		out = append(out, p.Manager+" "+p.Name+" "+p.Version)
	}
	slices.Sort(out)
	return out
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
