package sqlitefile

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	logHeaderSize   = 32
	frameHeaderSize = 24
	logVersion      = 3007000

	// maxFrames bounds the log that is followed: 1 GiB of pages of 4 KiB.
	maxFrames = 256 << 10
)

// checksum is SQLite's: two sums over pairs of 32-bit words.
type checksum struct {
	order  binary.ByteOrder
	s1, s2 uint32
}

func (c *checksum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		c.s1 += c.order.Uint32(b) + c.s2
		c.s2 += c.order.Uint32(b[4:]) + c.s1
	}
}

func (c *checksum) matches(b []byte) bool {
	return binary.BigEndian.Uint32(b) == c.s1 && binary.BigEndian.Uint32(b[4:]) == c.s2
}

// readLog finds the committed frames. A log that is not valid from its header on
// is one that SQLite would overwrite: it holds nothing.
func (f *File) readLog() error {
	if f.wal.Size < logHeaderSize {
		return nil
	}
	var h [logHeaderSize]byte
	if n, err := f.wal.ReadAt(h[:], 0); n < len(h) {
		if err == io.EOF {
			return nil
		}
		return fmt.Errorf("read the header of the write-ahead log: %w", err)
	}
	sum := checksum{order: binary.LittleEndian}
	switch binary.BigEndian.Uint32(h[:]) {
	case 0x377f0682:
	case 0x377f0683:
		sum.order = binary.BigEndian
	default:
		return nil
	}
	if sum.add(h[:24]); !sum.matches(h[24:]) {
		return nil
	}
	if v := binary.BigEndian.Uint32(h[4:]); v != logVersion {
		return fmt.Errorf("the write-ahead log has version %d; this program reads %d", v, logVersion)
	}
	if n := pageSize(binary.BigEndian.Uint32(h[8:])); n != f.pageSize {
		return corrupt("the write-ahead log has pages of %d bytes, the database of %d", n, f.pageSize)
	}
	return f.readFrames(sum, [8]byte(h[16:24]))
}

// readFrames follows the frames as long as salts and checksums match.
func (f *File) readFrames(sum checksum, salt [8]byte) error {
	type frame struct {
		page uint32
		at   int64
	}
	var open []frame // since the last commit
	f.frames = map[uint32]int64{}
	buf := make([]byte, frameHeaderSize+f.pageSize)
	at := int64(logHeaderSize)
	for n := 0; at+int64(len(buf)) <= f.wal.Size; n++ {
		if n == maxFrames {
			return fmt.Errorf("the write-ahead log has more than %d frames", maxFrames)
		}
		if got, err := f.wal.ReadAt(buf, at); got < len(buf) {
			if err == io.EOF {
				return nil
			}
			return fmt.Errorf("read the write-ahead log: %w", err)
		}
		sum.add(buf[:8])
		sum.add(buf[frameHeaderSize:])
		page := binary.BigEndian.Uint32(buf)
		if page == 0 || [8]byte(buf[8:16]) != salt || !sum.matches(buf[16:]) {
			return nil
		}
		open = append(open, frame{page, at + frameHeaderSize})
		if size := binary.BigEndian.Uint32(buf[4:]); size != 0 {
			for _, fr := range open {
				f.frames[fr.page] = fr.at
			}
			open, f.pages = open[:0], size
		}
		at += int64(len(buf))
	}
	return nil
}
