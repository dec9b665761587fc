package report

import (
	"bufio"
	_ "embed" // the template and its style
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"assay/internal/inspector"
)

//go:embed style.css
var style string

//go:embed page.gohtml
var page string

// templates writes each block; html/template escapes what is in them for its
// place. A document loads nothing and runs nothing: its style is in it.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"style":    func() template.CSS { return template.CSS(style) },
	"share":    func(c column) string { return fmt.Sprintf("%.0f", c.Share) },
	"severity": severityClass,
	"verdict":  verdictClass,
}).Parse(page))

// severityClass is the CSS class of a severity: one of the API's, or none.
func severityClass(s inspector.Severity) string {
	if slices.Contains(inspector.Severities(), s) {
		return string(s)
	}
	return "none"
}

func verdictClass(verdict string) string {
	if slices.Contains(Verdicts(), verdict) {
		return strings.ReplaceAll(verdict, " ", "-")
	}
	return "none"
}

// html is a sink that writes HTML.
type html struct {
	out     *bufio.Writer
	columns []column // of the table that is being written
	empty   string
	rows    int
}

func newHTML(w io.Writer) *html { return &html{out: bufio.NewWriterSize(w, 64<<10)} }

// htmlCell is a cell that knows its column.
type htmlCell struct {
	cell
	Right bool
}

func (h *html) put(b block) error {
	switch b := b.(type) {
	case cover:
		return h.run("cover", b)
	case heading:
		return h.run("heading", b)
	case paragraph:
		return h.run("paragraph", b)
	case facts:
		return h.run("facts", b)
	case item:
		return h.run("item", b)
	case table:
		h.columns, h.empty, h.rows = b.Columns, b.Empty, 0
		return h.run("table", b)
	case row:
		h.rows++
		cells := make([]htmlCell, len(b))
		for i, c := range b {
			cells[i] = htmlCell{c, h.columns[i].Right}
		}
		return h.run("row", cells)
	case tableEnd:
		if h.rows == 0 {
			if err := h.run("none", table{h.columns, h.empty}); err != nil {
				return err
			}
		}
		return h.run("tableEnd", nil)
	}
	return fmt.Errorf("a report in HTML has no block %T", b)
}

func (h *html) run(name string, data any) error {
	if err := templates.ExecuteTemplate(h.out, name, data); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (h *html) close() error {
	if err := h.run("end", nil); err != nil {
		return err
	}
	return h.out.Flush()
}
