// Package support is the published list of the kernels in which the agent's kernel
// sensors are proven, as data: kernel-versions.json, which the agent shows its own
// kernel's place in and the service serves. It says what passed where, never what ought
// to: scripts/test-kernels.sh generates it, by booting those kernels with the sensors'
// tests, and nobody edits it.
//
// The list decides nothing. A sensor works where it proves itself to work, on kernels
// that nobody has listed too.
package support

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

//go:embed kernel-versions.json
var file []byte

// File is the list as it is published: JSON. It is the caller's own.
func File() []byte { return bytes.Clone(file) }

// List is the file's content.
type List struct {
	About     string   `json:"about"`     // what this is, for whoever meets the file alone
	Generated string   `json:"generated"` // the day, in UTC: 2006-01-02
	Objects   string   `json:"objects"`   // SHA-256 over the eBPF objects that were tested
	Sensors   []string `json:"sensors"`   // that were tested, in order
	Kernels   []Kernel `json:"kernels"`   // oldest series first
}

// Kernel is one build of Linux, and what passed in it.
type Kernel struct {
	Release      string `json:"release"`      // as uname -r says it
	Distribution string `json:"distribution"` // "Debian 12 (bookworm)"
	Package      string `json:"package"`      // that has it
	Version      string `json:"version"`      // of the package
	Arch         string `json:"arch"`         // as Go names it
	Tested       string `json:"tested"`       // the day of the last boot, in UTC
	Modes        []Mode `json:"modes"`
}

// Mode is a way to boot a kernel.
type Mode struct {
	Lockdown string `json:"lockdown"`   // "off", "integrity", "confidentiality": kernel_lockdown(7)
	BPF      bool   `json:"bpf_in_lsm"` // whether bpf is among the security modules (lsm=)
	// Passed has by sensor its tiers or builds whose tests all passed; a sensor of which
	// none did is not among them.
	Passed map[string][]string `json:"passed"`
	// Refused has by "sensor/tier" why the kernel does not do what the others passed. It
	// was expected of this kernel in this mode: a test that fails unexpectedly keeps the
	// kernel off the list.
	Refused map[string]string `json:"refused,omitempty"`
}

// ErrDamaged says that bytes are not such a list.
var ErrDamaged = errors.New("this is no list of kernels")

// Parse reads a list. What is not exactly of its form is ErrDamaged.
func Parse(data []byte) (List, error) {
	var l List
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return List{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return List{}, fmt.Errorf("%w: something follows it", ErrDamaged)
	}
	for _, k := range l.Kernels {
		if _, ok := parseRelease(k.Release); !ok {
			return List{}, fmt.Errorf("%w: %q is no kernel's release", ErrDamaged, k.Release)
		}
		if len(k.Modes) == 0 {
			return List{}, fmt.Errorf("%w: %s was tested in no mode", ErrDamaged, k.Release)
		}
	}
	return l, nil
}

var embedded = sync.OnceValues(func() (List, error) { return Parse(file) })

// Kernels is the list that this program was built with. It must not be changed.
func Kernels() (List, error) { return embedded() }

// Lookup tells where a kernel stands in the list that this program was built with.
func Lookup(release string) (Answer, error) {
	l, err := Kernels()
	if err != nil {
		return Answer{}, err
	}
	return l.Lookup(release), nil
}

// Mode is what passed in a mode.
func (k Kernel) Mode(lockdown string, bpf bool) (Mode, bool) {
	at := slices.IndexFunc(k.Modes, func(m Mode) bool { return m.Lockdown == lockdown && m.BPF == bpf })
	if at < 0 {
		return Mode{}, false
	}
	return k.Modes[at], true
}
