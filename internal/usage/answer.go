package usage

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

const (
	maxProcesses = 64 // of an answer
	maxFiles     = 8  // of a process
)

// Package tells how a binary package of the host is in use. The name is the package's,
// or "name:arch" for one of those that are installed for several architectures.
func (u *Usage) Package(name string) Answer {
	a := u.ofPackage(name)
	a.Executed, a.Past = u.executed.of(name), u.past.of(name)
	return a.raised()
}

// raised is the answer where what is over is known to have used it. That there is more,
// as a.Reason says, stays possible.
func (a Answer) raised() Answer {
	if (a.State == Installed || a.State == Unknown) && len(a.Executed)+len(a.Past) > 0 {
		a.State = WasLoaded
	}
	return a
}

func (u *Usage) ofPackage(name string) Answer {
	loads := u.packages[name]
	if bare, _, ok := strings.Cut(name, ":"); ok {
		loads = slices.Concat(loads, u.packages[bare])
	} else {
		loads = nil
		for _, as := range u.archs[name] {
			loads = append(loads, u.packages[as]...)
		}
	}
	if len(loads) > 0 {
		return u.loaded(loads)
	}
	if gap := cmp.Or(u.partial, u.unowned); gap != "" {
		return Answer{State: Unknown, Reason: "not all that runs is known: " + gap}
	}
	return u.nobody("", interpreterOfPackage(name))
}

// File tells how a file of the host or of a container is in use: a program that runs,
// a library that is loaded. What an interpreter reads cannot be seen, see
// Answer.Reason.
func (u *Usage) File(container, path string) Answer {
	a := u.ofFile(container, path)
	at := file{container, path}
	a.Executed, a.Past = told(u.executed.files[at]), pastOf(u.past.files[at])
	return a.raised()
}

func (u *Usage) ofFile(container, path string) Answer {
	if loads := u.files[file{container, path}]; len(loads) > 0 {
		return u.loaded(loads)
	}
	switch {
	case u.partial != "":
		return Answer{State: Unknown, Reason: "not all that runs is known: " + u.partial}
	case container != "" && len(u.inside[container]) == 0:
		return Answer{State: Unknown, Reason: "no process of the container was seen"}
	}
	return u.nobody(container, interpreterOfFile(path))
}

// Container tells how a package in a container is in use. Which package of a container
// a file belongs to is not collected, so that the state is Unknown; the processes are
// those of the container that listen.
func (u *Usage) Container(id, name string) Answer {
	a := Answer{State: Unknown, Reason: "which files in a container belong to the package " + name + " is not collected"}
	var loads []load
	for _, p := range u.inside[id] {
		if len(p.listens) > 0 {
			loads = append(loads, load{process: p})
		}
	}
	a.Processes = cut(u.tell(loads), maxProcesses)
	return a
}

// loaded is the answer for files that processes have mapped.
func (u *Usage) loaded(loads []load) Answer {
	a := Answer{State: Loaded}
	var old []load
	for _, l := range loads {
		switch {
		case l.process.exposed:
			a.State = Exposed
		case len(l.process.listens) > 0 && a.State == Loaded:
			a.State = Listening
		}
		if l.old {
			old = append(old, l)
		}
	}
	a.Processes, a.Old = cut(u.tell(loads), maxProcesses), cut(u.tell(old), maxProcesses)
	switch {
	case a.State == Exposed: // there is no more
	case u.listeners != "":
		a.Reason = "not all that listens is known: " + u.listeners
	case u.partial != "":
		a.Reason = "not all that runs is known: " + u.partial
	}
	return a
}

// tell describes the processes, each once, those that listen first.
func (u *Usage) tell(loads []load) []Process {
	byProcess := map[*process][]string{}
	for _, l := range loads {
		byProcess[l.process] = append(byProcess[l.process], l.path)
	}
	all := make([]Process, 0, len(byProcess))
	for p, files := range byProcess {
		all = append(all, u.describe(p, files))
	}
	slices.SortFunc(all, func(a, b Process) int {
		return cmp.Or(-compareBool(len(a.Listens) > 0, len(b.Listens) > 0), cmp.Compare(a.PID, b.PID))
	})
	if len(all) == 0 {
		return nil
	}
	return all
}

func (u *Usage) describe(p *process, files []string) Process {
	slices.Sort(files)
	files = slices.DeleteFunc(slices.Compact(files), func(f string) bool { return f == "" })
	d := Process{
		PID: p.PID, Name: p.Name, Exe: p.Exe, UID: p.UID, Container: p.container, Started: u.started(p),
		Files: cut(files, maxFiles), Record: telemetry.Key(p.Process),
	}
	for _, l := range p.listens[:min(len(p.listens), maxListens)] {
		d.Listens = append(d.Listens, l.text)
	}
	return d
}

// ticks are those of a second in /proc: USER_HZ, which is 100 on every platform of
// Linux that is in use (time(7)).
const ticks = 100

func (u *Usage) started(p *process) int64 {
	if u.booted == 0 || p.unseen {
		return 0
	}
	return u.booted + p.Started/ticks
}

func cut[T any](all []T, most int) []T {
	if len(all) > most {
		return all[:most:most]
	}
	return all
}
