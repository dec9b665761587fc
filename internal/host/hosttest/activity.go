package hosttest

import (
	"fmt"
	"path"
	"strings"
	"time"

	"assay/internal/telemetry"
)

// began and ended are those of an observation; what it counts was in its second half.
var (
	began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ended = began.Add(time.Hour)
)

// machines are the values of e_machine that descriptions name.
var machines = map[string]uint16{"x86": 3, "x86_64": 62, "arm64": 183}

func (p *parser) program(w []string) {
	r := &telemetry.Program{ELF: &telemetry.ELF{Machine: 62, Bits: 64, Kind: "pie", Stack: "protected", RELRO: "full"}}
	w = p.each(w, func(name, value string) bool {
		switch name {
		case "elf":
			p.elf(r, value)
		case "package":
			r.Package = value
		case "container":
			r.Container, r.MountNS = value, p.mountNS(value)
		case "problem":
			r.Problem, r.ELF = value, nil
		case "deleted":
			r.Deleted = value == "true"
		case "mapped":
			r.Mapped = value == "true"
		case "seen":
			r.Gone, _ = p.seen(&r.Seen, value)
		default:
			return false
		}
		return true
	})
	if len(w) == 5 && w[1] == "root" {
		r.Root = true
		w = append(w[:1], w[2:]...)
	}
	if len(w) != 4 {
		p.err = fmt.Errorf("needs a path, root if it is root's, a mode, a uid and a gid")
		return
	}
	r.Path, r.Mode, r.UID, r.GID = w[0], uint32(p.number(w[1], 8)), p.id(w[2]), p.id(w[3])
	r.Executed = !r.Mapped
	r.Device, r.Inode = 1, uint64(5000+p.next(telemetry.TypeProgram))
	if r.Problem != "" {
		r.Device, r.Inode = 0, 0 // nothing was asked of the file
	} else if r.Root && r.Container == "" {
		p.above(r)
	}
	p.file, p.holder = nil, r
	p.add(telemetry.SensorPrograms, r)
}

// elf reads "stack:missing,machine:x86,go", or "none".
func (p *parser) elf(r *telemetry.Program, words string) {
	for word := range strings.SplitSeq(words, ",") {
		name, value, _ := strings.Cut(word, ":")
		switch name {
		case "none":
			r.ELF = nil
			return
		case "stack":
			r.ELF.Stack = value
		case "kind":
			r.ELF.Kind = value
		case "machine":
			r.ELF.Machine = machines[value]
		case "writable":
			r.ELF.Writable = true
		case "go":
			r.ELF.Go = true
		default:
			p.err = fmt.Errorf("%q is no property of an ELF file", word)
		}
	}
}

// above lists the folders above a program, and describes those that no line above has.
func (p *parser) above(r *telemetry.Program) {
	for at := path.Dir(r.Path); ; at = path.Dir(at) {
		r.Above = append(r.Above, at)
		if !p.folder(at) {
			p.add(telemetry.SensorPrograms, &telemetry.File{Path: at, Kind: telemetry.Directory, Mode: 0o755})
		}
		if at == "/" {
			return
		}
	}
}

func (p *parser) folder(name string) bool {
	for _, e := range p.snapshot.records {
		if f, ok := e.record.(*telemetry.File); ok && e.sensor == telemetry.SensorPrograms && f.Path == name {
			return true
		}
	}
	return false
}

// above is a folder above a program of root's.
func (p *parser) aboveRoot(w []string) {
	r := &telemetry.File{Path: w[0], Kind: telemetry.Directory, Mode: uint32(p.number(w[1], 8)), UID: p.id(w[2]), GID: p.id(w[3])}
	r.Problem = at(w, 4)
	p.file, p.holder = r, nil
	p.add(telemetry.SensorPrograms, r)
}

func (p *parser) execution(w []string) {
	r := &telemetry.Execution{Device: 1, Activity: activity(1)}
	w = p.each(w, func(name, value string) bool {
		return p.unverified(&r.Unverified, name, value) || p.counted(&r.Activity, name, value) || p.named(&r.Package, &r.Container, name, value)
	})
	if len(w) != 2 {
		p.err = fmt.Errorf("needs a program and a uid")
		return
	}
	r.Path, r.Name, r.UID, r.MountNS = w[0], path.Base(w[0]), p.id(w[1]), p.mountNS(r.Container)
	r.Inode = uint64(7000 + p.next(telemetry.TypeExecution))
	p.add(telemetry.SensorActivity, r)
}

func (p *parser) load(w []string) {
	r := &telemetry.Load{Device: 1, ByDevice: 1, Activity: activity(1)}
	w = p.each(w, func(name, value string) bool {
		return p.unverified(&r.Unverified, name, value) || p.counted(&r.Activity, name, value) || p.named(&r.Package, &r.Container, name, value)
	})
	if len(w) != 3 {
		p.err = fmt.Errorf("needs a file, a program and a uid")
		return
	}
	r.Path, r.By, r.Name, r.UID, r.MountNS = w[0], w[1], path.Base(w[1]), p.id(w[2]), p.mountNS(r.Container)
	r.Inode, r.ByInode = uint64(8000+p.next(telemetry.TypeLoad)), uint64(7000+len(w[1]))
	p.add(telemetry.SensorActivity, r)
}

func (p *parser) connection(w []string) {
	r := &telemetry.Connection{Device: 1, NetNS: 1, Activity: activity(1)}
	w = p.each(w, func(name, value string) bool {
		switch name {
		case "uid":
			r.UID = p.id(value)
		case "local":
			r.Local = value == "true"
		case "agent":
			r.Agent = value == "true"
		default:
			return p.counted(&r.Activity, name, value) || p.named(&r.Package, &r.Container, name, value)
		}
		return true
	})
	if len(w) != 3 {
		p.err = fmt.Errorf("needs a program, a remote address and a port")
		return
	}
	r.Name, r.Remote, r.Port = path.Base(w[0]), w[1], uint16(p.number(w[2], 10))
	if strings.HasPrefix(w[0], "/") {
		r.Path = w[0]
	}
	r.Inode = uint64(7000 + len(w[0]))
	p.add(telemetry.SensorActivity, r)
}

func (p *parser) accepting(w []string) {
	r := &telemetry.Accepting{Family: 4}
	w = p.each(w, func(name, value string) bool {
		switch name {
		case "family":
			r.Family = int(p.number(value, 10))
		case "listens":
			r.Listens = uint64(p.number(value, 10))
		default:
			return false
		}
		return true
	})
	if len(w) != 3 {
		p.err = fmt.Errorf("needs a port, how many connections were accepted, and how many from elsewhere")
		return
	}
	r.Port, r.Foreign = uint16(p.number(w[0], 10)), uint64(p.number(w[2], 10))
	if n := uint64(p.number(w[1], 10)); n > 0 {
		r.Activity = activity(n)
	}
	if r.Foreign > 0 {
		r.LastForeign = ended
	}
	p.add(telemetry.SensorActivity, r)
}

// spoken is a protocol on a port: of a server's that is named, else of the host's own.
// Without words nothing was: the first bytes of connections were looked at.
func (p *parser) spoken(w []string) {
	if p.snapshot = p.snapshot.Optional(telemetry.SensorProtocols); len(w) == 0 {
		return
	}
	r := &telemetry.Spoken{Family: 4, Activity: activity(1)}
	w = p.each(w, func(name, value string) bool { return p.counted(&r.Activity, name, value) })
	if len(w) != 2 && len(w) != 3 {
		p.err = fmt.Errorf("needs a protocol, a port, and a remote address if the host is the client")
		return
	}
	r.Protocol, r.Port = w[0], uint16(p.number(w[1], 10))
	if r.Remote = at(w, 2); r.Remote != "" {
		r.NetNS = 1 // as of connections
	}
	p.add(telemetry.SensorProtocols, r)
}

func (p *parser) observation(w []string) {
	r := &telemetry.Observation{Began: began, Ended: ended, Tier: "ebpf/core"}
	if w = p.options(w, texts{"tier": &r.Tier, "unsupported": &r.Unsupported}); len(w) != 0 {
		p.err = fmt.Errorf("has no words but options")
	}
	p.add(telemetry.SensorActivity, r)
}

func activity(n uint64) telemetry.Activity {
	return telemetry.Activity{Count: n, First: began.Add(30 * time.Minute), Last: ended}
}

func (p *parser) unverified(into *bool, name, value string) bool {
	if name == "unverified" {
		*into = value == "true"
	}
	return name == "unverified"
}

func (p *parser) counted(a *telemetry.Activity, name, value string) bool {
	if name == "count" {
		a.Count = uint64(p.number(value, 10))
	}
	return name == "count"
}

func (p *parser) named(pkg, container *string, name, value string) bool {
	switch name {
	case "package":
		*pkg = value
	case "container":
		*container = value
	default:
		return false
	}
	return true
}

// seen reads at which looks of a run that observes something was there, a list of
// "first", or "late", and "last", or "over": at a later look than the first, and at one
// before the last.
func (p *parser) seen(s *telemetry.Seen, words string) (gone, late bool) {
	s.First = began
	for word := range strings.SplitSeq(words, ",") {
		switch word {
		case "first":
		case "late":
			s.First, late = began.Add(10*time.Minute), true
		case "last":
			s.Last = ended
		case "over":
			s.Last, gone = ended.Add(-20*time.Minute), true
		default:
			p.err = fmt.Errorf("nothing is seen %q", word)
		}
	}
	return gone, late
}
