package pdf

import (
	"bytes"
	"fmt"
)

// Color is red, green and blue, each from 0 to 1.
type Color [3]float64

// Gray is a gray from 0 (black) to 1 (white).
func Gray(v float64) Color { return Color{v, v, v} }

// Canvas is the content of a page under construction. Places are measured from
// the page's upper left corner.
type Canvas struct {
	out   bytes.Buffer
	links []link
}

type link struct {
	x, y, width, height float64
	page                int
	top                 float64
}

// Text writes a line of text whose base line begins at (x, y). Characters that the
// font does not have are left out: ask Font.Has.
func (c *Canvas) Text(f *Font, size float64, color Color, x, y float64, s string) {
	if s != "" {
		c.show(f, size, color, x, Height-y, s)
	}
}

func (c *Canvas) show(f *Font, size float64, color Color, x, y float64, s string) {
	fmt.Fprintf(&c.out, "BT /%s %.2f Tf %s rg %.2f %.2f Td <", f.name, size, color, x, y)
	for _, r := range s {
		if g, ok := f.use(r); ok {
			const digits = "0123456789ABCDEF"
			c.out.Write([]byte{digits[g>>12], digits[g>>8&15], digits[g>>4&15], digits[g&15]})
		}
	}
	c.out.WriteString("> Tj ET\n")
}

// Rectangle fills a rectangle whose upper left corner is at (x, y).
func (c *Canvas) Rectangle(color Color, x, y, width, height float64) {
	fmt.Fprintf(&c.out, "%s rg %.2f %.2f %.2f %.2f re f\n", color, x, Height-y-height, width, height)
}

// Line draws a horizontal line.
func (c *Canvas) Line(color Color, x, y, width, thickness float64) {
	c.Rectangle(color, x, y-thickness/2, width, thickness)
}

// Link makes a rectangle of the page lead to a place of another.
func (c *Canvas) Link(x, y, width, height float64, page int, top float64) {
	c.links = append(c.links, link{x, y, width, height, page, top})
}

// TotalSize is the size of the text of Total.
const TotalSize = 7.5

// Total writes how many pages the document has, in its first font, with the base
// line at (x, y).
func (c *Canvas) Total(x, y float64) {
	fmt.Fprintf(&c.out, "q 1 0 0 1 %.2f %.2f cm /Total Do Q\n", x, Height-y-2)
}

func (c Color) String() string { return fmt.Sprintf("%.3f %.3f %.3f", c[0], c[1], c[2]) }
