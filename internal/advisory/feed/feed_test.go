package feed_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

func packed(t *testing.T, text string) map[string]string {
	t.Helper()
	var gz, zs bytes.Buffer
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{gzip.NewWriter(&gz), z} {
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{"plain": text, "gzip": gz.String(), "zstd": zs.String()}
}

func TestStream(t *testing.T) {
	text := strings.Repeat("all of it\n", 10000)
	for name, data := range packed(t, text) {
		r, free, err := feed.Stream(t.Context(), strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		free()
		if err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if name == "plain" {
			continue
		}
		r, free, err = feed.Stream(t.Context(), strings.NewReader(data[:len(data)-5]))
		if err != nil {
			continue
		}
		if _, err := io.ReadAll(r); err == nil {
			t.Errorf("%s: the end is missing, and nobody says so", name)
		}
		free()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, free, err := feed.Stream(ctx, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// names is a reader that emits a file's content as the id of a record.
func names(_ context.Context, r io.Reader, emit advisory.Emit) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return emit.Put(advisory.Record{ID: string(text)})
}

func TestArchives(t *testing.T) {
	files := []string{"b/2.json", "1.json", "1.json.asc", "provider-metadata.json", "changes.csv"}
	var zipped, tarred bytes.Buffer
	z, w := zip.NewWriter(&zipped), tar.NewWriter(&tarred)
	for _, name := range files {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(name)), Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []io.Closer{z, w} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]func(advisory.Emit) error{
		"zip": func(e advisory.Emit) error {
			return feed.Zip(t.Context(), bytes.NewReader(zipped.Bytes()), int64(zipped.Len()), names, e)
		},
	}
	for name, data := range packed(t, tarred.String()) {
		all["tar, "+name] = func(e advisory.Emit) error { return feed.Tar(t.Context(), strings.NewReader(data), names, e) }
	}
	for name, read := range all {
		got := map[string]bool{}
		skipped := 0
		err := read(advisory.Emit{
			Record: func(r advisory.Record) error { got[r.ID] = true; return nil },
			Skip:   func(advisory.Skip) { skipped++ },
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(map[string]bool{"b/2.json": true, "1.json": true}, got); diff != "" || skipped != 3 {
			t.Errorf("%s: %s, %d skipped", name, diff, skipped)
		}
	}
	if err := feed.Zip(t.Context(), bytes.NewReader(zipped.Bytes()[:zipped.Len()-9]), int64(zipped.Len()-9), names, advisory.Emit{}); err == nil {
		t.Error("half a zip is a zip")
	}
	for _, n := range []int{700, 1024, 2048, tarred.Len() - 512} {
		if err := feed.Tar(t.Context(), bytes.NewReader(tarred.Bytes()[:n]), names, advisory.Emit{}); err == nil {
			t.Errorf("the first %d bytes of a tar are a tar", n)
		}
	}
}

func TestWords(t *testing.T) {
	for word, want := range map[string]advisory.Severity{"Important": advisory.High, "MODERATE": advisory.Medium, " low ": advisory.Low,
		"unimportant": advisory.Negligible, "urgent": advisory.Critical, "untriaged": "", "not yet assigned": "", "None": ""} {
		if got := feed.Severity(word); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if diff := cmp.Diff([]string{"CVE-2019-14697", "CVE-2020-1234"}, feed.CVEs("cve_2020-1234 GHSA-x", "UBUNTU-CVE-2019-14697, CVE-2020-1234", "CVE-20-1", "XCVE-2020-9999")); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"2024-01-02T03:04:05Z", "2024-01-02T04:04:05.000+01:00", "2024-01-02 03:04:05", "2024-01-02T03:04:05+0000"} {
		got, err := feed.Time(text)
		if err != nil || got.Format("2006-01-02T15:04:05") != "2024-01-02T03:04:05" {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := feed.Time("soon"); err == nil {
		t.Error("soon is a date")
	}
	if got := feed.Line("  a\u00e9b\nc", 2); got != "a…" {
		t.Errorf("%q", got)
	}
}

func TestRows(t *testing.T) {
	row := func(pkg, arch, fixed string) advisory.Affected {
		return advisory.Affected{Ecosystem: "X:1", Package: pkg, Arch: arch, Status: advisory.Fixed, Ranges: []advisory.Range{{Introduced: "0", Fixed: fixed}}}
	}
	rows := feed.NewRows()
	for _, r := range []advisory.Affected{row("a", "x86_64", "1-1"), row("a", "aarch64", "1-1"), row("b", "x86_64", "1-1"), row("b", "aarch64", "1-2"),
		row("c", "noarch", "1-1"), row("a", "src", "1-1"), row("d", "src", "2-1")} {
		rows.Add(r)
	}
	for range 2 { // asking changes nothing
		if diff := cmp.Diff([]advisory.Affected{row("a", "", "1-1"), row("b", "x86_64", "1-1"), row("b", "aarch64", "1-2"), row("c", "", "1-1"), row("d", "src", "2-1")}, rows.Affected()); diff != "" {
			t.Error(diff)
		}
	}
}
