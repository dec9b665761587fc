package telemetry

import "time"

// ProblemDangling is the Problem of a text whose path is a symbolic link to
// nothing: opening it fails as if it were absent, and yet its name is there.
const ProblemDangling = "is a symbolic link to nothing"

// Text is the text of a configuration file inside the published scope, or the
// reason why it could not be read. Lines are where they are in the file:
// redaction replaces within a line.
type Text struct {
	Meta
	Path     string `json:"path"`               // as the scope names it, after its globs
	Raw      []byte `json:"raw,omitempty"`      // Path's bytes where they are not UTF-8
	Resolved string `json:"resolved,omitempty"` // what Path led to, if a link was followed
	Text     string `json:"text,omitempty"`
	Size     int64  `json:"size"`
	Digest   string `json:"digest,omitempty"` // hex SHA-256 of the file's bytes; left out where something was redacted

	Truncated bool   `json:"truncated,omitempty"` // Text is the file's beginning only
	Redacted  int    `json:"redacted,omitempty"`  // secrets that were replaced by RedactedMarker
	Lossy     bool   `json:"lossy,omitempty"`     // bytes that are not UTF-8 were replaced by U+FFFD
	Problem   string `json:"problem,omitempty"`   // why there is no text: "permission denied", "is a directory"
}

// RedactedMarker stands in a Text where a secret was. It keeps "present" visible.
const RedactedMarker = "<redacted>"

// File is the metadata of a file, whatever its kind.
type File struct {
	Meta
	Path    string    `json:"path"`
	Raw     []byte    `json:"raw,omitempty"` // Path's bytes where they are not UTF-8
	Kind    FileKind  `json:"kind,omitempty"`
	Mode    uint32    `json:"mode"` // the permission bits with setuid, setgid and sticky: 07777
	UID     uint32    `json:"uid"`
	GID     uint32    `json:"gid"`
	Size    int64     `json:"size"`
	MTime   time.Time `json:"mtime,omitzero"`
	Links   uint64    `json:"links,omitempty"`
	Device  uint64    `json:"device,omitempty"`
	Inode   uint64    `json:"inode,omitempty"`
	Target  string    `json:"target,omitempty"`  // of a symbolic link, as it is written
	ACL     []ACL     `json:"acl,omitempty"`     // POSIX access ACL, where it says more than Mode
	Default []ACL     `json:"default,omitempty"` // POSIX default ACL of a folder
	SELinux string    `json:"selinux,omitempty"`
	Found   []string  `json:"found,omitempty"`   // why a walk of the file systems kept it: "setuid", "world_writable", "unowned", ...
	Problem string    `json:"problem,omitempty"` // why the rest is missing: "permission denied"

	// Unlisted is why nothing is known of what is in a folder, although its own
	// metadata is.
	Unlisted string `json:"unlisted,omitempty"`
}

// FileKind is the type of a file.
type FileKind string

// The kinds of files.
const (
	Regular    FileKind = "regular"
	Directory  FileKind = "directory"
	Symlink    FileKind = "symlink"
	Device     FileKind = "device" // block and character devices
	Pipe       FileKind = "pipe"
	SocketKind FileKind = "socket"
)

// ACL is an entry of a POSIX access control list (acl(5)).
type ACL struct {
	Tag  string `json:"tag"` // "user_obj", "user", "group_obj", "group", "mask", "other"
	ID   uint32 `json:"id,omitempty"`
	Perm uint8  `json:"perm"` // 4 read, 2 write, 1 execute
}

func (*Text) kind() Type { return TypeText }
func (*File) kind() Type { return TypeFile }
