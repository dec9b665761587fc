package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// Record describes an entry of a folder, nil if it is gone by now. folder tells
// whether it is one. What could not be looked at is the record's problem.
func Record(parent *hostfs.Folder, name string) (rec *telemetry.File, folder bool) {
	rec = &telemetry.File{Path: path.Join(parent.Path, name)}
	info, err := parent.Lstat(name)
	if gone(err) {
		return nil, false
	}
	if err != nil {
		rec.Problem = reason(err)
		return Named(rec), false
	}
	return Describe(parent, name, info), info.Mode.IsDir()
}

// Describe completes what Lstat told of an entry of a folder.
func Describe(parent *hostfs.Folder, name string, info hostfs.Info) *telemetry.File {
	rec := &telemetry.File{
		Path: path.Join(parent.Path, name), Kind: kind(info.Mode), Mode: info.Perm, UID: info.UID, GID: info.GID,
		Size: info.Size, MTime: info.MTime.Truncate(1e9), Links: info.Links, Device: info.Device, Inode: info.Inode,
	}
	if rec.Kind == telemetry.Symlink {
		target, err := parent.Readlink(name)
		if err != nil {
			rec.Problem = "its target could not be read: " + reason(err)
		}
		rec.Target = target
	} else if err := lists(rec, parent, name); err != nil {
		rec.Problem = "its access control list could not be read: " + reason(err)
	}
	if label, err := parent.Xattr(name, "security.selinux"); err == nil {
		rec.SELinux = strings.TrimRight(string(label), "\x00")
	}
	return Named(rec)
}

// Named gives a record the exact bytes of a path that is not UTF-8.
func Named(rec *telemetry.File) *telemetry.File {
	if !utf8.ValidString(rec.Path) {
		rec.Raw = []byte(rec.Path)
		rec.Path = strings.ToValidUTF8(rec.Path, "\uFFFD")
	}
	rec.Target = strings.ToValidUTF8(rec.Target, "\uFFFD")
	return rec
}

func kind(m fs.FileMode) telemetry.FileKind {
	switch {
	case m.IsRegular():
		return telemetry.Regular
	case m.IsDir():
		return telemetry.Directory
	case m&fs.ModeSymlink != 0:
		return telemetry.Symlink
	case m&fs.ModeNamedPipe != 0:
		return telemetry.Pipe
	case m&fs.ModeSocket != 0:
		return telemetry.SocketKind
	}
	return telemetry.Device
}

func lists(rec *telemetry.File, parent *hostfs.Folder, name string) (err error) {
	if rec.ACL, err = list(parent, name, "system.posix_acl_access"); err != nil {
		return err
	}
	if rec.Kind == telemetry.Directory {
		rec.Default, err = list(parent, name, "system.posix_acl_default")
	}
	return err
}

func list(parent *hostfs.Folder, name, attr string) ([]telemetry.ACL, error) {
	data, err := parent.Xattr(name, attr)
	if err != nil || data == nil {
		return nil, err
	}
	return DecodeACL(data)
}

var errACL = errors.New("it is not in the form of linux/posix_acl_xattr.h")

// tags are the e_tag of linux/posix_acl.h.
var tags = map[uint16]string{0x01: "user_obj", 0x02: "user", 0x04: "group_obj", 0x08: "group", 0x10: "mask", 0x20: "other"}

// DecodeACL decodes an extended attribute "system.posix_acl_access" as linux/posix_acl_xattr.h has it: a version (2),
// then entries of tag, permissions and id, all little endian.
func DecodeACL(data []byte) ([]telemetry.ACL, error) {
	if len(data) < 4 || (len(data)-4)%8 != 0 || binary.LittleEndian.Uint32(data) != 2 {
		return nil, errACL
	}
	var acl []telemetry.ACL
	for data = data[4:]; len(data) > 0; data = data[8:] {
		e := telemetry.ACL{Perm: uint8(data[2] & 7)}
		tag := binary.LittleEndian.Uint16(data)
		var ok bool
		if e.Tag, ok = tags[tag]; !ok {
			return nil, fmt.Errorf("%w: tag %#x", errACL, tag)
		}
		if e.Tag == "user" || e.Tag == "group" {
			e.ID = binary.LittleEndian.Uint32(data[4:])
		}
		acl = append(acl, e)
	}
	return acl, nil
}
