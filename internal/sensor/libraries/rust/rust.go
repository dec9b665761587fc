// Package rust reads what a Rust program was built of, as cargo auditable (and
// some distributions' cargo) puts it into the program: zlib-compressed JSON in the
// section .dep-v0 (https://github.com/rust-secure-code/cargo-auditable). Programs
// that were built without it do not tell.
package rust

import (
	"compress/zlib"
	"encoding/json"
	"errors"
	"io"

	"assay/internal/telemetry"
)

// Section is the section that has the list.
const Section = ".dep-v0"

const (
	ecosystem = "crates.io"

	// Bounds of the list; that of a program of a thousand crates has 100 kB.
	maxPacked   = 1 << 20
	maxUnpacked = 2 << 20
)

var errFormat = errors.New("its list of crates is damaged")

// Read adds the crates that the program of a section has in it. Those that only
// its build needed are left out. The program's own crate is Main.
func Read(r io.Reader, add func(telemetry.Library) error) error {
	z, err := zlib.NewReader(io.LimitReader(r, maxPacked))
	if err != nil {
		return errFormat
	}
	data, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil || len(data) > maxUnpacked {
		return errFormat
	}
	var list struct {
		Packages []struct {
			Name, Version, Kind string
			Root                bool
		}
	}
	if json.Unmarshal(data, &list) != nil {
		return errFormat
	}
	for _, p := range list.Packages {
		if p.Kind != "" && p.Kind != "runtime" {
			continue
		}
		if err := add(telemetry.Library{Ecosystem: ecosystem, Name: p.Name, Version: p.Version, Main: p.Root}); err != nil {
			return err
		}
	}
	return nil
}
