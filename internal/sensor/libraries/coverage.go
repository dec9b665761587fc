package libraries

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// maxNamed is how many of the files that could not be read are named.
const maxNamed = 3

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
	g.first = append(g.first, fmt.Sprintf("%s: %s", strings.ToValidUTF8(name, "\uFFFD"), reason(why)))
}

// maxReason bounds what an error may say: some quote what they stumbled over, and
// that is a file's content.
const maxReason = 200

func reason(err error) string { return fmt.Sprintf("%.*s", maxReason, err.Error()) }

func (g *gap) String() string {
	text := fmt.Sprintf("%d files could not be read: %s", g.files, strings.Join(g.first, "; "))
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
		missing := c.missing[:len(c.missing):len(c.missing)]
		if g := c.gaps[ecosystem]; g != nil {
			missing = append(missing, g.String())
			all = append(all, ecosystem+": "+g.String())
		}
		p := sensor.Covered(missing)
		parts = append(parts, telemetry.Part{Name: ecosystem, State: p.State, Reason: p.Reason})
	}
	cover := sensor.Covered(append(c.missing[:len(c.missing):len(c.missing)], all...))
	cover.Parts = parts
	return cover
}
