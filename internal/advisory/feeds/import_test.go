package feeds

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory/index"
)

// documents are one of each kind, in short.
var documents = map[Kind]string{
	OSV:        osvRecord("ALSA-1", "AlmaLinux:9", "curl", "1-1"),
	Debian:     `{"curl":{"CVE-2024-0001":{"description":"d","scope":"remote","releases":{"bookworm":{"status":"open","repositories":{"bookworm":"1"},"urgency":"unimportant"}}}}}`,
	CSAF:       `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"p","namespace":"https://example.org"},"title":"t","tracking":{"id":"CVE-2024-0001","current_release_date":"2024-01-01T00:00:00Z","initial_release_date":"2024-01-01T00:00:00Z"}}}`,
	Updateinfo: `<?xml version="1.0"?><updates><update type="security" status="final" from="a"><id>ALAS2023-2024-001</id><title>t</title><issued date="2024-01-01 00:00"/><severity>important</severity><references><reference type="cve" id="CVE-2024-0001"/></references><pkglist><collection short="c"><package name="curl" epoch="0" version="1" release="1.amzn2023" arch="x86_64"><filename>f</filename></package></collection></pkglist></update></updates>`,
	Alpine:     `{"apkurl":"a","archs":["x86_64"],"reponame":"main","urlprefix":"u","distroversion":"v3.20","packages":[{"pkg":{"name":"curl","secfixes":{"1.0-r0":["CVE-2024-0001"]}}}]}`,
	KEV:        kevDocument,
	EPSS:       "#model_version:v2025.03.14,score_date:2026-08-24T12:55:00+0000\ncve,epss,percentile\nCVE-2024-0001,0.5,0.9\n",
	OpenVEX:    `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"o","author":"a","timestamp":"2026-01-01T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-2024-0001"},"products":[{"@id":"pkg:deb/debian/curl"}],"status":"fixed"}]}`,
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o600})
		io.WriteString(w, files[i+1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRecognise(t *testing.T) {
	for kind, text := range documents {
		forms := [][]byte{[]byte(text), gzipped(t, []byte(text))}
		if strings.HasPrefix(text, "{") {
			forms = append(forms, zipOf(t, text), tarOf(t, "index.txt", "x", "a/b.json", text), gzipped(t, tarOf(t, "a.json", text)))
		}
		for i, form := range forms {
			if got, export, err := recognise(context.Background(), bytes.NewReader(form), int64(len(form))); err != nil || got != kind || export {
				t.Errorf("%s in form %d: %q, %v", kind, i, got, err)
			}
		}
	}
	for _, text := range []string{"", "{", "{}", "nonsense", `{"a":1,"b":{}}`, "<html></html>", "PK\x03\x04", "PK\x05\x06", `{"a":{"b":{}}}`, "\x1f\x8b", "BZh", string(tarOf(t)), string(tarOf(t, "a", "b"))} {
		if kind, _, err := recognise(context.Background(), strings.NewReader(text), int64(len(text))); err == nil {
			t.Errorf("%.20q was taken for %s", text, kind)
		}
	}
}

func write(t testing.TB, name, text string, modified time.Time) string {
	t.Helper()
	full := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(full, modified, modified); err != nil {
		t.Fatal(err)
	}
	return full
}

func importing(t testing.TB, f *Folder, as Importing, names ...string) Result {
	t.Helper()
	r, err := f.Import(context.Background(), names, as, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestImport: files and folders become feeds under fitting names, as old as they are.
func TestImport(t *testing.T) {
	f := bare(t)
	var files []string
	for kind, text := range documents {
		if kind == CSAF {
			continue // it has no product
		}
		files = append(files, write(t, "some file "+string(kind)+".json", text, today.Add(-time.Hour)))
	}
	slices.Sort(files)
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "a.json"), []byte(osvRecord("GO-1", "Go", "a", "1")), 0o600)
	os.WriteFile(filepath.Join(dir, "b.json"), []byte(osvRecord("GO-2", "Go", "b", "1")), 0o600)
	os.WriteFile(filepath.Join(dir, "b.json.asc"), []byte("signature"), 0o600)
	r := importing(t, f, Importing{}, append(files, dir)...)
	var got []string
	for _, o := range r.Feeds {
		if o.Error != nil {
			t.Error(o.Error)
		}
		got = append(got, fmt.Sprintf("%s %s %d %s", o.Name, o.Kind, o.Total(), o.Fetched.Format(time.DateOnly)))
	}
	slices.Sort(got)
	want := []string{
		"alpine-some-file-alpine alpine 1 2026-08-25", "debian-tracker debian 1 2026-08-25", "epss epss 1 2026-08-24", "kev kev 1 2026-08-24",
		"openvex-some-file-openvex openvex 1 2026-01-01", "osv-almalinux osv 1 2026-08-24", "osv-go osv 2 2026-08-24", "updateinfo-some-file-updateinfo updateinfo 1 2024-01-01",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	m, err := index.ReadManifest(f.Dir())
	if err != nil {
		t.Fatal(err)
	}
	unfixed := map[string]bool{}
	for _, s := range m.Sources {
		unfixed[s.Name] = s.Unfixed
	}
	if !unfixed["debian-tracker"] || unfixed["osv-almalinux"] || !unfixed["osv-go"] {
		t.Error(unfixed)
	}
	// The same again changes nothing; a time that is told counts, but not one to come.
	again := importing(t, f, Importing{Fetched: today.Add(time.Hour)}, files...)
	if again.Built || len(again.Failed()) != 0 || !again.Feeds[0].Fetched.Equal(today) {
		t.Errorf("%+v", again)
	}
	// What was imported is not fetched.
	if _, err := f.Update(context.Background(), Options{}); !errors.Is(err, ErrNoFeeds) {
		t.Error(err)
	}
}

// TestPartsOfOthers: what an ecosystem's bucket has of another is not all about that one.
func TestPartsOfOthers(t *testing.T) {
	both := strings.Replace(osvRecord("GHSA-1", "Go", "a", "1"), `"affected":[`, `"affected":[{"package":{"ecosystem":"npm","name":"n"},"versions":["1.0.0"]},`, 1)
	f := bare(t)
	name := write(t, "all.jsonl", osvRecord("GO-1", "Go", "b", "1")+"\n"+both, today)
	r := importing(t, f, Importing{}, name)
	if len(r.Failed()) != 0 || r.Feeds[0].Name != "osv-go" || len(r.Manifest.Covering("npm")) != 0 || len(r.Manifest.Covering("Go")) != 1 {
		t.Errorf("%+v", r)
	}
	mixed := write(t, "mixed.jsonl", osvRecord("GO-1", "Go", "b", "1")+"\n"+osvRecord("P-1", "PyPI", "p", "1"), today)
	r = importing(t, f, Importing{Name: "mixed"}, mixed)
	if len(r.Failed()) != 0 || len(r.Manifest.Covering("PyPI")) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestImportRefuses(t *testing.T) {
	f := bare(t)
	importing(t, f, Importing{}, write(t, "kev.json", kevDocument, today))
	before := packages(t, f)
	for name, c := range map[string]struct {
		file string
		as   Importing
		want string
	}{
		"absent":         {filepath.Join(t.TempDir(), "absent"), Importing{}, "no such file"},
		"nonsense":       {write(t, "a", "nonsense", today), Importing{}, "-kind"},
		"empty":          {write(t, "a", "", today), Importing{}, "-kind"},
		"wrong kind":     {write(t, "a", documents[OSV], today), Importing{Kind: EPSS}, "epss"},
		"no kind":        {write(t, "a", documents[OSV], today), Importing{Kind: "rss"}, "no kind"},
		"bad name":       {write(t, "a", documents[OSV], today), Importing{Name: "../x"}, "cannot be a feed's name"},
		"bundled name":   {write(t, "a", documents[OSV], today), Importing{Name: "bundled-x"}, "cannot be a feed's name"},
		"taken name":     {write(t, "a", documents[OSV], today), Importing{Name: "kev"}, "already"},
		"truncated":      {write(t, "a", documents[KEV][:200], today), Importing{}, "kind"},
		"nothing in it":  {write(t, "a", documents[CSAF], today), Importing{}, "nothing in it"},
		"empty folder":   {t.TempDir(), Importing{}, "-kind"},
		"other than was": {write(t, "a", documents[OSV], today), Importing{Ecosystem: "Debian"}, "nothing in it that is of use for Debian"},
	} {
		t.Run(name, func(t *testing.T) {
			r := importing(t, f, c.as, c.file)
			if len(r.Failed()) != 1 || !strings.Contains(r.Feeds[0].Error.Error(), c.want) || !strings.Contains(r.Feeds[0].Error.Error(), c.file) {
				t.Errorf("%v; want %q and the file", r.Feeds[0].Error, c.want)
			}
			if diff := cmp.Diff(before, packages(t, f)); diff != "" {
				t.Error(diff)
			}
			if left, _ := filepath.Glob(f.original("*" + partSuffix + "*")); left != nil {
				t.Error(left)
			}
		})
	}
}

// exportedFrom is a folder with three feeds and its export.
func exportedFrom(t testing.TB) (*Folder, []byte) {
	t.Helper()
	p, f := goodPublishers(t), bare(t)
	secret := Feed{Name: "ours", Kind: OSV, Ecosystem: "npm", Address: strings.Replace(p.url, "://", "://user:secret@", 1) + "/ours.json?key=secret"}
	p.put("ours.json", []byte(osvRecord("O-1", "npm", "ours", "1.0.0")))
	p.put(strings.TrimPrefix(p.url, "http://")+"/ours.json", []byte(osvRecord("O-1", "npm", "ours", "1.0.0")))
	add(t, f, "osv-debian", "osv-pypi")
	if err := f.Add(secret); err != nil {
		t.Fatal(err)
	}
	if r := update(t, f, p.client(t)); len(r.Failed()) != 0 {
		t.Fatal(r.Failed()[0].Error)
	}
	var out bytes.Buffer
	if n, err := f.Export(context.Background(), &out); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	return f, out.Bytes()
}

// TestExport: what one machine has another has after the import, and knows how old it is.
func TestExport(t *testing.T) {
	from, export := exportedFrom(t)
	if bytes.Contains(export, []byte("secret")) {
		t.Error("a secret is in the export")
	}
	to := bare(t)
	to.now = func() time.Time { return today.AddDate(0, 0, 9) }
	name := write(t, "feeds.tar", string(export), today)
	r := importing(t, to, Importing{}, name)
	if len(r.Failed()) != 0 || len(r.Feeds) != 3 {
		t.Fatalf("%+v", r)
	}
	want, err := index.ReadManifest(from.Dir())
	if err != nil || want.Hash() != r.Manifest.Hash() {
		t.Errorf("%s, and it was %s, %v", r.Manifest.Hash(), want.Hash(), err)
	}
	if diff := cmp.Diff(want.Sources, r.Manifest.Sources); diff != "" {
		t.Error(diff)
	}
	if again := importing(t, to, Importing{}, name); again.Built || len(again.Failed()) != 0 {
		t.Errorf("%+v", again)
	}
	if r := importing(t, to, Importing{Name: "x"}, name); len(r.Failed()) != 1 {
		t.Error("took an export as one feed")
	}
	// Damage anywhere is found; what is whole is taken.
	for at := 0; at < len(export); at += len(export)/12 + 1 {
		bad := bytes.Clone(export)
		bad[at] ^= 0x20
		f := bare(t)
		r, err := f.Import(context.Background(), []string{write(t, "feeds.tar", string(bad), today)}, Importing{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range r.Feeds {
			if e.Error == nil && from.whole(&e.Original) == false {
				t.Fatalf("byte %d changed, and %s was taken: %+v", at, e.Name, e.Original)
			}
		}
	}
	for _, n := range []int{0, 511, 512, 1024, len(export) / 2, len(export) - 2000} {
		f := bare(t)
		if r := importing(t, f, Importing{}, write(t, "feeds.tar", string(export[:n]), today)); len(r.Failed()) == 0 {
			t.Errorf("cut at %d of %d bytes, and nothing failed", n, len(export))
		}
	}
}

// TestHostileExports: names that lead out of the folder, and files that are not what is said.
func TestHostileExports(t *testing.T) {
	entry := func(change func(*Entry)) string {
		e := Entry{Feed: Feed{Name: "x", Kind: OSV}, Own: true, Original: Original{SHA256: strings.Repeat("a", 64), Bytes: 3}}
		e.File = originalName("x", e.SHA256)
		change(&e)
		text, err := json.Marshal(exported{Version: 1, Feeds: []Entry{e}})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	plain := entry(func(*Entry) {})
	file := originalName("x", strings.Repeat("a", 64))
	for name, files := range map[string][]string{
		"leads out":       {exportFile, entry(func(e *Entry) { e.File = "../../x" }), "../../x", "abc"},
		"leads out too":   {exportFile, entry(func(e *Entry) { e.Name = "../x" }), file, "abc"},
		"another name":    {exportFile, plain, "../../x", "abc"},
		"another size":    {exportFile, plain, file, "abcd"},
		"another hash":    {exportFile, plain, file, "abc"},
		"no file":         {exportFile, plain},
		"no hash":         {exportFile, entry(func(e *Entry) { e.SHA256 = "" }), file, "abc"},
		"no original":     {exportFile, entry(func(e *Entry) { e.File = "" }), file, "abc"},
		"another version": {exportFile, `{"version":2}`},
		"no JSON":         {exportFile, "{"},
		"bundled":         {exportFile, entry(func(e *Entry) { e.Name, e.File = "bundled-x", originalName("bundled-x", e.SHA256) }), file, "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			f := bare(t)
			if r := importing(t, f, Importing{}, write(t, "feeds.tar", string(tarOf(t, files...)), today)); len(r.Failed()) != 1 {
				t.Errorf("%+v", r)
			}
			if left, _ := os.ReadDir(f.originals()); len(left) != 1 { // the lock
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	for _, text := range documents {
		f.Add([]byte(text))
	}
	_, export := exportedFrom(f)
	f.Add(export)
	f.Add(zipOf(f, documents[OSV]))
	f.Add(gzipped(f, tarOf(f, "a.json", documents[OSV])))
	f.Fuzz(func(t *testing.T, content []byte) {
		folder := bare(t)
		name := write(t, "file", string(content), today)
		r, err := folder.Import(context.Background(), []string{name}, Importing{}, Options{})
		if err != nil {
			t.Fatal(err) // whatever is imported, there is a set afterwards
		}
		packages(t, folder)
		for _, o := range r.Feeds {
			if o.Error == nil && o.Total() == 0 {
				t.Errorf("took %s over, which has nothing in it", o.Name)
			}
		}
		outside, err := os.ReadDir(filepath.Dir(folder.Dir()))
		if err != nil || len(outside) != 1 {
			t.Errorf("outside of the folder: %v, %v", outside, err)
		}
	})
}

// FuzzRecognise: whatever it is given, it ends; and so does reading of what Export writes.
func FuzzRecognise(f *testing.F) {
	for _, text := range documents {
		f.Add([]byte(text))
	}
	_, export := exportedFrom(f)
	f.Add(export)
	f.Add(zipOf(f, documents[OSV]))
	f.Add(gzipped(f, tarOf(f, "a.json", documents[OSV])))
	f.Fuzz(func(t *testing.T, content []byte) {
		kind, export, err := recognise(context.Background(), bytes.NewReader(content), int64(len(content)))
		if (err == nil) == (kind == "" && !export) || err == nil && !export && kind.check() != nil {
			t.Errorf("%q, %v, %v", kind, export, err)
		}
		x, err := readExported(tar.NewReader(bytes.NewReader(content)))
		if err != nil {
			return
		}
		for _, e := range x.Feeds {
			if filepath.Base(e.File) != e.File || !validName.MatchString(e.Name) {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzState(f *testing.F) {
	from, _ := exportedFrom(f)
	text, err := os.ReadFile(filepath.Join(from.Dir(), stateFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"feeds":{"a":null}}`))
	f.Add([]byte(`{"version":1,"feeds":{"kev":{"name":"kev","kind":"kev","file":"../x","sha256":""}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseState(text)
		if err != nil {
			return
		}
		for name, e := range s.Feeds {
			if filepath.Base(name) != name || e.File != "" && (filepath.Base(e.File) != e.File || !filepath.IsLocal(e.File)) {
				t.Errorf("%q has the original %q", name, e.File)
			}
		}
		folder := bare(t)
		if err := os.MkdirAll(folder.Dir(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := s.write(folder.Dir()); err != nil {
			t.Fatal(err)
		}
		again, err := readState(folder.Dir())
		if err != nil || !cmp.Equal(s, again) {
			t.Errorf("%v\n%s", err, cmp.Diff(s, again))
		}
	})
}
