package cli

import (
	"context"
	"errors"
	"os"

	"assay/internal/advisory/feeds"
	"assay/internal/advisory/index"
	"assay/internal/service"
)

// advisories is a set of advisories, for as long as the command runs. That there is
// none, or that it is damaged, is no error of the command: the rules say that nothing
// could be compared.
type advisories struct {
	index.Current
	temporary string // the folder, where it was made for this command
	err       error
}

// openAdvisories opens the set in a folder. If none is named it is that of the usual
// data folder, or else what comes with the program.
func openAdvisories(ctx context.Context, dir string) *advisories {
	a := &advisories{}
	set, err := index.Open(dir)
	if dir == "" {
		set, err = index.Open(service.Folder(defaultData).Advisories())
	}
	if dir == "" && errors.Is(err, index.ErrNoIndex) {
		set, err = a.bundled(ctx)
	}
	if a.err = err; err == nil {
		a.err = a.Replace(set)
	}
	return a
}

// bundled builds the set of what comes with the program, in a folder that goes with
// the command.
func (a *advisories) bundled(ctx context.Context) (set *index.Set, err error) {
	if a.temporary, err = os.MkdirTemp("", "assay-advisories-"); err != nil {
		return nil, err
	}
	if err := feeds.At(a.temporary).Ensure(ctx); err != nil {
		return nil, err
	}
	return index.Open(a.temporary)
}

// Use implements cve.Advisories.
func (a *advisories) Use() (*index.Set, error) {
	if a.err != nil {
		return nil, a.err
	}
	return a.Current.Use()
}

// close lets go of the set. What was read of it was read.
func (a *advisories) close() {
	_ = a.Replace(nil)
	if a.temporary != "" {
		_ = os.RemoveAll(a.temporary)
	}
}
