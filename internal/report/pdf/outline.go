package pdf

// bookmark is an entry of the outline that a viewer shows beside the pages.
type bookmark struct {
	level, page int
	y           float64
	title       string
}

// MaxBookmarks bounds the outline: viewers become slow with more, and each is held
// until the end.
const MaxBookmarks = 5000

// Bookmark adds an entry to the outline: level 1 is the outermost; page is the
// page's number, y the place on it from the top. Beyond MaxBookmarks it does
// nothing.
func (w *Writer) Bookmark(level, page int, y float64, title string) {
	if len(w.marks) < MaxBookmarks {
		w.marks = append(w.marks, bookmark{level, page, y, title})
	}
}

// outline writes the outline and returns its object. An entry's children are
// those that follow it with a deeper level.
func (w *Writer) outline() int {
	root := w.reserve()
	objects := make([]int, len(w.marks))
	for i := range w.marks {
		objects[i] = w.reserve()
	}
	links := w.family()
	for i, m := range w.marks {
		l := links[i]
		w.offsets[objects[i]-1] = w.written
		w.print("%d 0 obj\n<< /Title %s /Dest [%d 0 R /XYZ null %.1f null]", objects[i], text(m.title), w.pages[m.page-1], Height-m.y)
		for _, relation := range []struct {
			name  string
			index int
		}{{"Parent", l.parent}, {"Prev", l.previous}, {"Next", l.next}, {"First", l.first}, {"Last", l.last}} {
			if relation.index >= 0 {
				w.print(" /%s %d 0 R", relation.name, objects[relation.index])
			} else if relation.name == "Parent" {
				w.print(" /Parent %d 0 R", root)
			}
		}
		if l.children > 0 {
			w.print(" /Count %d", -l.children) // closed at first
		}
		w.print(" >>\nendobj\n")
	}
	first, last, count := -1, -1, 0
	for i, l := range links {
		if l.parent < 0 {
			if first < 0 {
				first = i
			}
			last, count = i, count+1
		}
	}
	if count == 0 {
		w.object(root, "<< /Type /Outlines >>")
	} else {
		w.object(root, "<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>", objects[first], objects[last], count)
	}
	return root
}

// relatives are indexes among the bookmarks, -1 for none.
type relatives struct{ parent, previous, next, first, last, children int }

// family finds the relatives of each bookmark.
func (w *Writer) family() []relatives {
	links := make([]relatives, len(w.marks))
	var open []int // the last entry of each level, outermost first
	for i, m := range w.marks {
		links[i] = relatives{-1, -1, -1, -1, -1, 0}
		for len(open) > 0 && w.marks[open[len(open)-1]].level > m.level {
			open = open[:len(open)-1]
		}
		if n := len(open); n > 0 && w.marks[open[n-1]].level == m.level {
			links[i].previous, links[open[n-1]].next = open[n-1], i
			open = open[:n-1]
		}
		if n := len(open); n > 0 {
			parent := &links[open[n-1]]
			links[i].parent, parent.last = open[n-1], i
			if parent.first < 0 {
				parent.first = i
			}
			parent.children++
		}
		open = append(open, i)
	}
	return links
}
