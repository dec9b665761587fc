//go:build linux

package poll

import (
	"errors"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
)

// process is one as it was at a look.
type process struct {
	program seen.Program
	parent  int
	started int64
	name    string
	netNS   uint64
}

// lookAtProcesses notes new programs: those of a process that executed another at the
// last look, and those of a new process, if its parent executes another.
func (l *looking) lookAtProcesses() error {
	pids, err := l.proc.PIDs()
	if err != nil {
		return err
	}
	current, running := make(map[int]process, len(pids)), map[seen.Program]bool{}
	for _, pid := range pids {
		p, err := l.process(pid)
		if err == nil {
			current[pid] = p
		} else if !errors.Is(err, proc.ErrGone) {
			l.denied = true
		}
	}
	for _, p := range l.processes {
		running[p.program] = true
	}
	for pid, p := range current {
		if !l.first && l.executed(pid, p, current, running) {
			l.execution(pid, p)
		}
	}
	l.Poll.processes = current
	return nil
}

func (l *looking) process(pid int) (process, error) {
	stat, err := l.proc.Stat(pid)
	if err != nil {
		return process{}, err
	}
	if stat.Kernel {
		return process{}, proc.ErrGone
	}
	p := process{parent: stat.Parent, started: stat.Started, name: stat.Name}
	p.program.UID = stat.RealUID
	if p.program.Device, p.program.Inode, err = l.proc.ExeFile(pid); err != nil {
		return process{}, err
	}
	p.netNS, err = l.proc.Namespace(pid, "net")
	return p, err
}

// executed tells whether a process executed its program since the last look. A child
// that has only forked executes what its parent does; one whose parent is gone is the
// first process's, so that of it only a program that nobody executed before tells.
func (l *looking) executed(pid int, p process, current map[int]process, running map[seen.Program]bool) bool {
	if before, ok := l.processes[pid]; ok && before.started == p.started {
		return before.program.Device != p.program.Device || before.program.Inode != p.program.Inode
	}
	parent, ok := current[p.parent]
	if !ok || p.parent == 1 {
		return !running[p.program]
	}
	return parent.program.Device != p.program.Device || parent.program.Inode != p.program.Inode
}

func (l *looking) execution(pid int, p process) {
	l.totals.Executions++
	e := l.executions[p.program]
	if e == nil {
		if len(l.executions) == maxExecutions {
			l.totals.ExecutionsFull++
			return
		}
		mount, _ := l.proc.Namespace(pid, "mnt")
		e = &seen.Execution{Program: p.program, MountNS: uint32(mount), Name: p.name}
		l.executions[p.program] = e
		l.see(seen.SawExecution, pid)
	}
	e.PID = pid
	l.touch(&e.Counts)
}
