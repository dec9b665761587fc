package report

import "assay/internal/inspector"

// sink takes a document's blocks in their order. After an error it may be left
// alone.
type sink interface {
	put(block) error
	close() error
}

// block is a piece of a document.
type block any

// The blocks. Their text is visible already (see text.go), in paragraphs and cells
// with line ends.
type (
	// cover is the first: the title, and the contents that follow.
	cover struct {
		Kind, Title, Subtitle string
		Facts                 []fact
		Counts                []count
		Note                  string // what has to be known before anything else
		Alarm                 bool   // the note is a warning
		Contents              []entry
	}

	// heading begins a section: level 1 a chapter, 2 a part, 3 a finding. One with
	// an anchor is in the contents.
	heading struct {
		Level    int
		Text     string
		Anchor   string
		Severity inspector.Severity
	}

	// paragraph is running text; a small one is subordinate.
	paragraph struct {
		Label, Text string
		Small       bool
	}

	// facts are names with values.
	facts []fact

	// table begins a table; rows follow, then tableEnd. Empty is what is said in
	// place of a table without rows.
	table struct {
		Columns []column
		Empty   string
	}
	row      []cell
	tableEnd struct{}

	// item is a host that has a finding, or several, a line each, with what was
	// seen there.
	item struct {
		Title, Detail string
		Lines         []line
	}
)

type fact struct {
	Name, Value string
	Code        bool
}

type count struct {
	Severity inspector.Severity
	N        string
}

type entry struct {
	Level        int
	Text, Anchor string
}

// column has a share of a table's width.
type column struct {
	Name  string
	Share float64
	Right bool
}

// cell is one of a row. Code is set in a font of fixed width.
type cell struct {
	Text     string
	Code     bool
	Severity inspector.Severity
	Verdict  string
}

// line is a piece of evidence.
type line struct{ Where, Found, Expected string }
