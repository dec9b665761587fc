package report

import "assay/internal/report/pdf"

// pdfTable is a table under construction.
type pdfTable struct {
	table
	x, width []float64
	rows     int
}

const (
	cellPad  = 5   // between a cell's text and its sides
	cellSize = 8.2 // of its text
	cellLine = cellSize * 1.38
)

func (p *paper) beginTable(b table) {
	t := &pdfTable{table: b}
	sum, x := 0.0, float64(left)
	for _, c := range b.Columns {
		sum += c.Share
	}
	for _, c := range b.Columns {
		w := c.Share / sum * width
		t.x, t.width = append(t.x, x), append(t.width, w)
		x += w
	}
	p.table = t
	p.need(60)
	p.tableHead()
}

// tableHead is repeated on every page of a table.
func (p *paper) tableHead() {
	t := p.table
	const size = cellSize - 0.4
	names, most := make([][]string, len(t.Columns)), 1
	for i, c := range t.Columns {
		names[i] = wrap(p.bold, size, t.width[i]-2*cellPad, c.Name)
		most = max(most, len(names[i]))
	}
	height := 6 + float64(most)*cellLine
	p.page.Rectangle(pale, left, p.y, width, height)
	for i := range t.Columns {
		for l, name := range names[i] {
			p.page.Text(p.bold, size, soft, p.align(i, p.bold, size, name), p.y+11+float64(l)*cellLine, name)
		}
	}
	p.y += height
	p.page.Line(rule, left, p.y, width, 1.1)
	p.y += 2
}

// align is where a text begins in a column.
func (p *paper) align(i int, f *pdf.Font, size float64, s string) float64 {
	t := p.table
	if t.Columns[i].Right {
		return t.x[i] + t.width[i] - cellPad - f.Width(s, size)
	}
	return t.x[i] + cellPad
}

// cellLook is how a cell is set.
func (p *paper) cellLook(c cell) (f *pdf.Font, size float64, color pdf.Color) {
	switch {
	case c.Verdict != "":
		return p.bold, cellSize, verdictColor(c.Verdict)
	case c.Code:
		return p.mono, cellSize - 1, ink
	}
	return p.regular, cellSize, ink
}

// row keeps a row on one page, if it fits on half of one; a longer one goes on
// on the next, line by line, under the same head.
func (p *paper) row(b row) {
	t := p.table
	t.rows++
	cells, most := make([][]string, len(b)), 1
	for i, c := range b {
		f, size, _ := p.cellLook(c)
		cells[i] = wrap(f, size, t.width[i]-2*cellPad, c.Text)
		most = max(most, len(cells[i]))
	}
	if height := float64(most)*cellLine + 6; p.y+height > bottom && height < (bottom-top)/2 {
		p.turn()
		p.tableHead()
	}
	p.y += 2
	for l := range most {
		if p.y+cellLine > bottom {
			p.turn()
			p.tableHead()
		}
		for i, c := range b {
			if l < len(cells[i]) {
				f, size, color := p.cellLook(c)
				p.page.Text(f, size, color, p.align(i, f, size, cells[i][l]), p.y+cellSize, cells[i][l])
			}
		}
		p.y += cellLine
	}
	p.y += 2
	p.page.Line(rule, left, p.y, width, 0.5)
	p.y += 1
}

func (p *paper) endTable() {
	if p.table.rows == 0 {
		p.y += 3
		p.text(p.regular, cellSize, soft, left+cellPad, wrap(p.regular, cellSize, width, p.table.Empty))
	}
	p.table = nil
	p.y += 10
}
