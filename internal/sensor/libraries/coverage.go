package libraries

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

const (
	maxNamed  = 3   // of the files that could not be read
	maxReason = 300 // bytes of a path, and of an error
)

// gap is what is missing of an ecosystem.
type gap struct {
	files int
	first []string
}

func (c *collection) gap(ecosystem string) *gap {
	if c.gaps[ecosystem] == nil {
		c.gaps[ecosystem] = &gap{}
	}
	return c.gaps[ecosystem]
}

func (g *gap) add(name string, why error) {
	if g.files++; g.files > maxNamed {
		return
	}
	var failed *fs.PathError
	if errors.As(why, &failed) {
		why = failed.Err // which has no path of its own
	}
	g.first = append(g.first, fmt.Sprintf("%.*s: %.*s", maxReason, strings.ToValidUTF8(name, "\uFFFD"), maxReason, why.Error()))
}

func (g *gap) String() string {
	files := "files"
	if g.files == 1 {
		files = "file"
	}
	text := fmt.Sprintf("%d %s could not be read: %s", g.files, files, strings.Join(g.first, "; "))
	if g.files > maxNamed {
		text += fmt.Sprintf("; and %d more", g.files-maxNamed)
	}
	return text
}

// coverage is complete if all was looked at. An ecosystem of which no file was
// found is complete as well: that there is none is what the walk has seen.
func (c *collection) coverage() telemetry.Coverage {
	var all []string
	var parts []telemetry.Part
	for _, ecosystem := range ecosystems {
		var missing []string
		if g := c.gaps[ecosystem]; g != nil {
			missing = append(missing, g.String())
			all = append(all, ecosystem+": "+g.String())
		}
		p := sensor.Covered(append(missing, c.missing...))
		parts = append(parts, telemetry.Part{Name: ecosystem, State: p.State, Reason: p.Reason})
	}
	cover := sensor.Covered(append(c.missing[:len(c.missing):len(c.missing)], all...))
	cover.Parts = parts
	return cover
}
