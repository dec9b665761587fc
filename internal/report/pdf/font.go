package pdf

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// Font is a TrueType font of one document; what was used of it is embedded. It is
// not safe for concurrent use.
type Font struct {
	data   []byte
	face   *sfnt.Font
	buffer sfnt.Buffer
	units  fixed.Int26_6 // an em, which makes widths whole numbers of units
	known  map[rune]glyph
	used   map[uint16]rune

	name   string // in the pages: "F0"
	object int
	base   string // PostScript name
}

type glyph struct {
	id    uint16 // 0: the font has none
	width float64
}

// maxKnown bounds the memory of characters that were looked up.
const maxKnown = 4096

// ParseFont reads a TrueType font with glyf outlines.
func ParseFont(data []byte) (*Font, error) {
	face, err := sfnt.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read a font: %w", err)
	}
	f := &Font{data: data, face: face, units: fixed.Int26_6(face.UnitsPerEm()) << 6, known: map[rune]glyph{}, used: map[uint16]rune{}}
	if f.base, err = face.Name(&f.buffer, sfnt.NameIDPostScript); err != nil {
		return nil, fmt.Errorf("read a font's name: %w", err)
	}
	for _, r := range "0123456789" {
		f.use(r) // of the number of pages, which is told last
	}
	return f, nil
}

func (f *Font) glyph(r rune) glyph {
	if g, ok := f.known[r]; ok {
		return g
	}
	var g glyph
	if id, err := f.face.GlyphIndex(&f.buffer, r); err == nil && id != 0 {
		if width, err := f.face.GlyphAdvance(&f.buffer, id, f.units, font.HintingNone); err == nil {
			g = glyph{uint16(id), float64(width) / float64(f.units)}
		}
	}
	if len(f.known) < maxKnown {
		f.known[r] = g
	}
	return g
}

// Has tells whether the font has a character.
func (f *Font) Has(r rune) bool { return f.glyph(r).id != 0 }

// Width is how wide a text is.
func (f *Font) Width(s string, size float64) (width float64) {
	for _, r := range s {
		width += f.glyph(r).width * size
	}
	return width
}

// RuneWidth is how wide a character is.
func (f *Font) RuneWidth(r rune, size float64) float64 { return f.glyph(r).width * size }

func (f *Font) use(r rune) (uint16, bool) {
	g := f.glyph(r)
	if g.id != 0 {
		f.used[g.id] = r
	}
	return g.id, g.id != 0
}

// font writes a font: a composite font whose character codes are its glyphs'
// numbers (ISO 32000-1, 9.7).
func (w *Writer) font(f *Font) {
	file, descriptor, descendant, unicode := w.reserve(), w.reserve(), w.reserve(), w.reserve()
	embedded, err := subset(f.data, f.used)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("embed the font %s: %w", f.base, err)
	}
	name := "ASSAYA+" + f.base // the tag of a subset
	w.stream(file, fmt.Sprintf("/Length1 %d", len(embedded)), embedded)
	metrics, _ := f.face.Metrics(&f.buffer, 1000<<6, font.HintingNone)
	w.object(descriptor, "<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [-200 -250 1200 1000] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight 700 /StemV 80 /FontFile2 %d 0 R >>",
		name, metrics.Ascent.Round(), -metrics.Descent.Round(), file)
	w.object(descendant, "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R /CIDToGIDMap /Identity /DW 600 /W [%s] >>",
		name, descriptor, f.widths())
	w.stream(unicode, "", f.toUnicode())
	w.object(f.object, "<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>", name, descendant, unicode)
}

func (f *Font) glyphs() []uint16 {
	ids := make([]uint16, 0, len(f.used))
	for id := range f.used {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (f *Font) widths() string {
	var out strings.Builder
	for _, id := range f.glyphs() {
		fmt.Fprintf(&out, "%d [%.0f] ", id, f.glyph(f.used[id]).width*1000)
	}
	return out.String()
}

// toUnicode is the table by which viewers find and copy text.
func (f *Font) toUnicode() []byte {
	var out strings.Builder
	out.WriteString("/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n")
	for ids := range slices.Chunk(f.glyphs(), 100) {
		fmt.Fprintf(&out, "%d beginbfchar\n", len(ids))
		for _, id := range ids {
			fmt.Fprintf(&out, "<%04X> <", id)
			for _, unit := range utf16.Encode([]rune{f.used[id]}) {
				fmt.Fprintf(&out, "%04X", unit)
			}
			out.WriteString(">\n")
		}
		out.WriteString("endbfchar\n")
	}
	out.WriteString("endcmap CMapName currentdict /CMap defineresource pop end end")
	return []byte(out.String())
}

// tables of a font by their tags.
func tables(data []byte) (map[string][]byte, error) {
	if len(data) < 12 {
		return nil, fmt.Errorf("it has only %d bytes", len(data))
	}
	out := map[string][]byte{}
	for i := range int(binary.BigEndian.Uint16(data[4:])) {
		entry := 12 + 16*i
		if entry+16 > len(data) {
			return nil, fmt.Errorf("its directory ends early")
		}
		offset, length := binary.BigEndian.Uint32(data[entry+8:]), binary.BigEndian.Uint32(data[entry+12:])
		if uint64(offset)+uint64(length) > uint64(len(data)) {
			return nil, fmt.Errorf("the table %q ends behind its end", data[entry:entry+4])
		}
		out[string(data[entry:entry+4])] = data[offset : offset+length]
	}
	return out, nil
}
