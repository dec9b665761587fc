package report

import "assay/internal/report/pdf"

// itemLine is a line of an item, laid out.
type itemLine struct {
	font  *pdf.Font
	size  float64
	color pdf.Color
	text  string
	x     float64
}

// item sets a host with its evidence on a pale ground with a line at its side. It
// goes on on the next page where it must, but does not begin there with one line.
func (p *paper) item(b item) {
	const inset, pad = 12, 3.5
	var lines []itemLine
	add := func(f *pdf.Font, size float64, color pdf.Color, indent float64, s string) {
		for _, l := range wrap(f, size, width-2*inset-indent, s) {
			lines = append(lines, itemLine{f, size, color, l, left + inset + indent})
		}
	}
	add(p.bold, 8.4, ink, 0, b.Title)
	if b.Detail != "" {
		add(p.regular, 8.4, ink, 0, b.Detail)
	}
	for _, l := range b.Lines {
		if l.Where != "" {
			add(p.mono, 7.2, soft, 0, l.Where)
		}
		add(p.mono, 7.2, ink, 10, l.Found)
		if l.Expected != "" {
			add(p.mono, 7.2, soft, 10, "expected: "+l.Expected)
		}
	}
	height := 2 * pad
	for _, l := range lines {
		height += l.size * leading
	}
	if height < (bottom-top)/3 {
		p.need(height)
	} else {
		p.need(70)
	}
	for len(lines) > 0 {
		lines = p.part(lines, pad)
	}
	p.y += 5
}

// part draws as many lines as the page has room for, and returns the others.
func (p *paper) part(lines []itemLine, pad float64) []itemLine {
	n, height := 0, 2*pad
	for n < len(lines) && (n == 0 || p.y+height+lines[n].size*leading <= bottom) {
		height += lines[n].size * leading
		n++
	}
	p.page.Rectangle(pale, left, p.y, width, height)
	p.page.Rectangle(rule, left, p.y, 2.4, height)
	p.y += pad
	for _, l := range lines[:n] {
		p.page.Text(l.font, l.size, l.color, l.x, p.y+l.size, l.text)
		p.y += l.size * leading
	}
	p.y += pad
	if n < len(lines) {
		p.turn()
	}
	return lines[n:]
}
