package service

import (
	"context"
	"errors"
	"fmt"
	"os"

	"assay/internal/durable"
	"assay/internal/inspector"
	"assay/internal/store"
)

// OpenStore opens the state of a data folder on which no service runs, for
// commands that change it without one, or, with dry, only look. A folder or
// database that is new takes over the region and account; one that has others is
// refused. Database is as in Config. Done releases what was opened.
func OpenStore(ctx context.Context, folder Folder, database string, asked inspector.Scope, dry bool) (st *store.Store, done func() error, err error) {
	if _, missing := os.Stat(folder.path("assay.db")); dry && database == "" && missing != nil {
		return emptyStore(ctx, asked)
	}
	if err := folder.prepare(); err != nil {
		return nil, nil, err
	}
	lock, err := durable.TryLock(string(folder))
	if errors.Is(err, durable.ErrLocked) {
		return nil, nil, fmt.Errorf("a service already runs on the data folder %s", folder)
	} else if err != nil {
		return nil, nil, err
	}
	if database == "" {
		database = "sqlite:" + folder.path("assay.db")
	}
	return openStore(ctx, database, asked, dry, lock.Unlock)
}

// emptyStore stands for one that is not there yet, and is removed when done.
func emptyStore(ctx context.Context, asked inspector.Scope) (*store.Store, func() error, error) {
	temporary, err := os.MkdirTemp("", "assay-dry-run-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a database for the dry run: %w", err)
	}
	return openStore(ctx, "sqlite:"+Folder(temporary).path("assay.db"), asked, false, func() error { return os.RemoveAll(temporary) })
}

func openStore(ctx context.Context, dsn string, asked inspector.Scope, dry bool, release func() error) (*store.Store, func() error, error) {
	st, err := store.Open(ctx, dsn)
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	done := func() error { return errors.Join(st.Close(), release()) }
	_, kept, err := st.Setting(ctx, settingScope)
	st.Scope = asked
	if err == nil && (kept || !dry) {
		st.Scope, err = scopeOf(ctx, st, asked)
	}
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return st, done, nil
}
