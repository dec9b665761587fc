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
	maxParts   = 1024      // of a coverage
	maxScope   = 4096      // patterns of a coverage
	maxPattern = 512       // bytes of one; the agent's have 49
	maxScopes  = 64 << 10  // bytes of all; the agent's have 8 KiB
	maxOwners  = 65_536    // of a socket
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
	case *Socket:
		if len(r.Owners) > maxOwners {
			return fmt.Errorf("a socket has %d owners", len(r.Owners))
		}
	case *Program:
		if len(r.Path) > maxPath || len(r.ACL) > maxACL || len(r.Above) > maxAbove {
			return fmt.Errorf("the path or the access control list of the program %.40q is longer than any, or it is in too many folders", r.Path)
		}
	case *Execution:
		return activity(r.Path, r.Name, "")
	case *Connection:
		return activity(r.Path, r.Name, r.Remote)
	case *Load:
		if len(r.By) > maxPath || len(r.Package) > maxText || len(r.Container) > maxText {
			return fmt.Errorf("the program or the package of what was loaded, %.40q, is longer than any", r.Path)
		}
		return activity(r.Path, r.Name, "")
	case *Coverage:
		return r.bounded()
	}
	return nil
}

// activity tells what a record of an observation has too much of.
func activity(path, name, remote string) error {
	if len(path) > maxPath || len(name) > maxName || len(remote) > maxRemote {
		return fmt.Errorf("the path, the name or the remote address of the program %.40q is longer than any", name)
	}
	return nil
}

func (c *Coverage) bounded() error {
	all := 0
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
