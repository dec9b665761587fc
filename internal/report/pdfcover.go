package report

import (
	"fmt"

	"assay/internal/report/pdf"
)

// cover is the first page, without head and foot; the contents come second, when
// it is known where everything is.
func (p *paper) cover(b cover) {
	p.page, p.y, p.number = &pdf.Canvas{}, 92, 1
	p.page.Rectangle(accent, 0, 0, pdf.Width, 14)
	p.text(p.bold, 10, soft, left, []string{b.Kind})
	p.y += 8
	title := wrap(p.bold, 26, width, b.Title)
	if len(title) > 4 {
		title = append(title[:3], p.fit(p.bold, 26, width, title[3]+"…"))
	}
	for _, l := range title {
		p.page.Text(p.bold, 26, accent, left, p.y+26, l)
		p.y += 32
	}
	p.y += 6
	p.text(p.regular, 11.5, soft, left, wrap(p.regular, 11.5, width, b.Subtitle))
	p.y += 22
	p.tiles(b.Counts)
	p.note(b)
	p.facts(b.Facts)
	p.finish()
	p.contents, p.tocPage = b.Contents, p.doc.Reserve()
}

// tiles show how many findings there are of each severity.
func (p *paper) tiles(counts []count) {
	const gap, height = 10, 58
	w := (width - gap*float64(len(counts)-1)) / float64(len(counts))
	for i, c := range counts {
		x := left + float64(i)*(w+gap)
		p.page.Rectangle(pale, x, p.y, w, height)
		p.page.Rectangle(severityColor(c.Severity), x, p.y, w, 4)
		p.page.Text(p.bold, 21, ink, x+10, p.y+32, c.N)
		p.page.Text(p.regular, 8.6, soft, x+10, p.y+48, string(c.Severity))
	}
	p.y += height + 18
}

// note says how far the findings are the whole truth.
func (p *paper) note(b cover) {
	lines := wrap(p.regular, body, width-28, b.Note)
	height := float64(len(lines))*body*leading + 14
	ground, edge := pdf.Color{0.93, 0.96, 0.94}, green
	if b.Alarm {
		ground, edge = pdf.Color{0.99, 0.96, 0.89}, amber
	}
	p.page.Rectangle(ground, left, p.y, width, height)
	p.page.Rectangle(edge, left, p.y, 3.5, height)
	p.y += 6
	p.text(p.regular, body, ink, left+14, lines)
	p.y += 26
}

// toc fills the page of contents.
func (p *paper) toc() {
	if p.tocPage == 0 {
		return
	}
	c := &pdf.Canvas{}
	p.decorate(c, p.tocPage)
	c.Text(p.bold, 18, accent, left, top+18, "Contents")
	c.Line(accent, left, top+28, width, 1.4)
	y := float64(top + 46)
	for _, e := range p.contents {
		at, ok := p.places[e.Anchor]
		if !ok || y > bottom {
			continue
		}
		f, size, indent, color := p.bold, 10.0, 0.0, ink
		if e.Level > 1 {
			f, size, indent, color = p.regular, body, 16, soft
		}
		number := fmt.Sprint(at.page)
		c.Text(f, size, color, left+indent, y+size, p.fit(f, size, width-60-indent, e.Text))
		c.Text(f, size, color, left+width-f.Width(number, size), y+size, number)
		c.Line(rule, left, y+size+5, width, 0.4)
		c.Link(left, y, width, size+5, at.page, at.y)
		y += size + 11
	}
	p.doc.Fill(p.tocPage, c)
}
