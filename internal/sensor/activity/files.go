//go:build linux

package activity

import (
	"fmt"

	"assay/internal/telemetry"
)

// uses is how files were used.
type uses map[file]use

type use struct{ executed, mapped, root bool }

// note adds a use to those that are known.
func (u uses) note(id file, more use) {
	was := u[id]
	u[id] = use{was.executed || more.executed, was.mapped || more.mapped, was.root || more.root}
}

// tellFiles tells of the files that were executed or mapped what the sensor of programs
// tells of those that are in use; of root's the folders above, too.
func (o *observation) tellFiles(put func(telemetry.Record) error) error {
	for id, use := range o.uses {
		f := o.namer.looker.get(id)
		if f == nil {
			continue
		}
		if use.root {
			for _, folder := range o.namer.looker.above(f) {
				if err := o.emit(folder); err != nil {
					return err
				}
			}
		}
		r := f.Program
		r.Executed, r.Mapped, r.Root = use.executed, use.mapped, use.root
		if p, _ := o.namer.lookup(id); !p.unverified {
			r.Package = p.owner
		}
		if err := put(&r); err != nil {
			return err
		}
	}
	return nil
}

// doubtFiles tells how many could not be looked at.
func (o *observation) doubtFiles() {
	missed := 0
	for id := range o.uses {
		if o.namer.looker.get(id) == nil {
			missed++
		}
	}
	if missed > 0 {
		o.doubts.add(fmt.Sprintf("%d of %d files that were executed or mapped were over before they could be looked at", missed, len(o.uses)), files)
	}
	if reason := o.namer.looker.shortcoming(); reason != "" {
		o.doubts.add("not all files that were executed or mapped were looked at: "+reason, files)
	}
}
