// Package pdf writes PDF 1.7 documents as streams: a page is written when it is
// finished and then forgotten. What is held is a few dozen bytes a page, the
// bookmarks, and which glyphs were used. The general libraries for Go hold every
// page until the end: codeberg.org/go-pdf/fpdf v0.12.0 had 488 MB of
// heap for 100,000 findings of six lines. ISO 32000-1 is the source of what is written here.
package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"
)

// A4, in points of 1/72 inch, which is the unit of all measures here.
const (
	Width  = 595.28
	Height = 841.89
)

// Info is what a viewer shows of a document as a whole.
type Info struct {
	Title, Author, Language string
	Created                 time.Time
}

// Writer writes a document. It is not safe for concurrent use. The first error is
// kept: what follows it does nothing, and Close returns it.
type Writer struct {
	out     io.Writer
	err     error
	written int64
	offsets []int64 // of the objects, by number from 1; 0: not written yet
	info    Info
	fonts   []*Font
	pages   []int // the objects of the pages in their order
	total   int   // the object that shows how many pages there are
	marks   []bookmark

	resources, tree int // objects that every page refers to
	deflate         *zlib.Writer
}

// New begins a document.
func New(out io.Writer, info Info, fonts ...*Font) *Writer {
	w := &Writer{out: out, info: info, fonts: fonts, deflate: zlib.NewWriter(io.Discard)}
	// The bytes above 127 tell programs that this is no text.
	w.print("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n")
	w.resources, w.tree, w.total = w.reserve(), w.reserve(), w.reserve()
	for i, f := range fonts {
		f.name, f.object = fmt.Sprintf("F%d", i), w.reserve()
	}
	return w
}

// Pages is how many pages there are so far, reserved ones among them.
func (w *Writer) Pages() int { return len(w.pages) }

// Err is the error that writing has met.
func (w *Writer) Err() error { return w.err }

func (w *Writer) print(format string, args ...any) {
	if w.err != nil {
		return
	}
	n, err := fmt.Fprintf(w.out, format, args...)
	w.written, w.err = w.written+int64(n), err
}

func (w *Writer) write(data []byte) {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(data)
	w.written, w.err = w.written+int64(n), err
}

// reserve numbers an object that is written later.
func (w *Writer) reserve() int {
	w.offsets = append(w.offsets, 0)
	return len(w.offsets)
}

// object writes an object that was reserved.
func (w *Writer) object(number int, format string, args ...any) {
	w.offsets[number-1] = w.written
	w.print("%d 0 obj\n", number)
	w.print(format, args...)
	w.print("\nendobj\n")
}

// stream writes a stream, compressed; dictionary is what it has beside its length.
func (w *Writer) stream(number int, dictionary string, data []byte) {
	var packed bytes.Buffer
	w.deflate.Reset(&packed)
	w.deflate.Write(data)
	w.deflate.Close()
	w.offsets[number-1] = w.written
	w.print("%d 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n", number, dictionary, packed.Len())
	w.write(packed.Bytes())
	w.print("\nendstream\nendobj\n")
}

// Page appends a page and returns its number, from 1.
func (w *Writer) Page(c *Canvas) int {
	n := w.Reserve()
	w.Fill(n, c)
	return n
}

// Reserve appends a page whose content is known later: give it to Fill.
func (w *Writer) Reserve() int {
	w.pages = append(w.pages, w.reserve())
	return len(w.pages)
}

// Fill writes a page that was reserved.
func (w *Writer) Fill(page int, c *Canvas) {
	content := w.reserve()
	w.stream(content, "", c.out.Bytes())
	var links strings.Builder
	for _, l := range c.links {
		fmt.Fprintf(&links, "<< /Type /Annot /Subtype /Link /Border [0 0 0] /Rect [%.1f %.1f %.1f %.1f] /Dest [%d 0 R /XYZ null %.1f null] >> ",
			l.x, Height-l.y-l.height, l.x+l.width, Height-l.y, w.pages[l.page-1], Height-l.top)
	}
	w.object(w.pages[page-1], "<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %.2f %.2f] /Resources %d 0 R /Contents %d 0 R /Annots [%s] >>",
		w.tree, Width, Height, w.resources, content, links.String())
}

// Close writes what belongs to the whole document. It does not close the writer
// below.
func (w *Writer) Close() error {
	for _, f := range w.fonts {
		w.font(f)
	}
	w.pageTree()
	w.pageCount()
	w.object(w.resources, "<< /Font << %s>> /XObject << /Total %d 0 R >> >>", w.fontNames(), w.total)
	outline := w.outline()
	info, catalog := w.reserve(), w.reserve()
	date := w.info.Created.UTC().Format("D:20060102150405Z")
	w.object(info, "<< /Title %s /Author %s /Producer (Assay) /CreationDate (%s) >>", text(w.info.Title), text(w.info.Author), date)
	w.object(catalog, "<< /Type /Catalog /Pages %d 0 R /Outlines %d 0 R /PageMode /UseOutlines /Lang %s /ViewerPreferences << /DisplayDocTitle true >> >>",
		w.tree, outline, text(w.info.Language))
	at := w.written
	w.print("xref\n0 %d\n0000000000 65535 f \n", len(w.offsets)+1)
	for _, offset := range w.offsets {
		w.print("%010d 00000 n \n", offset)
	}
	w.print("trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(w.offsets)+1, catalog, info, at)
	return w.err
}

// pageTree writes the tree of pages, flat: one line of 12 bytes a page.
func (w *Writer) pageTree() {
	w.offsets[w.tree-1] = w.written
	w.print("%d 0 obj\n<< /Type /Pages /Count %d /Kids [", w.tree, len(w.pages))
	for i, page := range w.pages {
		if i%10 == 0 {
			w.print("\n")
		}
		w.print(" %d 0 R", page)
	}
	w.print(" ] >>\nendobj\n")
}

// pageCount writes the picture that Canvas.Total shows.
func (w *Writer) pageCount() {
	c := &Canvas{}
	if len(w.fonts) > 0 {
		// The fonts are written already: see ParseFont for the digits.
		c.show(w.fonts[0], TotalSize, Gray(0.4), 0, 2, fmt.Sprint(len(w.pages)))
	}
	w.stream(w.total, fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 60 12] /Resources << /Font << %s>> >>", w.fontNames()), c.out.Bytes())
}

func (w *Writer) fontNames() string {
	var out strings.Builder
	for _, f := range w.fonts {
		fmt.Fprintf(&out, "/%s %d 0 R ", f.name, f.object)
	}
	return out.String()
}

// text is a string for people, in hexadecimal UTF-16 so that nothing in it has a
// meaning to a reader of PDF.
func text(s string) string {
	var out strings.Builder
	out.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&out, "%04X", unit)
	}
	out.WriteString(">")
	return out.String()
}
