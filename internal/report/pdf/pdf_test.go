package pdf

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"assay/internal/testenv"
)

func newFont(t testing.TB) *Font {
	t.Helper()
	f, err := ParseFont(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A subset is a font with the outlines that are used, also those of which others
// are made, and no others; each under its old number.
func TestSubset(t *testing.T) {
	f := newFont(t)
	for _, r := range "Aé" {
		if !f.Has(r) {
			t.Fatalf("the font has no %c", r)
		}
		f.use(r)
	}
	data, err := subset(f.data, f.used)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > len(goregular.TTF)/3 {
		t.Errorf("a font of a few characters has %d bytes of %d", len(data), len(goregular.TTF))
	}
	before, _ := tables(goregular.TTF)
	after, err := tables(data)
	if err != nil {
		t.Fatal(err)
	}
	count := int(before["maxp"][4])<<8 | int(before["maxp"][5])
	was, err := outlines(before, count)
	if err != nil {
		t.Fatal(err)
	}
	is, err := outlines(after, count)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, r := range "Aé0123456789" {
		id, _ := f.face.GlyphIndex(&f.buffer, r)
		if got := is(int(id)); len(got) < len(was(int(id))) || !bytes.Equal(got[:len(was(int(id)))], was(int(id))) {
			t.Errorf("the outline of %c is another", r)
		}
		for _, part := range components(was(int(id))) {
			if len(is(int(part))) < len(was(int(part))) {
				t.Errorf("a part of %c is missing", r)
			}
			kept[fmt.Sprint(part)] = true
		}
	}
	id, _ := f.face.GlyphIndex(&f.buffer, 'Z')
	if len(is(int(id))) > 0 && !kept[fmt.Sprint(id)] {
		t.Error("the outline of Z is in the subset")
	}
}

// A font that is damaged is refused, whatever is wrong with it.
func FuzzSubset(f *testing.F) {
	f.Add(goregular.TTF[:200])
	f.Add(goregular.TTF)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := sfnt.Parse(data); err != nil {
			return // ParseFont refuses it
		}
		subset(data, map[uint16]rune{1: 'a', 65535: 'b'})
	})
}

func TestFamily(t *testing.T) {
	w := &Writer{}
	for _, level := range []int{1, 2, 3, 3, 2, 1, 3, 1} {
		w.Bookmark(level, 1, 0, "")
	}
	want := []relatives{
		{-1, -1, 5, 1, 4, 2},
		{0, -1, 4, 2, 3, 2},
		{1, -1, 3, -1, -1, 0},
		{1, 2, -1, -1, -1, 0},
		{0, 1, -1, -1, -1, 0},
		{-1, 0, 7, 6, 6, 1},
		{5, -1, -1, -1, -1, 0},
		{-1, 5, -1, -1, -1, 0},
	}
	if diff := cmp.Diff(want, w.family(), cmp.AllowUnexported(relatives{})); diff != "" {
		t.Errorf("relatives (-want +got):\n%s", diff)
	}
}

// A page that is filled last stands where it was reserved; the number of pages is
// on every page; bookmarks are bounded.
func TestPages(t *testing.T) {
	testenv.Need(t, "pdftotext", "poppler-utils")
	testenv.Need(t, "qpdf", "qpdf")
	var out bytes.Buffer
	font := newFont(t)
	w := New(&out, Info{Title: "Title (with) \\ signs", Author: "A", Language: "en", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, font)
	page := func(text string) *Canvas {
		c := &Canvas{}
		c.Text(font, 12, Gray(0), 100, 100, text+" of ")
		c.Total(300, 100)
		return c
	}
	w.Page(page("first"))
	reserved := w.Reserve()
	for i := range 30 {
		n := w.Page(page(fmt.Sprintf("page %d", i)))
		w.Bookmark(1+i%3, n, 10, "mark")
	}
	contents := page("contents")
	contents.Link(10, 10, 100, 20, 3, 50)
	w.Fill(reserved, contents)
	for range 2 * MaxBookmarks {
		w.Bookmark(1, 1, 0, "too many")
	}
	if err := w.Close(); err != nil || len(w.marks) != MaxBookmarks {
		t.Fatalf("%v, %d bookmarks", err, len(w.marks))
	}
	path := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("qpdf", "--check", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := exec.Command("pdftotext", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.TrimSuffix(string(text), "\f"), "\f")
	if len(pages) != 32 || !strings.HasPrefix(pages[1], "contents") || !strings.HasPrefix(pages[31], "page 29") || strings.Count(string(text), "32") != 32 {
		t.Errorf("%d pages: %q", len(pages), text)
	}
}

func TestParseFontRefuses(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("nonsense"), goregular.TTF[:1000]} {
		if _, err := ParseFont(data); err == nil {
			t.Errorf("a font of %d bytes is read", len(data))
		}
	}
}
