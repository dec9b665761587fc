package report

import (
	"bufio"
	"fmt"
	"io"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"

	"assay/internal/inspector"
	"assay/internal/report/pdf"
)

// The measures of a page, in points.
const (
	left    = 54
	width   = pdf.Width - 2*left
	top     = 74
	bottom  = pdf.Height - 62 // of the text
	body    = 9.2             // the size of running text
	leading = 1.42            // the distance of lines, in sizes
)

var (
	ink    = pdf.Color{0.11, 0.15, 0.19}
	soft   = pdf.Color{0.35, 0.40, 0.46}
	rule   = pdf.Color{0.85, 0.87, 0.90}
	pale   = pdf.Color{0.96, 0.97, 0.98}
	accent = pdf.Color{0.12, 0.31, 0.47}
	green  = pdf.Color{0.18, 0.49, 0.31}
	amber  = pdf.Color{0.79, 0.54, 0.07}
	white  = pdf.Gray(1)
)

func severityColor(s inspector.Severity) pdf.Color {
	switch s {
	case inspector.High:
		return pdf.Color{0.70, 0.15, 0.12}
	case inspector.Medium:
		return pdf.Color{0.76, 0.37, 0}
	case inspector.Low:
		return pdf.Color{0.54, 0.43, 0}
	case inspector.Informational:
		return pdf.Color{0.23, 0.43, 0.65}
	}
	return soft
}

func verdictColor(verdict string) pdf.Color {
	switch verdict {
	case "failed", "error":
		return severityColor(inspector.High)
	case "not evaluated":
		return pdf.Color{0.64, 0.35, 0}
	case "passed":
		return green
	}
	return soft
}

// paper is a sink that writes PDF: it lays blocks out on the page under
// construction, and begins the next when it is full.
type paper struct {
	out                 *bufio.Writer
	doc                 *pdf.Writer
	regular, bold, mono *pdf.Font
	page                *pdf.Canvas
	y                   float64 // where the next line begins
	number              int     // of the page

	head, foot string // of every page but the first
	contents   []entry
	tocPage    int
	places     map[string]place
	table      *pdfTable
}

// place is where a chapter begins.
type place struct {
	page int
	y    float64
}

func newPDF(w io.Writer, r Report) (*paper, error) {
	p := &paper{out: bufio.NewWriterSize(w, 64<<10), places: map[string]place{}}
	for _, f := range []struct {
		into **pdf.Font
		data []byte
	}{{&p.regular, goregular.TTF}, {&p.bold, gobold.TTF}, {&p.mono, gomono.TTF}} {
		var err error
		if *f.into, err = pdf.ParseFont(f.data); err != nil {
			return nil, err
		}
	}
	d := document{Report: r}
	title := d.kind() + ": " + oneLine(r.Run.Name)
	p.doc = pdf.New(p.out, pdf.Info{Title: title, Author: oneLine(r.Service), Language: "en", Created: r.Made}, p.regular, p.bold, p.mono)
	p.head, p.foot = p.fit(p.regular, pdf.TotalSize, width, title), p.fit(p.mono, footSize, width-100, oneLine(r.RunARN))
	return p, nil
}

func (p *paper) put(b block) error {
	switch b := b.(type) {
	case cover:
		p.cover(b)
	case heading:
		p.heading(b)
	case paragraph:
		p.paragraph(b)
	case facts:
		p.facts(b)
	case table:
		p.beginTable(b)
	case row:
		p.row(b)
	case tableEnd:
		p.endTable()
	case item:
		p.item(b)
	default:
		return fmt.Errorf("a report in PDF has no block %T", b)
	}
	return p.doc.Err()
}

// begin begins a page. Its number is known: pages are finished in their order.
func (p *paper) begin() {
	p.page, p.y, p.number = &pdf.Canvas{}, top, p.doc.Pages()+1
	p.decorate(p.page, p.number)
}

// footSize is the size of what stands at the right of a page's foot.
const footSize = 6.5

// decorate draws what every page has.
func (p *paper) decorate(c *pdf.Canvas, number int) {
	const size, line = pdf.TotalSize, pdf.Height - 44
	c.Text(p.regular, size, soft, left, 44, p.head)
	c.Line(rule, left, 52, width, 0.6)
	c.Line(rule, left, line, width, 0.6)
	text := fmt.Sprintf("Page %d of ", number)
	c.Text(p.regular, size, soft, left, line+14, text)
	c.Total(left+p.regular.Width(text, size), line+14)
	c.Text(p.mono, footSize, soft, left+width-p.mono.Width(p.foot, footSize), line+14, p.foot)
}

func (p *paper) finish() {
	if p.page != nil {
		p.doc.Page(p.page)
		p.page = nil
	}
}

// need begins a new page unless there is room for so much on this one.
func (p *paper) need(height float64) {
	if p.page == nil || p.y+height > bottom && p.y > top {
		p.turn()
	}
}

func (p *paper) turn() {
	p.finish()
	p.begin()
}

func (p *paper) close() error {
	p.finish()
	p.toc()
	if err := p.doc.Close(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return p.out.Flush()
}
