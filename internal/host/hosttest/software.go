package hosttest

import (
	"fmt"
	"strings"

	"assay/internal/telemetry"
)

// texts are the options of a fact that are kept as they are.
type texts map[string]*string

// options sets the options among words and returns the other words.
func (p *parser) options(words []string, into texts) (rest []string) {
	return p.each(words, func(name, value string) bool {
		if into[name] == nil {
			return false
		}
		*into[name] = value
		return true
	})
}

// each calls set with every option among words and returns the other words.
func (p *parser) each(words []string, set func(name, value string) bool) (rest []string) {
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok || strings.Contains(name, "/") {
			rest = append(rest, word)
		} else if !set(name, value) {
			p.err = fmt.Errorf("%q is no option of %s", name, p.word)
		}
	}
	return rest
}

func (p *parser) pkg(w []string) {
	r := &telemetry.Package{Status: "installed"}
	var source string
	w = p.options(w, texts{"source": &source, "arch": &r.Arch, "module": &r.Modularity, "vendor": &r.Vendor, "container": &r.Container})
	if len(w) < 3 {
		p.err = fmt.Errorf("needs a manager, a name and a version")
		return
	}
	r.Manager, r.Name, r.Version = w[0], w[1], w[2]
	if len(w) > 3 {
		r.Status = w[3]
	}
	r.Source, r.SourceVersion = r.Name, r.Version
	if name, version, ok := strings.Cut(source, ":"); source != "" {
		r.Source = name
		if ok {
			r.SourceVersion = version
		}
	}
	p.add(p.sensorOf(r.Container, telemetry.SensorPackages), r)
}

func (p *parser) library(w []string) {
	r := &telemetry.Library{}
	var main string
	w = p.options(w, texts{"inside": &r.Inside, "package": &r.Package, "container": &r.Container, "main": &main})
	if len(w) != 4 {
		p.err = fmt.Errorf("needs an ecosystem, a name, a version and a path")
		return
	}
	r.Ecosystem, r.Name, r.Version, r.Path, r.Main = w[0], w[1], w[2], w[3], main == "true"
	p.add(p.sensorOf(r.Container, telemetry.SensorLibraries), r)
}

// sensorOf is the sensor that tells of what is in a container, or else the host's.
func (p *parser) sensorOf(container, host string) string {
	if container == "" {
		return host
	}
	p.mountNS(container)
	return telemetry.SensorContainers
}

func (p *parser) container(w []string) {
	r := &telemetry.Container{Runtime: "docker"}
	w = p.options(w, texts{
		"name": &r.Name, "image": &r.Image, "runtime": &r.Runtime, "codename": &r.Codename, "like": &r.OSLike, "problem": &r.Problem,
	})
	n := p.next(telemetry.TypeContainer)
	r.ID, r.OS, r.OSVersion = at(w, 0), at(w, 1), at(w, 2)
	r.MountNS, r.PID = 4026532000+uint64(n), 1000+n
	p.add(telemetry.SensorContainers, r)
}

// mountNS is the mount namespace of a container that was described; 0 the host's.
func (p *parser) mountNS(container string) uint64 {
	for _, e := range p.snapshot.records {
		if c, ok := e.record.(*telemetry.Container); ok && c.ID == container {
			return c.MountNS
		}
	}
	if container != "" {
		p.err = fmt.Errorf("no container %q is described above", container)
	}
	return 0
}

func (p *parser) process(w []string) {
	r := &telemetry.Process{PID: 100 + p.next(telemetry.TypeProcess), Parent: 1}
	var mapped []telemetry.Object
	w = p.each(w, func(name, value string) bool {
		switch name {
		case "pid":
			r.PID = int(p.number(value, 10))
		case "started":
			r.Started = p.number(value, 10)
		case "package":
			r.Package = value
		case "container":
			r.Container, r.MountNS = value, p.mountNS(value)
		case "open":
			r.Open = int(p.number(value, 10))
		case "gone":
			r.Deleted = value == "true"
		case "seen":
			r.Gone, _ = p.seen(&r.Seen, value)
		case "maps", "deleted":
			mapped = append(mapped, p.mapping(value, name == "deleted"))
		default:
			return false
		}
		return true
	})
	if len(w) != 3 {
		p.err = fmt.Errorf("needs a name, a uid and a program")
		return
	}
	r.Name, r.UID, r.Exe = w[0], p.id(w[1]), w[2]
	r.RealUID = r.UID
	mapped = append([]telemetry.Object{{Path: r.Exe, Package: r.Package, Deleted: r.Deleted}}, mapped...)
	for _, o := range mapped {
		o.MountNS = r.MountNS
		r.Objects = append(r.Objects, p.object(o))
	}
	p.add(telemetry.SensorProcesses, r)
}

// mapping reads PACKAGE:PATH or PATH; a package can be "name:arch".
func (p *parser) mapping(word string, deleted bool) telemetry.Object {
	pkg, path, ok := strings.Cut(word, ":/")
	if !ok {
		return telemetry.Object{Path: word, Deleted: deleted}
	}
	return telemetry.Object{Path: "/" + path, Package: pkg, Deleted: deleted}
}

// object is the number of a mapped file, which is described if it is not yet.
func (p *parser) object(o telemetry.Object) int {
	for _, e := range p.snapshot.records {
		known, ok := e.record.(*telemetry.Object)
		if ok && known.Path == o.Path && known.MountNS == o.MountNS && known.Deleted == o.Deleted && known.Package == o.Package {
			return known.ID
		}
	}
	o.ID = p.next(telemetry.TypeObject)
	o.Device, o.Inode = 1, uint64(1000+o.ID)
	p.add(telemetry.SensorProcesses, &o)
	return o.ID
}

func (p *parser) socket(w []string) {
	r := &telemetry.Socket{Family: 4, State: "listen"}
	w = p.each(w, func(name, value string) bool {
		switch name {
		case "pid":
			r.Owners = append(r.Owners, p.owner(int(p.number(value, 10))))
		case "inode":
			r.Inode = uint64(p.number(value, 10))
		case "seen":
			r.Gone, r.Late = p.seen(&r.Seen, value)
		case "state":
			r.State = value
		case "remote":
			r.Remote, r.RemotePort = value, 50_000
		default:
			return false
		}
		return true
	})
	if len(w) != 3 {
		p.err = fmt.Errorf("needs a protocol, an address and a port")
		return
	}
	r.Protocol, r.Local, r.LocalPort = w[0], w[1], uint16(p.number(w[2], 10))
	if r.Protocol == "udp" {
		r.State = "unconnected"
	}
	if strings.Contains(r.Local, ":") {
		r.Family = 6
	}
	p.add(telemetry.SensorSockets, r)
}

func (p *parser) owner(pid int) telemetry.Owner {
	for _, e := range p.snapshot.records {
		if r, ok := e.record.(*telemetry.Process); ok && r.PID == pid {
			return telemetry.Owner{PID: pid, Name: r.Name, Exe: r.Exe, Package: r.Package}
		}
	}
	p.err = fmt.Errorf("no process %d is described above", pid)
	return telemetry.Owner{}
}
