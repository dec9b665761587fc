package host

import (
	"cmp"
	"slices"

	"assay/internal/telemetry"
)

// program is what makes two records of programs tell of the same file.
type program struct {
	device, inode, mountNS uint64
	path                   string
}

func programOf(p *telemetry.Program) program {
	return program{p.Device, p.Inode, p.MountNS, p.Path}
}

// addProgram adds a file that is in use, or was while the run went on.
func (h *Host) addProgram(p *telemetry.Program) {
	if p.Sensor == telemetry.SensorActivity {
		h.used[programOf(p)] = p
		return
	}
	c := *p
	h.programs.add(&c, p.Seen, h.epoch(p.Sensor), func(old *telemetry.Program) {
		c.First = old.First
		merge(&c, old)
	})
}

// merge adds what else is known of a file: who has executed it once, has.
func merge(p, also *telemetry.Program) {
	p.Executed, p.Mapped, p.Root = p.Executed || also.Executed, p.Mapped || also.Mapped, p.Root || also.Root
	if len(p.Above) == 0 {
		p.Above = also.Above
	}
}

// Programs are the files that processes execute or have mapped executable, and those that
// were executed or mapped so while the run went on, as far as they could be looked at:
// each once. The answer is complete if it is of the last look; of the others part "looks"
// tells, and of what was executed part "programs" of the sensor activity.
func (h *Host) Programs() All[*telemetry.Program] {
	values := slices.Clone(h.programs.values)
	known := make(map[program]bool, len(values))
	for i, p := range values {
		id := programOf(p)
		known[id] = true
		if also := h.used[id]; also != nil {
			both := *p
			merge(&both, also)
			values[i] = &both
		}
	}
	var more []*telemetry.Program
	for id, p := range h.used {
		if !known[id] {
			more = append(more, p)
		}
	}
	slices.SortFunc(more, func(a, b *telemetry.Program) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Container, b.Container), cmp.Compare(a.MountNS, b.MountNS), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Inode, b.Inode))
	})
	return all(h, telemetry.SensorPrograms, "", append(values, more...))
}
