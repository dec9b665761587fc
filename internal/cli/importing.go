package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"assay/internal/api/model"
	"assay/internal/dump"
	"assay/internal/migrate"
)

const (
	// maxBatchBytes keeps a batch below what the API takes in one request (1 MiB).
	maxBatchBytes = 700 << 10

	// maxSorted is how many bytes of runs are held to bring them into the order of
	// their creation, which is the order of their lists.
	maxSorted = 64 << 20
)

// importing sends a dump in batches.
type importing struct {
	to     importer
	report *importReport
	batch  []dump.Item
	bytes  int
	known  map[string]bool // ARNs that a dry run takes to be there
}

func (i *importing) all(ctx context.Context, d *dump.Dump) error {
	for _, kind := range migrate.Kinds() {
		add := func(item dump.Item) error { return i.add(ctx, item) }
		flush := func() error { return i.send(ctx) }
		if kind == migrate.Runs {
			sorter := &runSorter{add: add}
			add, flush = sorter.hold, func() error {
				if err := sorter.release(); err != nil {
					return err
				}
				return i.send(ctx)
			}
		}
		if err := d.Each(kind, add); err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return nil
}

// add takes an object, and sends the batch when it is full.
func (i *importing) add(ctx context.Context, item dump.Item) error {
	i.report.read(item)
	if item.Err != nil {
		i.report.refuse(item, item.Err.Error())
		return nil
	}
	if len(i.batch) == migrate.MaxBatch || i.bytes+len(item.Object.Object) > maxBatchBytes {
		if err := i.send(ctx); err != nil {
			return err
		}
	}
	i.batch = append(i.batch, item)
	i.bytes += len(item.Object.Object)
	return nil
}

func (i *importing) send(ctx context.Context) error {
	if len(i.batch) == 0 {
		return nil
	}
	b := migrate.Batch{DryRun: i.report.DryRun}
	for _, item := range i.batch {
		b.Objects = append(b.Objects, item.Object)
		if parent := parentOf(item); i.known[parent] && !slices.Contains(b.Assume, parent) {
			b.Assume = append(b.Assume, parent)
		}
	}
	outcomes, err := i.to.Import(ctx, b)
	if err != nil {
		return fmt.Errorf("import %s of %s and what follows: %w (what was imported before stays; importing again goes on)", i.batch[0].Where, i.batch[0].File, err)
	}
	for n, o := range outcomes {
		i.report.count(i.batch[n], o)
		if b.DryRun && o.Status == migrate.Imported {
			i.known[o.ARN] = true
		}
	}
	i.batch, i.bytes = i.batch[:0], 0
	return nil
}

// parentOf is the ARN of what an object needs to be there.
func parentOf(item dump.Item) string {
	switch item.Kind {
	case migrate.Tags:
		return item.ARN
	case migrate.Targets:
		var t model.AssessmentTarget
		json.Unmarshal(item.Object.Object, &t) // what is wrong with it, the importer tells
		return t.ResourceGroupArn
	}
	parts := strings.Split(item.ARN, "/")
	return strings.Join(parts[:max(len(parts)-2, 0)], "/")
}

// runSorter holds runs, and lets them go in the order of their creation.
type runSorter struct {
	add   func(dump.Item) error
	items []createdItem
	bytes int
}

type createdItem struct {
	dump.Item
	at float64
}

func (s *runSorter) hold(item dump.Item) error {
	var run struct{ CreatedAt float64 }
	json.Unmarshal(item.Object.Object, &run) // what is wrong with it, the importer tells
	s.items = append(s.items, createdItem{item, run.CreatedAt})
	if s.bytes += len(item.Object.Object); s.bytes < maxSorted {
		return nil
	}
	return s.release()
}

func (s *runSorter) release() error {
	slices.SortStableFunc(s.items, func(a, b createdItem) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	for _, item := range s.items {
		if err := s.add(item.Item); err != nil {
			return err
		}
	}
	s.items, s.bytes = nil, 0
	return nil
}
