package index

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"

	"assay/internal/durable"
)

// part is a section that is being written, in a file of its own.
type part struct {
	f    *os.File
	w    *bufio.Writer
	size uint64
	sum  uint32
	err  error // the first failure; what follows is lost
}

func (p *part) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.w.Write(b)
	p.err = err
	p.size += uint64(n)
	p.sum = crc32.Update(p.sum, castagnoli, b[:n])
	return n, err
}

// tableWriter writes the sections of a file, and then the file.
type tableWriter struct {
	parts  [sections]*part
	counts [sections]uint32
	hashes []uint64          // of the names
	known  map[string]uint32 // texts that were written lately
	err    error
}

// What is remembered of texts, to write each once. What falls out is written again.
const (
	knownTexts  = 1 << 16
	longestText = 128 // that is remembered
)

func newTableWriter(dir string) (*tableWriter, error) {
	w := &tableWriter{known: map[string]uint32{}}
	for s := range sections {
		f, err := os.Create(filepath.Join(dir, s.String()))
		if err != nil {
			return nil, errors.Join(err, w.close())
		}
		w.parts[s] = &part{f: f, w: bufio.NewWriterSize(f, 1<<16)}
	}
	w.reset()
	return w, nil
}

func (w *tableWriter) close() error {
	var errs []error
	for _, p := range w.parts {
		if p != nil {
			errs = append(errs, p.f.Close())
		}
	}
	return errors.Join(errs...)
}

// reset begins a new file.
func (w *tableWriter) reset() {
	for s, p := range w.parts {
		_, seekErr := p.f.Seek(0, io.SeekStart)
		w.fail(errors.Join(seekErr, p.f.Truncate(0)))
		p.w.Reset(p.f)
		*p = part{f: p.f, w: p.w}
		w.counts[s] = 0
	}
	w.hashes = w.hashes[:0]
	clear(w.known)
	w.parts[texts].Write([]byte{0})
}

func (w *tableWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// entry appends an entry, and returns its number.
func (w *tableWriter) entry(s section, e []byte) uint32 {
	n := w.counts[s]
	if n == math.MaxUint32 {
		w.fail(fmt.Errorf("the index would have more than %d %s", n, s))
		return 0
	}
	w.counts[s]++
	w.parts[s].Write(e)
	return n
}

// text is where a text is, which is written if it was not lately.
func (w *tableWriter) text(s []byte) uint32 {
	if len(s) == 0 {
		return 0
	}
	if at, ok := w.known[string(s)]; ok {
		return at
	}
	p := w.parts[texts]
	at := p.size
	if at > math.MaxUint32 {
		w.fail(errors.New("the texts of the index would have more than 4 GiB"))
		return 0
	}
	var length [binary.MaxVarintLen64]byte
	p.Write(binary.AppendUvarint(length[:0], uint64(len(s))))
	p.Write(s)
	if len(s) <= longestText {
		if len(w.known) == knownTexts {
			clear(w.known)
		}
		w.known[string(s)] = uint32(at)
	}
	return uint32(at)
}

// list appends a list to an entry.
func (w *tableWriter) list(e []byte, all []string) []byte {
	first := w.counts[lists]
	for _, s := range all {
		var ref [listSize]byte
		binary.LittleEndian.PutUint32(ref[:], w.text([]byte(s)))
		w.entry(lists, ref[:])
	}
	return numbers(e, first, uint32(len(all)))
}

// name ends the rows of a name, whose bounds are in a list.
func (w *tableWriter) name(name []byte, first, bounds, count uint32) {
	w.hashes = append(w.hashes, xxhash.Sum64(name))
	w.entry(names, numbers(nil, w.text(name), first, w.counts[rows]-first, bounds, count))
}

func numbers(e []byte, all ...uint32) []byte {
	for _, n := range all {
		e = binary.LittleEndian.AppendUint32(e, n)
	}
	return e
}

// writeSlots writes the hash table.
func (w *tableWriter) writeSlots() {
	n := uint64(1)
	for n < 2*uint64(len(w.hashes)) {
		n *= 2
	}
	table := make([]uint64, n)
	for number, hash := range w.hashes {
		at := hash & (n - 1)
		for table[at] != 0 {
			at = (at + 1) & (n - 1)
		}
		table[at] = hash>>32<<32 | uint64(number+1)
	}
	for _, slot := range table {
		var e [slotSize]byte
		binary.LittleEndian.PutUint64(e[:], slot)
		w.parts[slots].Write(e[:])
	}
}

// finish writes the file into a folder, under a name with its hash in it.
func (w *tableWriter) finish(dir, stem string, k kind) (File, error) {
	w.writeSlots()
	for _, p := range w.parts {
		w.fail(p.err)
		w.fail(p.w.Flush())
	}
	if w.err != nil {
		return File{}, w.err
	}
	header := w.header(k)
	sum := sha256.New()
	if err := w.copy(sum, header); err != nil {
		return File{}, err
	}
	f := File{Size: int64(u64(header, 16)), SHA256: hex.EncodeToString(sum.Sum(nil)), Names: w.counts[names], Rows: w.counts[rows], Advisories: w.counts[advisories]}
	f.File = stem + "-" + f.SHA256[:16] + suffix
	name := filepath.Join(dir, f.File)
	if f.verify(name) == nil {
		return f, nil // it was there in the last set, too
	}
	return f, durable.Replace(name, func(file *os.File) error { return w.copy(file, header) })
}

func (w *tableWriter) header(k kind) []byte {
	h := append([]byte(nil), magic...)
	h = numbers(h, formatVersion, uint32(k))
	h = append(h, make([]byte, 8)...)
	next := uint64(headerSize)
	for _, p := range w.parts {
		h = binary.LittleEndian.AppendUint64(h, next)
		h = binary.LittleEndian.AppendUint64(h, p.size)
		h = numbers(h, p.sum, 0)
		next += p.size
	}
	binary.LittleEndian.PutUint64(h[16:], next)
	return numbers(h, crc32.Checksum(h, castagnoli), 0)
}

// copy writes the header and the sections.
func (w *tableWriter) copy(to io.Writer, header []byte) error {
	if _, err := to.Write(header); err != nil {
		return err
	}
	for _, p := range w.parts {
		if _, err := p.f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if n, err := io.Copy(to, p.f); err != nil || uint64(n) != p.size {
			return errors.Join(fmt.Errorf("copied %d of %d bytes of %s", n, p.size, p.f.Name()), err)
		}
	}
	return nil
}
