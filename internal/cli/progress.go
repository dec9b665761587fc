package cli

import (
	"fmt"
	"io"
)

// progress is a line on a terminal that is written over again and again. In a
// pipe it writes nothing.
type progress struct {
	w     io.Writer
	shown bool
}

func (c *Command) progress() *progress {
	if !c.Terminal {
		return &progress{w: io.Discard}
	}
	return &progress{w: c.Stderr}
}

func (p *progress) show(format string, args ...any) {
	fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
	p.shown = true
}

func (p *progress) done() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
