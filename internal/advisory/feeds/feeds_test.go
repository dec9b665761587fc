package feeds

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/fetch"
	"assay/internal/advisory/index"
)

var today = time.Date(2026, 8, 25, 12, 0, 0, 0, time.UTC)

// osvRecord is a record of OSV's, of the day before today unless modified says otherwise.
func osvRecord(id, ecosystem, pkg, fixed string) string {
	return fmt.Sprintf(`{"schema_version":"1.7.0","id":%q,"modified":"2026-08-24T00:00:00Z","affected":[{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, id, ecosystem, pkg, fixed)
}

func zipOf(t testing.TB, records ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i, r := range records {
		f, err := w.Create(fmt.Sprintf("R-%d.json", i))
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(r))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// publishers is a mirror of all publishers.
type publishers struct {
	mu    sync.Mutex
	files map[string][]byte // by host and path
	sent  map[string]int    // whole answers
	hook  map[string]http.HandlerFunc
	url   string
}

func newPublishers(t testing.TB) *publishers {
	p := &publishers{files: map[string][]byte{}, sent: map[string]int{}, hook: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *publishers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	if hook := p.hook[name]; hook != nil {
		hook(w, r)
		return
	}
	content, ok := p.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(content))
	if r.Header.Get("If-None-Match") != etag {
		p.sent[name]++
	}
	w.Header().Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func (p *publishers) put(name string, content []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[name] = content
}

func (p *publishers) client(t testing.TB) *fetch.Client {
	t.Helper()
	c, err := fetch.New(fetch.Config{Mirror: p.url, Attempts: 2, Pause: time.Millisecond, Stall: 500 * time.Millisecond, Header: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func folder(t testing.TB) *Folder {
	f := At(filepath.Join(t.TempDir(), "advisories"))
	f.now = func() time.Time { return today }
	return f
}

// bare is a folder without what comes with the program.
func bare(t testing.TB) *Folder {
	f := folder(t)
	f.bare = true
	return f
}

// known are feeds of the catalogue.
func known(t testing.TB, names ...string) (all []Feed) {
	t.Helper()
	for _, name := range names {
		f, ok := ByName(name)
		if !ok {
			t.Fatalf("no feed %s is known", name)
		}
		all = append(all, f)
	}
	return all
}

func add(t testing.TB, f *Folder, names ...string) {
	t.Helper()
	if err := f.Add(known(t, names...)...); err != nil {
		t.Fatal(err)
	}
}

func update(t testing.TB, f *Folder, c *fetch.Client, names ...string) Result {
	t.Helper()
	r, err := f.Update(context.Background(), Options{Client: c, Names: names})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// packages are ecosystem/name of all that a folder's set has, and its exploited vulnerabilities.
func packages(t testing.TB, f *Folder) (all []string) {
	t.Helper()
	set, err := index.Open(f.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if err := set.Verify(); err != nil {
		t.Error(err)
	}
	for _, file := range set.Manifest().Files {
		x, err := set.Index(file.Ecosystem)
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range x.Names() {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, file.Ecosystem+"/"+name)
		}
	}
	return all
}

const (
	osvDebian = "osv-vulnerabilities.storage.googleapis.com/Debian/all.zip"
	osvPyPI   = "osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
	kevJSON   = "www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	epssFile  = "epss.empiricalsecurity.com/epss_scores-current.csv.gz"
	trackerAt = "security-tracker.debian.org/tracker/data/json"
)

const kevDocument = `{"title":"CISA Catalog","catalogVersion":"2026.08.24","dateReleased":"2026-08-24T10:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2024-0001","vendorProject":"a","product":"b","vulnerabilityName":"c","dateAdded":"2024-02-01","shortDescription":"d","requiredAction":"e","dueDate":"2024-03-01","knownRansomwareCampaignUse":"Known","notes":""}]}`

// goodPublishers have something for the feeds that tests follow.
func goodPublishers(t testing.TB) *publishers {
	p := newPublishers(t)
	p.put(osvDebian, zipOf(t, osvRecord("DSA-1-1", "Debian:12", "curl", "1.0-1"), osvRecord("DSA-2-1", "Debian:13", "bash", "2.0-1")))
	p.put(osvPyPI, zipOf(t, osvRecord("PYSEC-1", "PyPI", "django", "4.2")))
	p.put(kevJSON, []byte(kevDocument))
	return p
}

func TestUpdate(t *testing.T) {
	p, f := goodPublishers(t), folder(t)
	c := p.client(t)
	add(t, f, "osv-debian", "osv-pypi", "kev")
	first := update(t, f, c)
	if len(first.Feeds) != 3 || len(first.Failed()) != 0 || !first.Built {
		t.Fatalf("%+v", first)
	}
	// Debian 11 is what came with the program.
	got := packages(t, f)
	if !slices.Contains(got, "Debian:12/curl") || !slices.Contains(got, "Debian:13/bash") || !slices.Contains(got, "PyPI/django") || slices.Contains(got, "Debian:12/firefox-esr") || !slices.Contains(got, "Debian:11/firefox-esr") {
		t.Errorf("%d packages: %.10q", len(got), got)
	}
	var sources []string
	for _, s := range first.Manifest.Sources {
		sources = append(sources, fmt.Sprintf("%s %s %d %v", s.Name, s.Kind, s.Records, s.Bundled))
	}
	if diff := cmp.Diff([]string{"bundled-debian osv 2354 true", "kev kev 1 false", "osv-debian osv 2 false", "osv-pypi osv 1 false"}, sources); diff != "" {
		t.Error(diff)
	}
	// Nothing new: nothing is transferred, nothing built; but it is known to be current.
	f.now = func() time.Time { return today.Add(24 * time.Hour) }
	again := update(t, f, c)
	if again.Built || again.Manifest.Hash() != first.Manifest.Hash() || p.sent[osvDebian] != 1 {
		t.Errorf("built %v, sent %v", again.Built, p.sent)
	}
	for _, s := range again.Manifest.Covering("PyPI") {
		if !s.Fetched.Equal(today.Add(24 * time.Hour)) {
			t.Errorf("PyPI was last known to be current %v", s.Fetched)
		}
	}
	if m, err := index.ReadManifest(f.Dir()); err != nil || !m.Covering("PyPI")[0].Fetched.Equal(today.Add(24*time.Hour)) {
		t.Errorf("%+v, %v", m, err)
	}
	// A new edition of one.
	p.put(osvDebian, zipOf(t, osvRecord("DSA-1-1", "Debian:12", "curl", "1.0-2"), osvRecord("DSA-2-1", "Debian:13", "bash", "2.0-1"), osvRecord("DSA-3-1", "Debian:12", "zlib", "2")))
	third := update(t, f, c)
	if !third.Built || third.Manifest.Hash() == first.Manifest.Hash() || !slices.Contains(packages(t, f), "Debian:12/zlib") {
		t.Errorf("%+v", third)
	}
	if left, _ := os.ReadDir(f.originals()); len(left) != 4 { // three and the lock
		t.Errorf("left behind: %v", left)
	}
}

// TestFailure: what goes wrong with one feed leaves its old original and all others.
func TestFailure(t *testing.T) {
	whole := zipOf(t, osvRecord("DSA-1-1", "Debian:12", "curl", "1.0-1"), osvRecord("DSA-2-1", "Debian:13", "bash", "2.0-1"))
	older := strings.ReplaceAll(osvRecord("DSA-9-1", "Debian:12", "nginx", "1"), "2026-08-24", "2026-01-01")
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"page":          {answerWith([]byte("<!doctype html><p>Please log in")), "web page"},
		"not found":     {http.NotFound, "404"},
		"error":         {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, "500"},
		"garbage":       {answerWith(bytes.Repeat([]byte{0, 1, 2, 0xff}, 1000)), "kind \"osv\""},
		"truncated":     {answerWith(whole[:len(whole)-10]), "kind \"osv\""},
		"cut inside":    {answerWith(append([]byte("PK\x03\x04"), whole[200:]...)), "kind \"osv\""},
		"empty zip":     {answerWith(zipOf(t)), "nothing in it"},
		"another thing": {answerWith([]byte(kevDocument)), "kind \"osv\""},
		"other release": {answerWith(zipOf(t, osvRecord("A-1", "AlmaLinux:9", "curl", "1"))), "nothing in it that is of use for Debian"},
		"older":         {answerWith(zipOf(t, older, older)), "-force"},
		"bad record":    {answerWith(zipOf(t, osvRecord("", "Debian:12", "curl", "1"), osvRecord("DSA-2-1", "Debian:13", "bash", "2.0-1"))), "R-0.json"},
	} {
		t.Run(name, func(t *testing.T) {
			p, f := goodPublishers(t), bare(t)
			client := p.client(t)
			add(t, f, "osv-debian", "osv-pypi")
			before := update(t, f, client)
			p.mu.Lock()
			p.hook[osvDebian] = c.answer
			p.files[osvPyPI] = zipOf(t, osvRecord("PYSEC-1", "PyPI", "django", "4.2"), osvRecord("PYSEC-2", "PyPI", "flask", "4.2"))
			p.mu.Unlock()
			after := update(t, f, client)
			failed := after.Failed()
			if len(failed) != 1 || failed[0].Name != "osv-debian" || !strings.Contains(failed[0].Error.Error(), c.want) || !strings.Contains(failed[0].Error.Error(), "osv-debian") {
				t.Fatalf("%+v; want %q", failed, c.want)
			}
			got := packages(t, f)
			if !slices.Contains(got, "Debian:12/curl") || !slices.Contains(got, "Debian:13/bash") || !slices.Contains(got, "PyPI/flask") {
				t.Errorf("the old records of Debian and the new ones of PyPI should be there: %.20q", got)
			}
			if e := after.Feeds[0]; e.SHA256 != before.Feeds[0].SHA256 || e.Entry.Error == "" {
				t.Errorf("%+v", e)
			}
			st, err := f.Status(time.Hour * 48)
			if err != nil || len(st.Problems) != 1 {
				t.Errorf("%v, %v", st.Problems, err)
			}
			// Once the publisher is well again, so is the feed.
			p.mu.Lock()
			delete(p.hook, osvDebian)
			p.mu.Unlock()
			if r := update(t, f, client); len(r.Failed()) != 0 || r.Feeds[0].Entry.Error != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func answerWith(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.Write(content) }
}

// TestFarFewer: an edition that lost most of its records is taken over only if it is wanted.
func TestFarFewer(t *testing.T) {
	p, f := newPublishers(t), bare(t)
	c := p.client(t)
	var many []string
	for i := range 20 {
		many = append(many, osvRecord(fmt.Sprintf("DSA-%d", i), "Debian:12", fmt.Sprintf("p%d", i), "1"))
	}
	p.put(osvDebian, zipOf(t, many...))
	add(t, f, "osv-debian")
	update(t, f, c)
	p.put(osvDebian, zipOf(t, many[:5]...))
	if r := update(t, f, c); len(r.Failed()) != 1 || !slices.Contains(packages(t, f), "Debian:12/p19") {
		t.Errorf("%+v", r)
	}
	r, err := f.Update(context.Background(), Options{Client: c, Force: true})
	if err != nil || len(r.Failed()) != 0 || slices.Contains(packages(t, f), "Debian:12/p19") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestBundled: a folder without feeds has what came with the program, and says so.
func TestBundled(t *testing.T) {
	f := folder(t)
	if err := f.Ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	m, err := index.ReadManifest(f.Dir())
	if err != nil || len(m.Sources) != 2 || !m.Sources[0].Bundled || !m.Sources[1].Bundled {
		t.Fatalf("%+v, %v", m, err)
	}
	if s := m.Covering("Debian:12")[0]; s.Unfixed || s.Fetched.Format(time.DateOnly) != "2026-08-21" || s.Records != 2354 {
		t.Errorf("%+v", s)
	}
	set, err := index.Open(f.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if fact, ok, err := set.Fact("CVE-2025-48384"); !ok || err != nil || fact.Exploited == nil {
		t.Errorf("%+v, %v", fact, err)
	}
	if diff := cmp.Diff([]string{"Debian:11", "Debian:12", "Debian:13"}, set.Ecosystems("Debian")); diff != "" {
		t.Error(diff)
	}
	before, _ := os.Stat(filepath.Join(f.Dir(), index.ManifestFile))
	if err := f.Ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(filepath.Join(f.Dir(), index.ManifestFile)); !os.SameFile(before, after) {
		t.Error("it was built again for nothing")
	}
}

// TestMended: what is missing or damaged in a folder is fetched and built again.
func TestMended(t *testing.T) {
	p := goodPublishers(t)
	c := p.client(t)
	for name, harm := range map[string]func(t *testing.T, f *Folder, m index.Manifest){
		"a file of the set is gone": func(t *testing.T, f *Folder, m index.Manifest) { os.Remove(filepath.Join(f.Dir(), m.Files[0].File)) },
		"a file of the set was changed": func(t *testing.T, f *Folder, m index.Manifest) {
			flip(t, filepath.Join(f.Dir(), m.Files[0].File))
		},
		"the manifest is gone": func(t *testing.T, f *Folder, m index.Manifest) { os.Remove(filepath.Join(f.Dir(), index.ManifestFile)) },
		"the manifest is garbage": func(t *testing.T, f *Folder, m index.Manifest) {
			os.WriteFile(filepath.Join(f.Dir(), index.ManifestFile), []byte("{"), 0o600)
		},
		"an original was changed": func(t *testing.T, f *Folder, m index.Manifest) { flip(t, firstOriginal(t, f)) },
		"an original is gone":     func(t *testing.T, f *Folder, m index.Manifest) { os.Remove(firstOriginal(t, f)) },
		"strange files are in there": func(t *testing.T, f *Folder, m index.Manifest) {
			os.WriteFile(f.original("osv-gone-0123456789abcdef.original"), nil, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := bare(t)
			add(t, f, "osv-debian", "osv-pypi")
			before := update(t, f, c)
			harm(t, f, before.Manifest)
			if after := update(t, f, c); len(after.Failed()) != 0 || after.Manifest.Hash() != before.Manifest.Hash() {
				t.Errorf("%+v", after)
			}
			packages(t, f)
			if problems, err := f.Verify(context.Background()); len(problems) != 0 || err != nil {
				t.Errorf("%v, %v", problems, err)
			}
		})
	}
}

func firstOriginal(t *testing.T, f *Folder) string {
	t.Helper()
	all, err := filepath.Glob(f.original("*" + originalSuffix))
	if err != nil || len(all) == 0 {
		t.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

func flip(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0xff
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLostOriginal: where an original is gone and its publisher is away, the old set stays.
func TestLostOriginal(t *testing.T) {
	p, f := goodPublishers(t), bare(t)
	c := p.client(t)
	add(t, f, "osv-debian", "osv-pypi")
	update(t, f, c)
	before := packages(t, f)
	os.Remove(firstOriginal(t, f))
	p.hook[osvDebian] = http.NotFound
	p.put(osvPyPI, zipOf(t, osvRecord("PYSEC-2", "PyPI", "flask", "4.2")))
	r, err := f.Update(context.Background(), Options{Client: c})
	if err == nil || !strings.Contains(err.Error(), "osv-debian") || len(r.Failed()) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if diff := cmp.Diff(before, packages(t, f)); diff != "" {
		t.Error(diff)
	}
	if problems, err := f.Verify(context.Background()); len(problems) != 1 || err != nil {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestInterrupted: who ends the context ends the update, and what is there stays.
func TestInterrupted(t *testing.T) {
	p, f := goodPublishers(t), bare(t)
	c := p.client(t)
	add(t, f, "osv-debian", "osv-pypi", "kev")
	update(t, f, c)
	before := packages(t, f)
	p.put(osvDebian, zipOf(t, osvRecord("DSA-5-1", "Debian:12", "new", "1.0-1"), osvRecord("DSA-6-1", "Debian:13", "newer", "2.0-1")))
	for _, step := range []Step{Fetching, Reading, Building} {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := f.Update(ctx, Options{Client: c, On: func(p Progress) {
			if p.Step == step {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended at %s: %v", step, err)
		}
		if diff := cmp.Diff(before, packages(t, f)); diff != "" {
			t.Errorf("ended at %s:\n%s", step, diff)
		}
	}
	update(t, f, c)
	if !slices.Contains(packages(t, f), "Debian:13/newer") {
		t.Error("the next update did not go on")
	}
}

func TestRemove(t *testing.T) {
	p, f := goodPublishers(t), folder(t)
	c := p.client(t)
	add(t, f, "osv-debian", "osv-pypi", "kev")
	update(t, f, c)
	if err := f.Remove(context.Background(), "osv-debian", "kev"); err != nil {
		t.Fatal(err)
	}
	got := packages(t, f)
	if !slices.Contains(got, "Debian:12/firefox-esr") || !slices.Contains(got, "PyPI/django") {
		t.Errorf("what came with the program should be back: %.10q", got)
	}
	if err := f.Remove(context.Background(), "osv-debian"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if left, _ := filepath.Glob(f.original("osv-debian*")); left != nil {
		t.Error(left)
	}
	if _, err := f.Update(context.Background(), Options{Client: c, Names: []string{"kev"}}); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestBusy(t *testing.T) {
	f := bare(t)
	err := f.change(func(*state) error {
		if err := At(f.Dir()).Ensure(context.Background()); !errors.Is(err, ErrBusy) {
			t.Errorf("two at once: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := f.Update(context.Background(), Options{}); !errors.Is(err, ErrNoFeeds) {
		t.Error(err)
	}
}

// TestStatements: those of OpenVEX documents get into the set.
func TestStatements(t *testing.T) {
	f := bare(t)
	name := filepath.Join(t.TempDir(), "ours.json")
	document := `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"ours","author":"us","timestamp":"2026-08-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2024-0001"},"products":[{"@id":"pkg:deb/debian/curl"}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}`
	if err := os.WriteFile(name, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Add(Feed{Name: "ours", Kind: OpenVEX, Address: name}); err != nil {
		t.Fatal(err)
	}
	r := update(t, f, nil)
	if len(r.Failed()) != 0 {
		t.Fatalf("%+v", r.Failed()[0].Error)
	}
	set, err := index.Open(f.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if got, err := set.Statements(); err != nil || len(got) != 1 || got[0].Status != advisory.StatedNotAffected {
		t.Errorf("%v, %v", got, err)
	}
}
