package telemetry

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// Bounds of the format. A reader refuses what is beyond them before it has
// allocated for it.
const (
	// MaxLine bounds a line, in bytes: a text of 1 MiB in which every byte
	// is escaped as \u00XX, and its metadata.
	MaxLine = 6<<20 + 64<<10

	windowSize = 1 << 20
)

// Limits bound what a reader accepts. A zero field means the default.
type Limits struct {
	Records int64 // default 4 million
	Bytes   int64 // decoded; default 2 GiB
}

// ErrTruncated is in the error of a stream that ends before its trailer.
var ErrTruncated = errors.New("the snapshot is truncated")

// Reader reads a snapshot or segment and believes nothing in it: lines, records
// and decoded bytes are bounded, members that the format does not know are
// refused, and the end is only the end where a trailer with the right count is.
// It is not safe for concurrent use.
type Reader struct {
	zstd    *zstd.Decoder
	lines   *bufio.Reader
	long    []byte // a line that did not fit into lines' buffer
	limits  Limits
	header  Header
	bytes   int64
	records int64
	line    int64
	last    int // bytes of the last line
	done    bool
}

// NewReader reads the header. Close frees the decompressor.
func NewReader(r io.Reader, limits Limits) (*Reader, error) {
	if limits.Records == 0 {
		limits.Records = 4 << 20
	}
	if limits.Bytes == 0 {
		limits.Bytes = 2 << 30
	}
	dec, err := zstd.NewReader(r,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(windowSize))
	if err != nil {
		return nil, fmt.Errorf("start decompression: %w", err)
	}
	tr := &Reader{zstd: dec, limits: limits, lines: bufio.NewReaderSize(dec, 64<<10)}
	if err := tr.readHeader(); err != nil {
		tr.Close()
		return nil, err
	}
	return tr, nil
}

// Header is the first line.
func (r *Reader) Header() Header { return r.header }

// Bytes is the decoded size of what was read so far.
func (r *Reader) Bytes() int64 { return r.bytes }

// LastSize is the size in bytes of the line that Next returned last.
func (r *Reader) LastSize() int { return r.last }

// Close frees the decompressor; the underlying reader stays open.
func (r *Reader) Close() { r.zstd.Close() }

func (r *Reader) readHeader() error {
	line, err := r.next()
	if err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if typ, err := typeOf(line); err != nil || typ != TypeHeader {
		return fmt.Errorf("read the header: the first line is not a header")
	}
	// The version is looked at first: a header of another format may have
	// other members.
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(line, &version); err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if version.Format != Format {
		return fmt.Errorf("the snapshot has format %d; this program reads format %d", version.Format, Format)
	}
	if err := json.Unmarshal(line, &r.header, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	return nil
}

// Next returns the next record, or io.EOF once the trailer was read and found
// right. Every other error means that the snapshot must not be used.
func (r *Reader) Next() (Record, error) {
	if r.done {
		return nil, io.EOF
	}
	line, err := r.next()
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	typ, err := typeOf(line)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	rec, err := decode(line, typ)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	if t, ok := rec.(*Trailer); ok {
		return nil, r.finish(t)
	}
	if err := bounded(rec); err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	if rec.meta().Sensor == "" {
		return nil, fmt.Errorf("line %d: a record of type %q names no sensor", r.line, typ)
	}
	r.records++
	if r.records > r.limits.Records {
		return nil, fmt.Errorf("line %d: more than %d records", r.line, r.limits.Records)
	}
	return rec, nil
}

// decode makes a record of its line.
func decode(line []byte, typ Type) (Record, error) {
	rec := newRecord(typ)
	if rec == nil {
		return nil, fmt.Errorf("records of type %q are not known to this program", typ)
	}
	if p, ok := rec.(plainRecord); ok {
		if p.readPlain(line) {
			return rec, nil
		}
		rec = newRecord(typ)
	}
	return rec, json.Unmarshal(line, rec, json.RejectUnknownMembers(true))
}

func (r *Reader) finish(t *Trailer) error {
	if t.Records != r.records {
		return fmt.Errorf("line %d: the trailer counts %d records, the snapshot has %d", r.line, t.Records, r.records)
	}
	if _, err := r.lines.ReadByte(); err == nil {
		return fmt.Errorf("line %d: there is something after the trailer", r.line)
	} else if err != io.EOF {
		return fmt.Errorf("line %d: %w", r.line, err)
	}
	r.done = true
	return io.EOF
}

// next reads a line without its newline. The slice is valid until the next call.
func (r *Reader) next() ([]byte, error) {
	r.line++
	line, err := r.lines.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		r.long = append(r.long[:0], line...)
		for err == bufio.ErrBufferFull {
			line, err = r.lines.ReadSlice('\n')
			if len(r.long)+len(line) > MaxLine {
				return nil, fmt.Errorf("the line is longer than %d bytes", MaxLine)
			}
			r.long = append(r.long, line...)
		}
		line = r.long
	}
	switch {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, ErrTruncated
	case err != nil:
		return nil, fmt.Errorf("decompress: %w", err)
	}
	r.last = len(line)
	r.bytes += int64(len(line))
	if r.bytes > r.limits.Bytes {
		return nil, fmt.Errorf("more than %d bytes", r.limits.Bytes)
	}
	return line[:len(line)-1], nil
}

// typeOf reads the type without parsing the line: the format puts it first.
func typeOf(line []byte) (Type, error) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"type":"`))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 || end > 32 {
		return "", errors.New(`a line must begin with {"type":"..."`)
	}
	return Type(rest[:end]), nil
}

func newRecord(t Type) Record {
	switch t {
	case TypeTrailer:
		return new(Trailer)
	case TypeCoverage:
		return new(Coverage)
	case TypeSystem:
		return new(System)
	case TypeProcessor:
		return new(Processor)
	case TypePackage:
		return new(Package)
	case TypePackageDatabase:
		return new(PackageDatabase)
	case TypeText:
		return new(Text)
	case TypeFile:
		return new(File)
	case TypeUser:
		return new(User)
	case TypeShadow:
		return new(Shadow)
	case TypeGroup:
		return new(Group)
	case TypeKernelParameter:
		return new(KernelParameter)
	case TypeKernelModule:
		return new(KernelModule)
	case TypeMount:
		return new(Mount)
	case TypeProcess:
		return new(Process)
	case TypeObject:
		return new(Object)
	case TypeSocket:
		return new(Socket)
	case TypeInterface:
		return new(Interface)
	case TypeRoute:
		return new(Route)
	case TypeLibrary:
		return new(Library)
	case TypeContainer:
		return new(Container)
	case TypeExecution:
		return new(Execution)
	case TypeConnection:
		return new(Connection)
	case TypeAccepting:
		return new(Accepting)
	case TypeObservation:
		return new(Observation)
	case TypeProgram:
		return new(Program)
	case TypeLoad:
		return new(Load)
	case TypeSpoken:
		return new(Spoken)
	case TypeLooks:
		return new(Looks)
	}
	return nil
}
