//go:build linux

package fanotify

import (
	"io"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/elf"
	"assay/internal/sensor/kerneltime"
)

// kind is what it means that a file was opened to be executed.
type kind int

const (
	other   kind = iota // a script, or nothing that the kernel executes by itself
	program             // it is executed
	loader              // a library: as a rule the loader of a program
)

// version is a file with its contents, as far as can be told without reading them.
type version struct {
	device, inode uint64
	size          int64
	changed       unix.Timespec
}

// maxKinds bounds how many files are remembered.
const maxKinds = 16_384

// look notes an execution.
func (f *Fanotify) look(e event) {
	var st unix.Stat_t
	if err := unix.Fstat(e.fd, &st); err != nil {
		f.missed.unopened.Add(1)
		return
	}
	x := seen.Execution{Program: seen.Program{File: seen.File{Device: st.Dev, Inode: st.Ino}, UID: seen.UnknownUID}, PID: e.pid}
	x.Path = name(e.fd)
	// The process has its new name only when it executes what was opened, and may be over by then.
	x.Name = path.Base(x.Path)[:min(len(path.Base(x.Path)), maxName)]
	switch f.kind(e.fd, st) {
	case program:
		f.note(x)
	case loader:
		f.postpone(x)
	}
}

// maxName is the length of a process's name, in bytes.
const maxName = 15

// note counts an execution by its process as it is now. The user is the same before and
// after, but for what is executed with the rights of its owner.
func (f *Fanotify) note(x seen.Execution) {
	now, err := kerneltime.Now()
	if err != nil {
		return // there is no host without this clock
	}
	if s, err := f.proc.Stat(x.PID); err == nil {
		x.UID, x.Root = s.RealUID, s.UID == 0
	} else {
		f.missed.nobody.Add(1)
	}
	ns, err := f.proc.Namespace(x.PID, "mnt")
	if err != nil {
		ns = f.marks.space(x.Device)
	}
	x.MountNS = uint32(ns)
	if f.tally.Add(x, now) {
		f.see(seen.Sight{Kind: seen.SawExecution, PID: x.PID})
	}
}

// name is the path of an open file; what is deleted has its last one.
func name(fd int) string {
	text, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(text, " (deleted)")
}

func (f *Fanotify) kind(fd int, st unix.Stat_t) kind {
	v := version{st.Dev, st.Ino, st.Size, st.Ctim}
	if k, ok := f.kinds[v]; ok {
		return k
	}
	if len(f.kinds) == maxKinds {
		clear(f.kinds)
	}
	k := classify(reader(fd), st.Size)
	f.kinds[v] = k
	return k
}

// classify tells what a file is by its headers.
func classify(r io.ReaderAt, size int64) kind {
	p, err := elf.Headers(r, size)
	switch {
	case err != nil || !native(p.Machine): // for another machine it is data of an emulator's
		return other
	case p.Kind == elf.Shared:
		return loader
	case p.Kind == elf.Other:
		return other
	}
	return program
}

// native tells whether the kernel executes a machine's programs (e_machine of elf(5)).
func native(machine uint16) bool {
	const i386, arm, x86, arm64 = 3, 40, 62, 183
	if runtime.GOARCH == "arm64" {
		return machine == arm64 || machine == arm
	}
	return machine == x86 || machine == i386
}

// reader reads an open file that it does not own.
type reader int

// ReadAt implements io.ReaderAt.
func (r reader) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) {
		m, err := unix.Pread(int(r), p[n:], at+int64(n))
		if err != nil {
			return n, err
		}
		if m == 0 {
			return n, io.EOF
		}
		n += m
	}
	return n, nil
}
