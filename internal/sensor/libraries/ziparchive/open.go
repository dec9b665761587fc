package ziparchive

import (
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// content is an entry's bytes as they are in the archive.
func content(r io.ReaderAt, e Entry) (*io.SectionReader, error) {
	head := make([]byte, localSize)
	if n, err := r.ReadAt(head, e.Offset); n < len(head) {
		return nil, cut(err)
	}
	if string(head[:4]) != localSignature {
		return nil, ErrFormat
	}
	if e.Encrypted {
		return nil, errors.New("it is encrypted")
	}
	begin := e.Offset + localSize + int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	return io.NewSectionReader(r, begin, e.Compressed), nil
}

// Section is a stored entry, which can be read at random; nil if it is compressed.
func Section(r io.ReaderAt, e Entry) (*io.SectionReader, error) {
	if e.Method != Stored {
		return nil, nil
	}
	if e.Size != e.Compressed {
		return nil, ErrFormat
	}
	return content(r, e)
}

// Open reads an entry from its beginning. The caller bounds what it reads, and
// cannot rely on Size.
func Open(r io.ReaderAt, e Entry) (io.Reader, error) {
	in, err := content(r, e)
	if err != nil {
		return nil, err
	}
	switch e.Method {
	case Stored:
		return in, nil
	case Deflated:
		return flate.NewReader(in), nil
	}
	return nil, fmt.Errorf("an entry is compressed by the method %d, which is not known", e.Method)
}

// ReadFile returns an entry's content of at most limit bytes. It must be as long,
// and have the checksum, that the directory says.
func ReadFile(r io.ReaderAt, e Entry, limit int64) ([]byte, error) {
	if e.Size > limit {
		return nil, fmt.Errorf("an entry has %d bytes, more than %d", e.Size, limit)
	}
	in, err := Open(r, e)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(in, e.Size+1))
	if err != nil && isDamage(err) || err == nil && (int64(len(data)) != e.Size || crc32.ChecksumIEEE(data) != e.CRC) {
		return nil, ErrFormat
	}
	return data, err
}

func isDamage(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF)
}
