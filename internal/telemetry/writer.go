package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"
)

// Writer writes one snapshot or segment. It is not safe for concurrent use.
type Writer struct {
	zstd    *zstd.Encoder
	line    bytes.Buffer
	records int64
	bytes   int64
	err     error
}

// NewWriter begins a snapshot on w with its header. The header's format is set
// by the writer.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	// One goroutine and a small window: the agent has to fit in 25 MB, and
	// whoever reads needs as much. A larger one, up to what the reader takes,
	// compresses no better: lines are short and alike.
	enc, err := zstd.NewWriter(w,
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(256<<10),
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("start compression: %w", err)
	}
	tw := &Writer{zstd: enc}
	h.Format = Format
	return tw, tw.put(&h)
}

// Write adds a record that the named sensor has made. A record that cannot be
// written as a line of the format is an error and leaves the snapshot as it was;
// after an error of the underlying writer every further call returns that error.
func (w *Writer) Write(sensor string, r Record) error {
	r.meta().Sensor = sensor
	if err := w.put(r); err != nil {
		return err
	}
	w.records++
	return nil
}

// Records is the number of records written so far, header and trailer excluded.
func (w *Writer) Records() int64 { return w.records }

// Bytes is the size of what was written so far, before compression.
func (w *Writer) Bytes() int64 { return w.bytes }

// Close writes the trailer and ends the stream. The snapshot is whole only if
// Close returns nil. It does not close the underlying writer.
func (w *Writer) Close() error {
	if w.err == nil {
		w.err = w.put(&Trailer{Records: w.records, Finished: time.Now().UTC()})
	}
	if err := w.zstd.Close(); w.err == nil && err != nil {
		w.err = fmt.Errorf("end compression: %w", err)
	}
	return w.err
}

func (w *Writer) put(r Record) error {
	if w.err != nil {
		return w.err
	}
	r.meta().Type = r.kind()
	w.line.Reset()
	// Names on a host are bytes; what is not UTF-8 in one is replaced here
	// rather than making a snapshot fail. Records that need the exact bytes
	// of a path carry them in Raw.
	if err := json.MarshalWrite(&w.line, r, jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("write a record of type %q: %w", r.kind(), err)
	}
	w.line.WriteByte('\n')
	if w.line.Len() > MaxLine {
		return fmt.Errorf("write a record of type %q: its line has %d bytes, more than the format's %d", r.kind(), w.line.Len(), MaxLine)
	}
	w.bytes += int64(w.line.Len())
	if _, err := w.zstd.Write(w.line.Bytes()); err != nil {
		w.err = fmt.Errorf("write a record of type %q: %w", r.kind(), err)
	}
	return w.err
}
