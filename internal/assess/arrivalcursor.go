package assess

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"assay/internal/inspector"
)

// A cursor says up to where the arrivals of a run were told, for each of its hosts: so
// it holds on every replica, over restarts, and skips nothing that was committed out of
// the order of clocks. It is opaque to who holds it, and worth nothing to who changes
// it: it opens no more than the run that it was asked for.
type cursor struct {
	first int // the host to begin with, so that none waits behind busier ones
	hosts []hostCursor
}

// hostCursor is what was told of a host.
type hostCursor struct {
	sequence int64 // the last segment that was told wholly
	records  int64 // that were told or passed over of the next
	news     byte  // what was told of the host itself; 0: nothing
}

// cursorForm is the version of the encoding; it is followed by a mark of the run and its
// hosts, and by numbers (varints).
const (
	cursorForm = 1
	markSize   = 8
)

// markOf tells the hosts of a run from those of another, and from another choice of them.
func markOf(run string, parts []inspector.RunAgent) []byte {
	h := sha256.New()
	h.Write([]byte(run))
	for _, p := range parts {
		h.Write([]byte("\x00" + p.Agent))
	}
	return h.Sum(nil)[:markSize]
}

func (c *cursor) encode(run string, parts []inspector.RunAgent) string {
	out := append([]byte{cursorForm}, markOf(run, parts)...)
	out = binary.AppendUvarint(out, uint64(c.first))
	for _, h := range c.hosts {
		out = binary.AppendUvarint(out, uint64(h.sequence))
		out = binary.AppendUvarint(out, uint64(h.records))
		out = append(out, h.news)
	}
	return base64.RawURLEncoding.EncodeToString(out)
}

// decodeCursor reads a cursor of these parts of a run; "" is the beginning.
func decodeCursor(text, run string, parts []inspector.RunAgent) (*cursor, error) {
	c := &cursor{hosts: make([]hostCursor, len(parts))}
	if text == "" {
		return c, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	head := append([]byte{cursorForm}, markOf(run, parts)...)
	if err != nil || len(data) < len(head) || string(data[:len(head)]) != string(head) {
		return nil, badCursor()
	}
	n := numbers{data: data[len(head):]}
	c.first = int(n.next(int64(max(len(parts)-1, 0))))
	for i := range c.hosts {
		c.hosts[i] = hostCursor{sequence: n.next(parts[i].Segments), records: n.next(segmentLimits.Records), news: n.byte()}
	}
	if n.bad || len(n.data) > 0 {
		return nil, badCursor()
	}
	return c, nil
}

func badCursor() error {
	return inspector.Errorf(inspector.InvalidInput, "INVALID_PAGINATION_TOKEN", "nextToken is not one that was given out for this run and these hosts")
}

// numbers reads the numbers of a cursor.
type numbers struct {
	data []byte
	bad  bool
}

// next is the next number; one above most is none.
func (n *numbers) next(most int64) int64 {
	v, size := binary.Uvarint(n.data)
	if size <= 0 || v > uint64(most) {
		n.bad = true
		return 0
	}
	n.data = n.data[size:]
	return int64(v)
}

func (n *numbers) byte() byte {
	if len(n.data) == 0 {
		n.bad = true
		return 0
	}
	b := n.data[0]
	n.data = n.data[1:]
	return b
}
