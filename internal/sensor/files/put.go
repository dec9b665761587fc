package files

import (
	"fmt"

	"assay/internal/telemetry"
)

// put emits a record once.
func (c *collection) put(rec *telemetry.File) error {
	name := rec.Path
	if rec.Raw != nil {
		name = string(rec.Raw)
	}
	if c.seen[name] || c.full {
		return nil
	}
	c.seen[name] = true
	if rec.Problem != "" {
		Named(rec)
	}
	return c.send(rec)
}

func (c *collection) send(rec *telemetry.File) error {
	if len(c.only) > 0 && !telemetry.InScope(c.only, rec.Path) {
		return nil
	}
	if c.count++; c.count > maxFiles {
		c.full = true
		c.missing = append(c.missing, fmt.Sprintf("the scope has more than %d files; those after %s were not looked at", maxFiles, rec.Path))
		return nil
	}
	return c.emit(rec)
}

// unlisted says of a folder, whose record was put before, why nothing is known of
// what is in it. The later record replaces the earlier.
func (c *collection) unlisted(rec *telemetry.File, err error) error {
	if rec == nil || c.full {
		return nil
	}
	name := "unlisted " + rec.Path
	if c.seen[name] {
		return nil
	}
	c.seen[name] = true
	again := *rec
	again.Unlisted = reason(err)
	return c.send(&again)
}
