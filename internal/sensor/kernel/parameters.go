package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

const tree = "/proc/sys"

// Bounds of one snapshot. A host with 1,000 interfaces has some 100,000
// parameters.
const (
	maxParameters = 200_000
	maxValue      = 64 << 10
	maxDepth      = 12
	maxEntries    = 20_000 // of a folder
)

// leftOut are patterns of what is not read: secrets, values that differ with each
// reading, and what costs the kernel work.
var leftOut = []string{
	"/proc/sys/kernel/random/**",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/net/ipv4/tcp_fastopen_key",
	"/proc/sys/net/ipv6/conf/*/stable_secret",
	"/proc/sys/fs/dentry-state",
	"/proc/sys/fs/file-nr",
	"/proc/sys/fs/inode-nr",
	"/proc/sys/fs/inode-state",
	"/proc/sys/fs/quota/**",
	"/proc/sys/fs/binfmt_misc/**", // an automount point, whose file system loads a module
	"/proc/sys/vm/stat_refresh",   // reading it makes every processor work
	"/proc/sys/net/netfilter/nf_conntrack_count",
	"/proc/sys/net/*/nf_conntrack_count",
}

// parameters reads the tree of parameters.
type parameters struct {
	ctx     context.Context
	fs      *hostfs.FS
	emit    sensor.Emit
	count   int
	full    bool
	device  uint64 // of the tree: nothing mounted in it is looked at
	missing []string
}

func (p *parameters) all() error {
	info, err := p.fs.Lstat(tree)
	if err != nil {
		p.missing = append(p.missing, err.Error())
		return nil
	}
	p.device = info.Device
	return p.folder(tree, 0)
}

// folder reads a folder of the tree. The error is that of emit or ctx.
func (p *parameters) folder(name string, depth int) error {
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	entries, more, err := p.fs.ReadDir(name, maxEntries)
	if err != nil {
		if depth == 0 || !errors.Is(err, fs.ErrNotExist) {
			p.missing = append(p.missing, err.Error())
		}
		return nil
	}
	if more || depth > maxDepth {
		p.missing = append(p.missing, name+" has too many entries")
	}
	slices.Sort(entries)
	for _, entry := range entries {
		if err := p.entry(path.Join(name, entry), depth); err != nil || p.full {
			return err
		}
	}
	return nil
}

func (p *parameters) entry(name string, depth int) error {
	if telemetry.InScope(leftOut, name) {
		return nil
	}
	info, err := p.fs.Lstat(name)
	switch {
	case err != nil || info.Device != p.device:
		return nil // gone with its interface, or a mount point
	case info.Mode.IsDir() && depth < maxDepth:
		return p.folder(name, depth+1)
	case !info.Mode.IsRegular() || info.Perm&0o444 == 0:
		return nil // parameters that can only be written have no value
	}
	return p.value(name)
}

func (p *parameters) value(name string) error {
	if p.count++; p.count > maxParameters {
		p.full = true
		p.missing = append(p.missing, fmt.Sprintf("there are more than %d parameters", maxParameters))
		return nil
	}
	data, more, err := p.fs.ReadFile(name, maxValue)
	if err != nil {
		if !hasNoValue(err) {
			p.missing = append(p.missing, err.Error())
		}
		return nil
	}
	if more {
		p.missing = append(p.missing, fmt.Sprintf("%s is larger than %d bytes", name, maxValue))
		return nil
	}
	return p.emit(&telemetry.KernelParameter{Name: sysctlName(name), Value: strings.TrimRight(string(data), "\n\x00")})
}

// hasNoValue tells whether the kernel says that the parameter has no value here:
// its interface is gone, or (as net.core.* of a module, or addr_gen_mode of the
// "all" folder) it answers "not supported", "invalid" or an input/output error.
func hasNoValue(err error) bool {
	for _, no := range []error{fs.ErrNotExist, syscall.EINVAL, syscall.EIO, syscall.EOPNOTSUPP, syscall.ENODEV, syscall.ENXIO} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// sysctlName is the name of a file of /proc/sys as sysctl(8) writes it: slashes
// become dots, and dots (of "eth0.100") become slashes.
func sysctlName(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, strings.TrimPrefix(name, tree+"/"))
}
