package updateinfo

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// MaxRecord bounds an update, in bytes.
const MaxRecord = 16 << 20

// Reader reads the files of one release.
type Reader struct {
	// Ecosystem is what the packages are of: "Amazon Linux:2023", "Rocky
	// Linux:9". Empty: as Amazon's ids say.
	Ecosystem string
}

type update struct {
	Type     string   `xml:"type,attr"`
	Status   string   `xml:"status,attr"`
	IDs      []string `xml:"id"`
	Title    string   `xml:"title"`
	Summary  string   `xml:"summary"`
	Severity string   `xml:"severity"`
	Issued   date     `xml:"issued"`
	Updated  date     `xml:"updated"`

	References  []reference  `xml:"references>reference"`
	Collections []collection `xml:"pkglist>collection"`
}

type date struct {
	Date string `xml:"date,attr"`
}

type reference struct {
	ID    string `xml:"id,attr"`
	Type  string `xml:"type,attr"`
	Href  string `xml:"href,attr"`
	Title string `xml:"title,attr"`
}

type collection struct {
	Short  string `xml:"short,attr"`
	Module *struct {
		Name   string `xml:"name,attr"`
		Stream string `xml:"stream,attr"`
	} `xml:"module"`
	Packages []pack `xml:"package"`
}

type pack struct {
	Name    string `xml:"name,attr"`
	Epoch   string `xml:"epoch,attr"`
	Version string `xml:"version,attr"`
	Release string `xml:"release,attr"`
	Arch    string `xml:"arch,attr"`
}

// Read reads one file; it is a feed.Reader.
func (u Reader) Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	plain, free, err := feed.Stream(ctx, r)
	if err != nil {
		return err
	}
	defer free()
	parts := feed.NewParts(plain, MaxRecord)
	in := xml.NewDecoder(parts)
	depth, n, rooted := 0, 0, false
	for {
		parts.Next()
		token, err := in.Token()
		if errors.Is(err, io.EOF) && rooted && depth == 0 {
			return nil
		} else if err != nil {
			return at(in, fmt.Errorf("after update %d: %w", n, unexpected(err)))
		}
		switch t := token.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			if depth == 0 && (rooted || t.Name.Local != "updates") {
				return at(in, fmt.Errorf("the element %.40q is not the list of updates", t.Name.Local))
			}
			if depth == 0 {
				rooted, depth = true, 1
				continue
			}
			if t.Name.Local != "update" {
				return at(in, fmt.Errorf("after update %d: the element %.40q is no update", n, t.Name.Local))
			}
			n++
			if err := u.update(in, &t, emit); err != nil {
				return at(in, fmt.Errorf("update %d: %w", n, err))
			}
		}
	}
}

func at(in *xml.Decoder, err error) error {
	line, column := in.InputPos()
	return fmt.Errorf("line %d, column %d: %w", line, column, err)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (u Reader) update(in *xml.Decoder, start *xml.StartElement, emit advisory.Emit) error {
	var from update
	if err := in.DecodeElement(&from, start); err != nil {
		return unexpected(err)
	}
	if len(from.IDs) != 1 || from.IDs[0] == "" {
		return fmt.Errorf("it has %d ids, not one", len(from.IDs))
	}
	r, err := u.record(&from, emit)
	if err != nil {
		return fmt.Errorf("%.80q: %w", from.IDs[0], err)
	}
	if r == nil {
		return nil
	}
	return emit.Put(*r)
}
