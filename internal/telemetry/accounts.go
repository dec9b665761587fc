package telemetry

// PasswordState is all that is told of a password field. The field itself never
// leaves the host.
type PasswordState string

// The states of a password field of passwd(5) or shadow(5).
const (
	PasswordEmpty    PasswordState = "empty"    // login without a password
	PasswordUsable   PasswordState = "usable"   // a hash that a password can match
	PasswordLocked   PasswordState = "locked"   // "!" before a hash: usable again once unlocked
	PasswordDisabled PasswordState = "disabled" // "*", "!", "!!": no password can match
	PasswordShadowed PasswordState = "shadowed" // "x" in passwd: see shadow
)

// User is a line of /etc/passwd. The GECOS field is not collected.
type User struct {
	Meta
	Name      string        `json:"name"`
	UID       uint32        `json:"uid"`
	GID       uint32        `json:"gid"`
	Home      string        `json:"home,omitempty"`
	Shell     string        `json:"shell,omitempty"`
	Password  PasswordState `json:"password"`
	Algorithm string        `json:"algorithm,omitempty"`
	File      string        `json:"file"`
	Line      int           `json:"line"`
	Problem   string        `json:"problem,omitempty"` // the line is malformed: what is wrong with it
}

// Shadow is a line of /etc/shadow, without its password. A field that is empty
// in the file is nil.
type Shadow struct {
	Meta
	Name       string        `json:"name"`
	Password   PasswordState `json:"password"`
	Algorithm  string        `json:"algorithm,omitempty"`   // "yescrypt", "sha512", "md5", "des", ...
	LastChange *int64        `json:"last_change,omitempty"` // days since 1970
	Min        *int64        `json:"min,omitempty"`         // days
	Max        *int64        `json:"max,omitempty"`         // days
	Warn       *int64        `json:"warn,omitempty"`        // days
	Inactive   *int64        `json:"inactive,omitempty"`    // days
	Expire     *int64        `json:"expire,omitempty"`      // days since 1970
	File       string        `json:"file"`
	Line       int           `json:"line"`
	Problem    string        `json:"problem,omitempty"`
}

// Group is a line of /etc/group.
type Group struct {
	Meta
	Name    string   `json:"name"`
	GID     uint32   `json:"gid"`
	Members []string `json:"members,omitempty"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Problem string   `json:"problem,omitempty"`
}

func (*User) kind() Type   { return TypeUser }
func (*Shadow) kind() Type { return TypeShadow }
func (*Group) kind() Type  { return TypeGroup }
