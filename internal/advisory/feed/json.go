package feed

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxMembers bounds the names of one object whose members are read one by one,
// since all of them are remembered to find doubled ones.
const maxMembers = 1 << 20

// JSON takes a stream of JSON apart, in the memory of one record.
type JSON struct {
	dec  *jsontext.Decoder
	part *Parts
	free func()
}

// NewJSON starts on a file; see Stream. No value that Decode reads may be longer
// than max bytes. Close frees what decompresses.
func NewJSON(ctx context.Context, r io.Reader, max int64) (*JSON, error) {
	plain, free, err := Stream(ctx, r)
	if err != nil {
		return nil, err
	}
	p := NewParts(plain, max)
	return &JSON{dec: jsontext.NewDecoder(p, jsontext.AllowInvalidUTF8(true)), part: p, free: free}, nil
}

// Close frees what decompresses. It does not close the reader.
func (j *JSON) Close() { j.free() }

// Kind is that of the next value; 0 at the end and before an error, which the next
// call returns.
func (j *JSON) Kind() jsontext.Kind {
	j.part.Next()
	return j.dec.PeekKind()
}

// Decode reads the next value, or returns io.EOF itself where the stream ends
// between values.
func (j *JSON) Decode(v any) error {
	j.part.Next()
	at := j.dec.InputOffset()
	if err := json.UnmarshalDecode(j.dec, v); err != nil {
		return j.at(at, err)
	}
	return nil
}

// Skip reads the next value and forgets it.
func (j *JSON) Skip() error {
	j.part.Next()
	at := j.dec.InputOffset()
	if err := j.dec.SkipValue(); err != nil {
		return j.at(at, err)
	}
	return nil
}

// Object reads the next value, which must be an object. member reads the value
// of the name, by a method of j.
func (j *JSON) Object(member func(name string) error) error {
	return j.each('{', '}', func() error {
		token, err := j.dec.ReadToken()
		if err != nil {
			return j.at(j.dec.InputOffset(), err)
		}
		return member(token.String())
	})
}

// Array reads the next value, which must be an array. element reads one element,
// by a method of j.
func (j *JSON) Array(element func() error) error { return j.each('[', ']', element) }

func (j *JSON) each(open, end jsontext.Kind, one func() error) error {
	j.part.Next()
	token, err := j.dec.ReadToken()
	if err != nil {
		return j.at(j.dec.InputOffset(), err)
	}
	if token.Kind() != open {
		return fmt.Errorf("at byte %d: a JSON value that begins with %q should be there, not %s", j.dec.InputOffset(), rune(open), token.Kind())
	}
	for n := 0; ; n++ {
		switch j.Kind() {
		case end:
			_, err := j.dec.ReadToken()
			return err
		case 0:
			return j.Skip() // says what is wrong
		}
		if n == maxMembers && open == '{' {
			return fmt.Errorf("at byte %d: the object has more than %d members", j.dec.InputOffset(), maxMembers)
		}
		if err := one(); err != nil {
			return err
		}
	}
}

// End is an error unless nothing follows.
func (j *JSON) End() error {
	j.part.Next()
	if _, err := j.dec.ReadToken(); errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	} else if err != nil {
		return j.at(j.dec.InputOffset(), err)
	}
	return fmt.Errorf("at byte %d: there is more after the end of the document", j.dec.InputOffset())
}

// at says where; the end between values is no fault.
func (j *JSON) at(offset int64, err error) error {
	if err == io.EOF {
		return err
	}
	return fmt.Errorf("at byte %d: %w", offset, err)
}
