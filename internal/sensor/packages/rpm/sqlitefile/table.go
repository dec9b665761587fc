package sqlitefile

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxDepth bounds the levels of a tree: SQLite's own limit.
const maxDepth = 20

// Visit is called once a row. The row is valid until Visit returns. An error ends
// the walk and is returned.
type Visit func(r *Row) error

// Rows visits the rows of the table whose tree has its root at page root, in the
// order of their rowids. One walk reads each page of the database at most once.
func (f *File) Rows(root uint32, visit Visit) error {
	f.budget = int64(f.pages)
	return f.walk(root, 0, visit)
}

// Table returns the root page of a table.
func (f *File) Table(name string) (uint32, error) {
	var root uint32
	err := f.Rows(1, func(r *Row) error {
		kind, err := r.Text(0, 16)
		if err != nil || kind != "table" {
			return err
		}
		if got, err := r.Text(1, 256); err != nil || got != name {
			return err
		}
		n, err := r.Int(3)
		if err != nil {
			return err
		}
		if n < 1 || n > int64(f.pages) {
			return corrupt("table %s has its root at page %d of %d", name, n, f.pages)
		}
		root = uint32(n)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read the schema: %w", err)
	}
	if root == 0 {
		return 0, corrupt("it has no table %s", name)
	}
	return root, nil
}

// walk visits the tree below a page, depth-first.
func (f *File) walk(number uint32, depth int, visit Visit) error {
	if depth > maxDepth {
		return corrupt("a tree has more than %d levels", maxDepth)
	}
	page := make([]byte, f.pageSize)
	if err := f.page(number, page); err != nil {
		return err
	}
	page = page[:f.usable]
	head := page
	if number == 1 {
		head = page[headerSize:]
	}
	cells := int(binary.BigEndian.Uint16(head[3:]))
	switch kind := head[0]; kind {
	case 0x0d:
		return f.leaf(number, page, head[8:], cells, visit)
	case 0x05:
		return f.interior(page, head, cells, depth, visit)
	default:
		return corrupt("page %d is of type %d, not a table's", number, kind)
	}
}

func (f *File) interior(page, head []byte, cells, depth int, visit Visit) error {
	pointers := head[12:]
	for i := range cells {
		if 2*i+2 > len(pointers) {
			return corrupt("a page has %d cells", cells)
		}
		at := int(binary.BigEndian.Uint16(pointers[2*i:]))
		if at+4 > len(page) {
			return corrupt("a cell is not within its page")
		}
		if err := f.walk(binary.BigEndian.Uint32(page[at:]), depth+1, visit); err != nil {
			return err
		}
	}
	return f.walk(binary.BigEndian.Uint32(head[8:]), depth+1, visit)
}

func (f *File) leaf(number uint32, page, pointers []byte, cells int, visit Visit) error {
	room := len(page) // so that cells that overlap can't make a small page a long walk
	for i := range cells {
		if 2*i+2 > len(pointers) {
			return corrupt("page %d has %d cells", number, cells)
		}
		at := int(binary.BigEndian.Uint16(pointers[2*i:]))
		if at >= len(page) {
			return corrupt("a cell is not within page %d", number)
		}
		row, err := f.row(page[at:])
		if err != nil {
			return err
		}
		if room -= len(row.body.part); room < 0 {
			return corrupt("the cells of page %d overlap", number)
		}
		if err := visit(row); err != nil {
			return err
		}
	}
	return nil
}

// row takes the cell of a leaf apart.
func (f *File) row(cell []byte) (*Row, error) {
	size, n := varint(cell)
	id, m := varint(cell[n:])
	if n == 0 || m == 0 {
		return nil, corrupt("a cell is cut off")
	}
	cell = cell[n+m:]
	if size > uint64(f.pages)*uint64(f.usable) {
		return nil, corrupt("a row has %d bytes, more than the database", size)
	}
	p := &payload{f: f, size: int64(size), left: int64(size)}
	local := f.local(int64(size))
	if local > len(cell) {
		return nil, corrupt("a row is cut off")
	}
	p.part = cell[:local]
	if int64(local) < int64(size) {
		if local+4 > len(cell) {
			return nil, corrupt("a row is cut off")
		}
		p.next = binary.BigEndian.Uint32(cell[local:])
	}
	return &Row{ID: int64(id), body: p}, nil
}

// local is how much of a row of that size stands in the leaf itself.
func (f *File) local(size int64) int {
	most := int64(f.usable - 35)
	if size <= most {
		return int(size)
	}
	least := int64((f.usable-12)*32/255 - 23)
	if k := least + (size-least)%int64(f.usable-4); k <= most {
		return int(k)
	}
	return int(least)
}

// varint decodes SQLite's variable-length integer: big-endian, seven bits a
// byte, the ninth with all eight. It returns 0 bytes where b ends before it.
func varint(b []byte) (value uint64, n int) {
	for n < len(b) && n < 8 {
		value = value<<7 | uint64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return value, n
		}
	}
	if n == 8 && len(b) > 8 {
		return value<<8 | uint64(b[8]), 9
	}
	return 0, 0
}

// payload reads a row's bytes, from the leaf and then along its chain.
type payload struct {
	f    *File
	size int64
	left int64  // not yet returned by Read
	part []byte // of the current page
	next uint32 // the page after it
	page []byte
}

// Read implements io.Reader.
func (p *payload) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if len(p.part) == 0 {
		if p.page == nil {
			p.page = make([]byte, p.f.pageSize)
		}
		if err := p.f.page(p.next, p.page); err != nil {
			return 0, err
		}
		p.next = binary.BigEndian.Uint32(p.page)
		p.part = p.page[4:p.f.usable]
	}
	n := copy(b[:min(int64(len(b)), p.left)], p.part)
	p.part = p.part[n:]
	p.left -= int64(n)
	return n, nil
}
