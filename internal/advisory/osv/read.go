package osv

import (
	"context"
	"errors"
	"fmt"
	"io"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// MaxRecord bounds one record, in bytes. The largest in use (advisories on the
// kernel, lists of all versions of a Debian package) have some megabytes.
const MaxRecord = 32 << 20

// Read reads one file; it is a feed.Reader.
func Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	in, err := feed.NewJSON(ctx, r, MaxRecord)
	if err != nil {
		return err
	}
	defer in.Close()
	n := 0
	one := func() error {
		n++
		if err := record(in, emit); err == io.EOF {
			return err // between records
		} else if err != nil {
			return fmt.Errorf("OSV record %d: %w", n, err)
		}
		return nil
	}
	if in.Kind() == '[' {
		if err := in.Array(one); err != nil {
			return err
		}
		return in.End()
	}
	for {
		if err := one(); err == io.EOF && n > 1 {
			return nil
		} else if err == io.EOF {
			return errors.New("the file has no OSV record")
		} else if err != nil {
			return err
		}
	}
}

func record(in *feed.JSON, emit advisory.Emit) error {
	if kind := in.Kind(); kind != '{' && kind != 0 {
		return fmt.Errorf("a record is an object, not a %s", kind)
	}
	var d document
	if err := in.Decode(&d); err != nil {
		if d.ID != "" {
			return fmt.Errorf("%.80q: %w", d.ID, err)
		}
		return err
	}
	rec, err := d.record(emit)
	if err != nil {
		return fmt.Errorf("%.80q: %w", d.ID, err)
	}
	return emit.Put(rec)
}
