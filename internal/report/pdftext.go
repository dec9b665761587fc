package report

import (
	"strings"

	"assay/internal/report/pdf"
)

// shown replaces the characters that a font does not have by their numbers, and
// tabs by blanks: nothing is left out in silence.
func shown(f *pdf.Font, s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !f.Has(r) }) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || f.Has(r):
			out.WriteRune(r)
		case r == '\t':
			out.WriteString("    ")
		default:
			out.WriteString(numbered(r))
		}
	}
	return out.String()
}

// wrap breaks text into lines of at most width. Lines break at blanks; words that
// are wider break after a character that ends a part of a path or a name, if there
// is one in the second half of the line, else anywhere.
func wrap(f *pdf.Font, size, width float64, s string) (lines []string) {
	for paragraph := range strings.SplitSeq(shown(f, strings.TrimRight(s, "\n ")), "\n") {
		lines = append(lines, wrapLine(f, size, width, paragraph)...)
	}
	return lines
}

func wrapLine(f *pdf.Font, size, width float64, s string) (lines []string) {
	s = strings.ToValidUTF8(s, "?")
	for {
		fits, at := 0, 0.0
		for i, r := range s {
			if at += f.RuneWidth(r, size); at > width && i > 0 {
				break
			}
			fits = i + len(string(r))
		}
		if fits == len(s) {
			return append(lines, s)
		}
		end := breakAt(s, fits)
		lines = append(lines, strings.TrimRight(s[:end], " "))
		s = strings.TrimLeft(s[end:], " ")
		if s == "" {
			return lines
		}
	}
}

// breakAt finds where to break a line of which s[:fits] has room.
func breakAt(s string, fits int) int {
	if s[fits] == ' ' {
		return fits
	}
	if i := strings.LastIndexByte(s[:fits], ' '); i > fits/3 {
		return i
	}
	if i := strings.LastIndexAny(s[:fits], "/-_.,:;=@&?)]}"); i >= fits/2 {
		return i + 1
	}
	if i := strings.LastIndexByte(s[:fits], ' '); i > 0 {
		return i
	}
	return fits
}

// fit shortens a line to a width.
func (p *paper) fit(f *pdf.Font, size, width float64, s string) string {
	lines := wrapLine(f, size, width-f.Width("…", size), shown(f, s))
	if len(lines) > 1 {
		return lines[0] + "…"
	}
	return lines[0]
}

// text writes lines at x, over pages if it must.
func (p *paper) text(f *pdf.Font, size float64, color pdf.Color, x float64, lines []string) {
	height := size * leading
	for _, l := range lines {
		p.need(height)
		p.page.Text(f, size, color, x, p.y+size, l)
		p.y += height
	}
}

func (p *paper) paragraph(b paragraph) {
	size, color := body, ink
	if b.Small {
		size, color = body-1, soft
	}
	x, lines := float64(left), []string{}
	if b.Label != "" {
		label := shown(p.bold, b.Label+": ")
		indent := p.bold.Width(label, size) + 2
		first := wrap(p.regular, size, width-indent, b.Text)
		if len(first) == 1 || indent < width/4 {
			// The label stands in the first line; the others begin at the margin.
			p.need(2 * size * leading)
			p.page.Text(p.bold, size, ink, x, p.y+size, label)
			p.page.Text(p.regular, size, color, x+indent, p.y+size, first[0])
			p.y += size * leading
			rest := strings.TrimPrefix(shown(p.regular, strings.TrimRight(b.Text, "\n ")), first[0])
			if rest = strings.TrimLeft(rest, " \n"); rest != "" {
				lines = wrap(p.regular, size, width, rest)
			}
		} else {
			p.need(3 * size * leading)
			p.page.Text(p.bold, size, ink, x, p.y+size, label)
			p.y += size * leading
			lines = wrap(p.regular, size, width, b.Text)
		}
	} else {
		lines = wrap(p.regular, size, width, b.Text)
		p.need(float64(min(len(lines), 2)) * size * leading)
	}
	p.text(p.regular, size, color, x, lines)
	p.y += 4
}

// heading never stands alone at the end of a page.
func (p *paper) heading(b heading) {
	f, size, before, after := p.bold, 18.0, 26.0, 10.0
	switch b.Level {
	case 2:
		size, before, after = 12.5, 16, 6
	case 3:
		size, before, after = 10.2, 14, 3
	}
	indent := 0.0
	if b.Severity != "" {
		indent = 74
	}
	lines := wrap(f, size, width-indent, b.Text)
	height := float64(len(lines)) * size * 1.25
	need := before + height + after + 56
	if b.Level == 1 {
		need += 80
	}
	p.need(min(need, bottom-top))
	if p.y > top {
		p.y += before
	}
	if b.Level == 3 && p.y > top {
		p.page.Line(rule, left, p.y-6, width, 0.5)
	}
	p.mark(b)
	if b.Severity != "" {
		p.badge(left, p.y+0.6, string(b.Severity), severityColor(b.Severity))
	}
	color := accent
	if b.Level == 3 {
		color = ink
	}
	for _, l := range lines {
		p.need(size * 1.25)
		p.page.Text(f, size, color, left+indent, p.y+size, l)
		p.y += size * 1.25
	}
	if b.Level == 1 {
		p.y += 4
		p.page.Line(accent, left, p.y, width, 1.4)
		p.y += 4
	}
	p.y += after
}

// mark makes a heading known to the contents and the bookmarks.
func (p *paper) mark(b heading) {
	p.doc.Bookmark(b.Level, p.number, p.y-8, b.Text)
	if b.Anchor != "" {
		if _, ok := p.places[b.Anchor]; !ok {
			p.places[b.Anchor] = place{p.number, p.y - 8}
		}
	}
}

func (p *paper) badge(x, y float64, text string, color pdf.Color) {
	const size, w, h = 7.2, 64, 12
	p.page.Rectangle(color, x, y, w, h)
	p.page.Text(p.bold, size, white, x+(w-p.bold.Width(text, size))/2, y+8.6, text)
}

func (p *paper) facts(list facts) {
	const names = 118
	for _, f := range list {
		font, size := p.regular, body
		if f.Code {
			font, size = p.mono, body-1.4
		}
		lines := wrap(font, size, width-names, f.Value)
		label := wrap(p.regular, body, names-10, f.Name)
		n := max(len(lines), len(label))
		for i := range n {
			p.need(body * leading)
			if i < len(label) {
				p.page.Text(p.regular, body, soft, left, p.y+body, label[i])
			}
			if i < len(lines) {
				p.page.Text(font, size, ink, left+names, p.y+body, lines[i])
			}
			p.y += body * leading
		}
		p.y += 1.5
		p.page.Line(rule, left, p.y, width, 0.5)
		p.y += 2.5
	}
	p.y += 6
}
