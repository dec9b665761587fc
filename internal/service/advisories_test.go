package service

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/advisory/feeds"
	"assay/internal/advisory/fetch"
	"assay/internal/advisory/index"
)

func ecosystemsOf(t *testing.T, s *Service) []string {
	t.Helper()
	set, err := s.Advisories().Use()
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var all []string
	for _, f := range set.Manifest().Files {
		all = append(all, f.Ecosystem)
	}
	return all
}

// TestAdvisories: a new service has what came with it; one that runs takes over what
// another process imports, while the old set is in use; and tells its age.
func TestAdvisories(t *testing.T) {
	c := configIn(fresh(t))
	s := open(t, c)
	s.advisories.Every = 10 * time.Millisecond
	told := make(chan string, 10)
	s.advisories.OnNew = func(_ context.Context, m *index.Manifest) error { told <- m.Hash(); return nil }
	stop := serving(t, s)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	first := <-told
	old, err := s.Advisories().Use()
	if err != nil || old.Manifest().Hash() != first || strings.Join(ecosystemsOf(t, s), " ") != "Debian:11 Debian:12 Debian:13" {
		t.Fatal(err, ecosystemsOf(t, s))
	}
	name := filepath.Join(t.TempDir(), "alma.json")
	record := `{"schema_version":"1.7.0","id":"ALSA-1","modified":"2026-08-24T00:00:00Z","affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1-1"}]}]}]}`
	if err := os.WriteFile(name, []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	other := feeds.At(Folder(c.Data).Advisories())
	if r, err := other.Import(t.Context(), []string{name}, feeds.Importing{}, feeds.Options{}); err != nil || len(r.Failed()) != 0 {
		t.Fatal(r, err)
	}
	if second := <-told; second == first || strings.Join(ecosystemsOf(t, s), " ") != "AlmaLinux:9 Debian:11 Debian:12 Debian:13" {
		t.Errorf("%s after %s: %q", second, first, ecosystemsOf(t, s))
	}
	if _, err := old.Index("Debian:12"); err != nil { // its files are gone from the folder
		t.Error(err)
	}
	old.Close()
	if _, body := s.get(t, "/metrics"); !strings.Contains(body, `assay_advisories_age_seconds{feed="bundled-debian"}`) || !strings.Contains(body, `assay_advisories_records{feed="osv-almalinux"} 1`) {
		t.Error(body)
	}
	// A set that cannot be used leaves the one in use where it is.
	if err := os.WriteFile(filepath.Join(other.Dir(), index.ManifestFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.advisories.Look(t.Context())
	if got := ecosystemsOf(t, s); len(got) != 4 {
		t.Error(got)
	}
}

// TestNoAdvisories: a folder that cannot be had is no reason not to serve.
func TestNoAdvisories(t *testing.T) {
	c := configIn(fresh(t))
	c.Advisories = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(c.Advisories, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, c)
	defer closed(t, s)
	if _, err := s.Advisories().Use(); !errors.Is(err, index.ErrNoIndex) {
		t.Error(err)
	}
}

// TestFeedsUpdate: the service fetches feeds itself, uses what came, and counts it.
func TestFeedsUpdate(t *testing.T) {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.Create("a.json")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, `{"schema_version":"1.7.0","id":"GO-1","modified":"2026-08-24T00:00:00Z","affected":[{"package":{"ecosystem":"Go","name":"example.org/a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.0.0"}]}]}]}`)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/Go/all.zip") {
			http.NotFound(w, r)
			return
		}
		w.Write(archive.Bytes())
	}))
	defer mirror.Close()
	c := configIn(fresh(t))
	c.FeedsUpdate = time.Hour
	if c.Feeds, err = fetch.New(fetch.Config{Mirror: mirror.URL, Attempts: 1}); err != nil {
		t.Fatal(err)
	}
	defer c.Feeds.Close()
	s := open(t, c)
	defer closed(t, s)
	s.updateOnce(t.Context()) // nothing is followed
	for _, name := range []string{"osv-go", "kev"} {
		known, _ := feeds.ByName(name)
		if err := s.advisories.Folder.Add(known); err != nil {
			t.Fatal(err)
		}
	}
	s.updateOnce(t.Context())
	if got := ecosystemsOf(t, s); len(got) != 4 || got[3] != "Go" {
		t.Errorf("%q", got)
	}
	recorder := httptest.NewRecorder()
	s.metrics.handler(s.store).ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`assay_feed_updates_total{outcome="updated"} 1`, `assay_feed_updates_total{outcome="failed"} 1`, "assay_feed_last_success_timestamp_seconds 0"} {
		if !strings.Contains(recorder.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
	if wait := s.untilUpdate(); wait < 50*time.Minute {
		t.Errorf("fetches again in %v, though it just has", wait)
	}
}
