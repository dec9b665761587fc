//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// writers is how many hosts' findings are made and written at once, as by a
// service that evaluates that many.
const writers = 4

// load writes the fleet's runs with their findings as evaluation does: a host a
// transaction, the run over when its last host is written.
func (f *fleet) load(ctx context.Context, s *store.Store, runs int) error {
	err := s.Update(ctx, func(tx *store.Tx) error {
		target := inspector.Target{ID: "0-target00", Name: "fleet"}
		return errors.Join(tx.CreateTarget(ctx, target, inspector.Limits{}),
			tx.CreateTemplate(ctx, inspector.Template{ID: "0-templat0", Target: target.ID, Name: "fleet"}, inspector.Limits{}))
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range writers {
		group.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= runs {
					return
				}
				if err := f.loadRun(ctx, s, n, runs); err != nil {
					cancel(err)
				}
				if n%500 == 499 {
					fmt.Fprintf(os.Stderr, "       %d findings, %.0f a second\n", (n+1)*findingsInRun, float64((n+1)*findingsInRun)/time.Since(began).Seconds())
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func (f *fleet) loadRun(ctx context.Context, s *store.Store, n, runs int) error {
	run := inspector.Run{ID: fleetRun(n), Target: "0-target00", Template: "0-templat0", Name: fmt.Sprint(n), CreatedAt: f.start(n),
		State: inspector.EvaluatingRules, Attributes: []inspector.Attribute{ownerOfAll}}
	err := s.Update(ctx, func(tx *store.Tx) error {
		return tx.CreateRun(ctx, run, []byte("key"), nil, inspector.Limits{Runs: 1 << 30})
	})
	for _, host := range f.hosts(n) {
		if err == nil {
			err = saveHost(ctx, s, run.ID, f.findings(n, runs, host))
		}
	}
	if err != nil {
		return err
	}
	return s.Update(ctx, func(tx *store.Tx) error {
		return tx.ChangeRunState(ctx, run.ID, inspector.Completed, f.start(n).Add(55*time.Minute))
	})
}

// saveHost writes a host's findings, those of all rules packages in one transaction.
func saveHost(ctx context.Context, s *store.Store, run string, findings []inspector.Finding) error {
	type owner struct {
		agent string
		pkg   inspector.PackageID
	}
	parts := map[owner][]inspector.Finding{}
	for _, x := range findings {
		o := owner{x.Agent, x.Package}
		parts[o] = append(parts[o], x)
	}
	return s.Update(ctx, func(tx *store.Tx) error {
		for o, found := range parts {
			if err := tx.SaveResults(ctx, run, o.agent, o.pkg, []byte("{}"), found, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
