package dpkg

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxValue bounds the values that are kept, in bytes. Debian's longest is below 100.
const maxValue = 4 << 10

// ErrCutOff is in the error of a file whose last line doesn't end in a newline.
// dpkg never writes one and refuses to read it: the file has lost its end.
var ErrCutOff = errors.New("the last line has no end: the file is cut off")

// fields are those of a paragraph that count here.
type fields struct {
	name, version, arch, source, status, origin string

	any bool  // the paragraph has at least one field
	bad error // why it can't be used
}

func (f *fields) named(name string) *string {
	switch strings.ToLower(name) {
	case "package":
		return &f.name
	case "version":
		return &f.version
	case "architecture":
		return &f.arch
	case "source":
		return &f.source
	case "status":
		return &f.status
	case "origin":
		return &f.origin
	}
	return nil
}

// paragraphs takes a stream of lines apart at its empty ones.
type paragraphs struct {
	lines *lines
	last  *string // the field that a continuation line adds to, nil if it doesn't count
}

// next returns the next paragraph, or io.EOF.
func (p *paragraphs) next() (fields, error) {
	var f fields
	for {
		line, err := p.lines.next()
		if err == io.EOF && f.any {
			return f, nil
		} else if err != nil {
			return f, err
		}
		if strings.TrimSpace(line.text) == "" && !line.long {
			if f.any {
				return f, nil
			}
			continue
		}
		p.add(&f, line)
	}
}

func (p *paragraphs) add(f *fields, l line) {
	if l.text[0] == ' ' || l.text[0] == '\t' {
		if p.last != nil && f.any {
			p.set(f, *p.last+" "+strings.TrimSpace(l.text), l.long)
		}
		return
	}
	if !f.any {
		f.any = true
		p.last = nil
	}
	name, value, ok := strings.Cut(l.text, ":")
	if !ok {
		f.fail(fmt.Errorf("the entry of %q has a line without a colon", f.name))
		p.last = nil
		return
	}
	p.last = f.named(strings.TrimSpace(name))
	if p.last == nil {
		return
	}
	if *p.last != "" {
		f.fail(fmt.Errorf("the entry of %q has the field %s twice", f.name, name))
	}
	p.set(f, strings.TrimSpace(value), l.long)
}

func (p *paragraphs) set(f *fields, value string, long bool) {
	if long || len(value) > maxValue {
		f.fail(fmt.Errorf("the entry of %q has a value of more than %d bytes", f.name, maxValue))
		return
	}
	*p.last = value
}

func (f *fields) fail(err error) {
	if f.bad == nil {
		f.bad = err
	}
}

// line is a line without its newline; of a long one only the beginning.
type line struct {
	text string
	long bool
}

// lines reads lines of any length in bounded memory.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, 2*maxValue)} }

// next returns the next line, io.EOF, or ErrCutOff where the last line has no end.
func (l *lines) next() (line, error) {
	text, err := l.r.ReadSlice('\n')
	out := line{text: strings.TrimSuffix(string(text), "\n")}
	for err == bufio.ErrBufferFull {
		out.long = true
		_, err = l.r.ReadSlice('\n')
	}
	if err == io.EOF && out.text != "" {
		err = ErrCutOff
	}
	return out, err
}
