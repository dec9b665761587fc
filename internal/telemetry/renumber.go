package telemetry

import (
	"fmt"
	"io"
)

// Renumber copies a segment, which has to be whole, with another sequence number. Its
// records stay as they are and are not looked at.
func Renumber(w io.Writer, segment io.Reader, sequence int64) error {
	r, err := NewReader(segment, Limits{})
	if err != nil {
		return err
	}
	defer r.Close()
	h := r.Header()
	h.Sequence = sequence
	out, err := NewWriter(w, h)
	if err != nil {
		return err
	}
	for typ := Type(""); err == nil && typ != TypeTrailer; {
		typ, err = out.copyLine(r)
	}
	if closeErr := out.zstd.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("copy a segment: %w", err)
	}
	return nil
}

func (w *Writer) copyLine(r *Reader) (Type, error) {
	line, err := r.next()
	if err != nil {
		return "", err
	}
	typ, err := typeOf(line)
	if err != nil {
		return "", err
	}
	if _, err := w.zstd.Write(line); err != nil {
		return "", err
	}
	_, err = w.zstd.Write([]byte{'\n'})
	return typ, err
}
