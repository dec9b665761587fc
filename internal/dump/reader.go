package dump

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"assay/internal/migrate"
)

// reader reads the documents of a file.
type reader struct {
	wants   func(migrate.Kind) bool
	item    func(Item) error
	ignored map[string]int
	failed  *int

	name     string
	in       *jsontext.Decoder
	bound    *bounded
	counts   map[migrate.Kind]int
	resource string          // of the document's tags
	tags     json.RawMessage // of the document
}

func (r *reader) file(f file) error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	return r.read(f.name, in)
}

func (r *reader) read(name string, in io.Reader) error {
	r.name, r.counts = name, map[migrate.Kind]int{}
	r.bound = &bounded{in: bufio.NewReaderSize(in, 1<<16)}
	r.in = jsontext.NewDecoder(r.bound)
	for documents := 0; ; documents++ {
		r.advance()
		switch kind := r.in.PeekKind(); {
		case kind == '{':
			if err := r.document(); err != nil {
				return err
			}
		case kind == 0:
			_, err := r.in.ReadToken()
			if errors.Is(err, io.EOF) && documents > 0 {
				return nil
			} else if errors.Is(err, io.EOF) {
				return errors.New("it is empty")
			}
			return err
		default:
			return fmt.Errorf("it is not what aws-cli prints with --output json: an object is wanted, not %s", kind)
		}
	}
}

// document reads the answer of one operation.
func (r *reader) document() error {
	r.resource, r.tags = "", nil
	if _, err := r.in.ReadToken(); err != nil {
		return err
	}
	for r.in.PeekKind() != '}' {
		token, err := r.in.ReadToken()
		if err != nil {
			return err
		}
		if err := r.member(token.String()); err != nil {
			return err
		}
	}
	if _, err := r.in.ReadToken(); err != nil {
		return err
	}
	return r.tagged()
}

// quiet are members that say nothing about an object.
var quiet = map[string]bool{
	"nextToken": true, "NextToken": true, "assessmentTargetArns": true, "assessmentTemplateArns": true, "assessmentRunArns": true,
	"findingArns": true, "exclusionArns": true, "rulesPackageArns": true, "rulesPackages": true,
}

// member reads a member of an answer.
func (r *reader) member(name string) error {
	r.advance()
	kind := migrate.Kind(name)
	first := r.in.PeekKind()
	switch {
	case name == "resourceArn" && first == '"':
		token, err := r.in.ReadToken()
		r.resource = token.String()
		return err
	case kind == migrate.Tags && first == '[':
		value, err := r.in.ReadValue()
		r.tags = bytes.Clone(value)
		return err
	case kind == migrate.Exclusions && first == '{':
		return r.each(kind, '}')
	case kind != migrate.Tags && kind != migrate.Exclusions && migrate.ShapeOf(kind) != nil && first == '[':
		return r.each(kind, ']')
	case name == "failedItems" && first == '{':
		return r.failures()
	case !quiet[name]:
		if len(r.ignored) < 100 {
			r.ignored[fmt.Sprintf("%.60q", name)]++
		}
	}
	return r.skip()
}

// each reads the objects of a list, or of a map by ARN.
func (r *reader) each(kind migrate.Kind, end jsontext.Kind) error {
	if _, err := r.in.ReadToken(); err != nil {
		return err
	}
	for r.in.PeekKind() != end {
		if end == '}' {
			if _, err := r.in.ReadToken(); err != nil {
				return err
			}
		}
		r.advance()
		n := r.counts[kind]
		r.counts[kind]++
		if !r.wants(kind) {
			if err := r.skip(); err != nil {
				return err
			}
			continue
		}
		value, err := r.in.ReadValue()
		if err != nil {
			return err
		}
		if err := r.item(r.itemOf(kind, n, value)); err != nil {
			return err
		}
	}
	_, err := r.in.ReadToken()
	return err
}

// tagged gives the tags of a document with their resource.
func (r *reader) tagged() error {
	if r.tags == nil || !r.wants(migrate.Tags) {
		return nil
	}
	n := r.counts[migrate.Tags]
	r.counts[migrate.Tags]++
	object, err := json.Marshal(map[string]any{"resourceArn": r.resource, "tags": r.tags})
	if err != nil {
		return err
	}
	item := r.itemOf(migrate.Tags, n, object)
	if r.resource == "" {
		item.Object.Object, item.Err = nil, errors.New("these tags do not say whose they are: the document wants a member resourceArn beside tags (see docs/migration.md)")
	}
	return r.item(item)
}

func (r *reader) itemOf(kind migrate.Kind, n int, value []byte) Item {
	item := Item{File: r.name, Where: fmt.Sprintf("%s[%d]", kind, n), Object: migrate.Object{Kind: kind}, ARN: arnOf(value)}
	item.Object.Object, item.Unknown, item.Err = normal(value, migrate.ShapeOf(kind))
	return item
}

// failures counts what aws-cli could not get.
func (r *reader) failures() error {
	if _, err := r.in.ReadToken(); err != nil {
		return err
	}
	for r.in.PeekKind() != '}' {
		if _, err := r.in.ReadToken(); err != nil {
			return err
		}
		*r.failed++
		if err := r.skip(); err != nil {
			return err
		}
	}
	_, err := r.in.ReadToken()
	return err
}

// skip passes over a value of any size, token by token.
func (r *reader) skip() error {
	depth := r.in.StackDepth()
	for {
		if _, err := r.in.ReadToken(); err != nil {
			return err
		}
		r.advance()
		if r.in.StackDepth() <= depth {
			return nil
		}
	}
}

// advance notes that what was read until here is done with.
func (r *reader) advance() { r.bound.done = r.in.InputOffset() }

// bounded refuses to read on when too much was read of what is not done with: the
// decoder holds a value, or a string, in memory.
type bounded struct {
	in         io.Reader
	read, done int64
}

// ahead is how much the decoder may read beyond an object.
const ahead = 256 << 10

func (b *bounded) Read(p []byte) (int, error) {
	if b.read-b.done > MaxObject+ahead {
		return 0, fmt.Errorf("an object, or a text, is larger than %d bytes", MaxObject)
	}
	n, err := b.in.Read(p[:min(len(p), 1<<16)])
	b.read += int64(n)
	return n, err
}
