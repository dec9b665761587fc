package telemetry

import "fmt"

// Bounds of what a record may have beside the bytes of its line: far above what a
// kernel has, far below what makes a look-up in a host's records expensive. Names
// are up to three times as long as on the host, where they are not UTF-8.
const (
	maxPath    = 256 << 10 // bytes; the sensors look at most 128 folders deep
	maxTarget  = 16 << 10  // bytes; a symbolic link has 4095
	maxText    = 64 << 10  // bytes; the agent's have 16 KiB, in which every byte may have become three
	maxACL     = 8192      // entries; an attribute has 64 KiB, an entry 8 bytes
	maxAbove   = 1024      // folders above a program; the sensor tells at most 128
	maxName    = 256       // bytes; the kernel's names of processes have 15
	maxRemote  = 64        // bytes of an address
	maxReason  = 1 << 20   // bytes of a coverage's
	maxParts   = 1024      // of a coverage
	maxScope   = 4096      // patterns of a coverage
	maxPattern = 512       // bytes of one; the agent's have 49
	maxScopes  = 64 << 10  // bytes of all; the agent's have 8 KiB
	maxOwners  = 65_536    // of a socket
	maxObjects = 32_768    // of a process; the agent looks at 20,000 mappings
	maxWord    = 256       // bytes of a word of the format's own: a protocol, a state, a tier
)

// bounded tells what a record has too much of.
func bounded(rec Record) error {
	switch r := rec.(type) {
	case *File:
		if len(r.Path) > maxPath || len(r.Target) > maxTarget || len(r.ACL) > maxACL || len(r.Default) > maxACL {
			return fmt.Errorf("the path, the target or the access control list of the file %.40q is longer than any", r.Path)
		}
	case *Text:
		if len(r.Path) > maxPath || len(r.Resolved) > maxPath {
			return fmt.Errorf("the path of the text %.40q is longer than any", r.Path)
		}
	case *Library:
		if len(r.Path) > maxPath || len(r.Inside) > maxTarget || len(r.Name) > maxTarget || len(r.Version) > maxTarget {
			return fmt.Errorf("the path, the name or the version of the library %.40q is longer than any", r.Name)
		}
	case *Package:
		for _, text := range []string{r.Manager, r.Name, r.Version, r.Arch, r.Source, r.SourceVersion, r.Status, r.Modularity, r.Vendor, r.Container} {
			if len(text) > maxText {
				return fmt.Errorf("a text of the package %.40q is longer than any", r.Name)
			}
		}
	case *Container:
		for _, text := range []string{r.ID, r.Runtime, r.Name, r.Image, r.ImageID, r.OS, r.OSLike, r.OSVersion, r.OSName, r.Codename} {
			if len(text) > maxText {
				return fmt.Errorf("a text of the container %.40q is longer than any", r.ID)
			}
		}
	case *Process:
		return r.bounded()
	case *Object:
		if len(r.Path) > maxPath || len(r.Package) > maxText {
			return fmt.Errorf("the path or the package of the mapped file %.40q is longer than any", r.Path)
		}
	case *Socket:
		return r.bounded()
	case *Program:
		return r.bounded()
	case *Execution:
		return activity(r.Path, r.Name, "", r.Package, r.Container)
	case *Connection:
		return activity(r.Path, r.Name, r.Remote, r.Package, r.Container)
	case *Load:
		if len(r.By) > maxPath {
			return fmt.Errorf("the path of the program that loaded %.40q is longer than any", r.Path)
		}
		return activity(r.Path, r.Name, "", r.Package, r.Container)
	case *Spoken:
		return words(r.Remote, r.Protocol)
	case *Observation:
		if len(r.Unsupported) > maxText {
			return fmt.Errorf("why the kernel is not supported, %.40q, is longer than any reason", r.Unsupported)
		}
		return words(r.Tier)
	case *Coverage:
		return r.bounded()
	}
	return nil
}

// activity tells what a record of an observation has too much of.
func activity(path, name, remote string, texts ...string) error {
	if len(path) > maxPath || len(name) > maxName || len(remote) > maxRemote {
		return fmt.Errorf("the path, the name or the remote address of the program %.40q is longer than any", name)
	}
	for _, text := range texts {
		if len(text) > maxText {
			return fmt.Errorf("the package or the container of the program %.40q is longer than any", name)
		}
	}
	return nil
}

// words tells that one of the format's own words is none.
func words(all ...string) error {
	for _, w := range all {
		if len(w) > maxWord {
			return fmt.Errorf("the word %.40q is longer than any", w)
		}
	}
	return nil
}

func (r *Process) bounded() error {
	if len(r.Objects) > maxObjects {
		return fmt.Errorf("the process %d has mapped %d files", r.PID, len(r.Objects))
	}
	if len(r.Problem) > maxPath {
		return fmt.Errorf("the problem of the process %d is longer than any", r.PID)
	}
	return activity(r.Exe, r.Name, "", r.Package, r.Container)
}

func (s *Socket) bounded() error {
	if len(s.Owners) > maxOwners {
		return fmt.Errorf("a socket has %d owners", len(s.Owners))
	}
	for _, o := range s.Owners {
		if err := activity(o.Exe, o.Name, "", o.Package); err != nil {
			return err
		}
	}
	return words(s.Protocol, s.State, s.Local, s.Remote, s.Interface)
}

func (p *Program) bounded() error {
	if len(p.Path) > maxPath || len(p.ACL) > maxACL || len(p.Above) > maxAbove || len(p.Problem) > maxPath {
		return fmt.Errorf("the path, the problem or the access control list of the program %.40q is longer than any, or it is in too many folders", p.Path)
	}
	for _, folder := range p.Above {
		if len(folder) > maxPath {
			return fmt.Errorf("the path of a folder above the program %.40q is longer than any", p.Path)
		}
	}
	if e := p.ELF; e != nil {
		if err := words(e.Kind, e.Stack, e.RELRO); err != nil {
			return err
		}
	}
	return activity("", "", "", p.Package, p.Container)
}

func (c *Coverage) bounded() error {
	all := 0
	for _, p := range c.Parts {
		if len(p.Name) > maxWord || len(p.Reason) > maxReason {
			return fmt.Errorf("a part of the coverage of the sensor %.40q has a longer name or reason than any", c.Sensor)
		}
	}
	if len(c.Reason) > maxReason {
		return fmt.Errorf("the reason of the coverage of the sensor %.40q is longer than any", c.Sensor)
	}
	for _, pattern := range c.Scope {
		if all += len(pattern); len(pattern) > maxPattern || all > maxScopes {
			return fmt.Errorf("the scope of the sensor %.40q is longer than any", c.Sensor)
		}
	}
	if len(c.Scope) > maxScope || len(c.Parts) > maxParts {
		return fmt.Errorf("the coverage of the sensor %.40q has %d patterns and %d parts", c.Sensor, len(c.Scope), len(c.Parts))
	}
	return nil
}
