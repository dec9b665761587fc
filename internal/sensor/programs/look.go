//go:build linux

package programs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"assay/internal/sensor/elf"
	"assay/internal/sensor/files"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/telemetry"
)

// deletedSuffix is what the kernel appends to the path of a file that is gone.
const deletedSuffix = " (deleted)"

// look takes the files of a process.
func (s *scan) look(ctx context.Context, pid int, root bool) error {
	namespace, err := s.proc.Namespace(pid, "mnt")
	if err != nil {
		return err
	}
	exe, err := hostfs.OpenObject(s.proc.Path(pid, "exe"))
	if err != nil {
		return err
	}
	defer exe.Close()
	own, err := s.take(exe, pid, namespace, nil)
	if err != nil {
		return err
	}
	if own != nil {
		own.Executed, own.Root = true, own.Root || root
	}
	maps, err := s.proc.Mappings(pid)
	if maps.More {
		s.reasons = append(s.reasons, fmt.Sprintf("process %d has more than %d mappings", pid, proc.MaxMappings))
	}
	for _, m := range maps.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		// The program's own code is mapped as well, and no library for that.
		if p := s.mapping(m, pid, namespace); p != nil && p != own {
			p.Mapped, p.Root = true, p.Root || root
		}
	}
	return err
}

// mapping takes a file that a process has mapped. One that is mapped no more, or of
// a process that has ended, is no fault.
func (s *scan) mapping(m proc.Mapping, pid int, namespace uint64) *program {
	key := mapped{m.Device, m.Inode, namespace, m.Path, m.Deleted}
	if p, ok := s.seen[key]; ok {
		return p
	}
	p, err := s.open(m, pid, namespace)
	if err == nil {
		s.seen[key] = p
	} else if !proc.Gone(err) {
		s.failed++
		s.failure = cmp.Or(s.failure, fmt.Sprintf("%q of process %d: %v", shown(m.Path), pid, err))
	}
	return p
}

// open takes a mapping by the kernel's link to it. That needs the right to look at
// everything (CAP_CHECKPOINT_RESTORE, before Linux 5.9 CAP_SYS_ADMIN); without it,
// what is at its path now, if that is still the same file.
func (s *scan) open(m proc.Mapping, pid int, namespace uint64) (*program, error) {
	o, err := hostfs.OpenObject(s.proc.Path(pid, "map_files/"+m.Range))
	if err == nil {
		defer o.Close()
		return s.take(o, pid, namespace, nil)
	}
	if !errors.Is(err, fs.ErrPermission) || namespace != s.hostMount || m.Deleted || s.mounts.table.Away(m.Path) != nil {
		return nil, err
	}
	if o, err = s.fs.Object(m.Path); err != nil {
		return nil, err
	}
	defer o.Close()
	return s.take(o, pid, namespace, &m)
}

// take keeps what is to be told of a file, nil if it is none, or there is no room.
// If want is not nil the file must be that one.
func (s *scan) take(o *hostfs.Object, pid int, namespace uint64, want *proc.Mapping) (*program, error) {
	name, err := o.Path()
	if err != nil {
		return nil, err
	}
	p := &program{pid: pid}
	p.path, p.Deleted = strings.CutSuffix(name, deletedSuffix)
	p.Container = s.roots.Container(pid)
	if namespace != s.hostMount {
		p.MountNS = namespace
	}
	if p.Problem, err = s.mounts.objection(o, pid); err != nil {
		return nil, err
	}
	var info hostfs.Info
	if p.Problem == "" {
		if info, err = o.Stat(); err != nil {
			return nil, err
		}
		if want != nil && (info.Device != want.Device || info.Inode != want.Inode) {
			return nil, errors.New("another file is at its path")
		}
		if !info.Mode.IsRegular() {
			return nil, nil
		}
		s.place(p, info)
	}
	if known := s.known[p.identity()]; known != nil {
		return known, nil
	}
	if !s.keep(p) {
		return nil, nil
	}
	if p.Problem == "" {
		s.describe(p, o, info)
	}
	return p, nil
}

func (p *program) identity() identity { return identity{p.Device, p.Inode, p.MountNS, p.path} }

// place fills in which file it is. A service in a mount namespace of its own sees most
// of the host's files by the host's names: then they are the host's.
func (s *scan) place(p *program, info hostfs.Info) {
	p.Device, p.Inode = info.Device, info.Inode
	root, inside := s.roots.Place(p.pid, p.path)
	if p.Deleted || root == nil || !root.Host || inside != p.path || s.mounts.table.Away(p.path) != nil {
		p.host = p.MountNS == 0
		return
	}
	o, err := s.fs.Object(p.path)
	if err != nil {
		return
	}
	defer o.Close()
	if here, err := o.Stat(); err == nil && here.Device == info.Device && here.Inode == info.Inode {
		p.MountNS, p.host = 0, true
	}
}

// describe fills in what the file says of itself.
func (s *scan) describe(p *program, o *hostfs.Object, info hostfs.Info) {
	p.UID, p.GID, p.Mode = info.UID, info.GID, info.Perm
	acl, err := o.Xattr("system.posix_acl_access")
	if err == nil && acl != nil {
		p.ACL, err = files.DecodeACL(acl)
	}
	if err != nil {
		p.Problem = "its access control list could not be read: " + err.Error()
		return
	}
	if time.Now().After(s.end) {
		p.Problem = fmt.Sprintf("it was not read: the reading of all took more than %s", maxReading)
		return
	}
	file, err := o.Open()
	if err != nil {
		p.Problem = "it could not be opened: " + err.Error()
		return
	}
	defer file.Close()
	switch properties, err := elf.Read(file, info.Size); {
	case errors.Is(err, elf.ErrNotELF):
	case err != nil:
		p.Problem = "it is damaged, or changed while it was read: " + err.Error()
	default:
		p.ELF = record(properties)
	}
}

func record(p elf.Properties) *telemetry.ELF {
	return &telemetry.ELF{
		Machine: p.Machine, Bits: p.Bits, Kind: string(p.Kind), Stack: string(p.Stack), RELRO: string(p.RELRO),
		Writable: p.Writable, TextRel: p.TextRel, Guarded: p.Guarded, Symbols: p.Symbols, Go: p.Go, Static: p.Static,
	}
}

// keep remembers a file if there is room.
func (s *scan) keep(p *program) bool {
	s.names += len(p.path)
	if len(s.programs) == maxPrograms || s.names > maxNames {
		s.full = true
		return false
	}
	s.known[p.identity()] = p
	s.programs = append(s.programs, p)
	return true
}
