//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"assay/internal/inspector"
	"assay/internal/store"
)

const (
	goalInsert = 50_000 // findings a second
	goalPage   = 50     // milliseconds, of 99 pages in 100
)

// findings measures the store with many findings, on SQLite and, where
// ASSAY_BENCH_POSTGRES names a server, on PostgreSQL.
func (b *bench) findings(ctx context.Context) error {
	if b.findingStore != "" {
		return b.findingsIn(ctx, b.findingStore[:strings.IndexByte(b.findingStore+":", ':')], b.findingStore)
	}
	path := filepath.Join(b.work, "findings.db")
	failed := b.findingsIn(ctx, "SQLite", "sqlite:"+path)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(path + suffix)
	}
	server := os.Getenv("ASSAY_BENCH_POSTGRES")
	if server == "" {
		return errors.Join(failed, errors.New("there is no PostgreSQL: ASSAY_BENCH_POSTGRES is not set (scripts/bench.sh starts a server)"))
	}
	return errors.Join(failed, b.findingsInPostgres(ctx, server))
}

// findingsInPostgres makes a database of its own on a server.
func (b *bench) findingsInPostgres(ctx context.Context, server string) error {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE assay_bench"); err != nil {
		return err
	}
	defer db.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE assay_bench")
	address, err := url.Parse(server)
	if err != nil {
		return err
	}
	address.Path = "/assay_bench"
	return b.findingsIn(ctx, "PostgreSQL", address.String())
}

func (b *bench) findingsIn(ctx context.Context, name, dsn string) error {
	s, err := store.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer s.Close()
	f, runs := newFleet(), max(1, b.findingCount/findingsInRun)
	what := fmt.Sprintf("%d findings in %s", runs*findingsInRun, name)
	there, err := s.Runs(ctx, []string{fleetRun(runs - 1)})
	if err != nil {
		return err
	}
	if len(there) > 0 {
		b.table.add(what+", made before", "", "")
	} else if err := b.writing(ctx, f, s, runs, what); err != nil {
		return err
	}
	if err := b.listings(ctx, f, s, runs); err != nil {
		return err
	}
	if err := b.descriptions(ctx, s, runs); err != nil {
		return err
	}
	return b.deletion(ctx, f, s, runs)
}

// writing measures how fast findings are written.
func (b *bench) writing(ctx context.Context, f *fleet, s *store.Store, runs int, what string) error {
	total, began := float64(runs*findingsInRun), time.Now()
	cpu, err := spent(0, func() error { return f.load(ctx, s, runs) })
	if err != nil {
		return err
	}
	took := time.Since(began)
	size, err := databaseSize(ctx, s)
	if err != nil {
		return err
	}
	b.table.above(what+", written", total/took.Seconds(), "/s", goalInsert)
	b.table.plain("  processor time of this process for a finding, with making it", cpu.Seconds()*1e6/total, "us")
	b.table.plain("  size of the database", size/1e9, "GB")
	b.table.plain("  of each finding", size/total, "bytes")
	return nil
}

func databaseSize(ctx context.Context, s *store.Store) (size float64, err error) {
	q := "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if s.Postgres() {
		q = "SELECT pg_database_size(current_database())"
	}
	err = s.DB().QueryRowContext(ctx, q).Scan(&size)
	return size, err
}

// pages are times that pages took.
type pages struct {
	name        string
	took, spent []time.Duration
}

func percentile(all []time.Duration, p float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]) / 1e6
}

// pageRounds is how often each page is read.
const pageRounds = 1

// listings reads pages with every filter and every pair of filters.
func (b *bench) listings(ctx context.Context, f *fleet, s *store.Store, runs int) error {
	choices := f.choices(runs)
	choices = append(choices, choice{"none", "", func(*inspector.FindingFilter) {}})
	byPair := map[string]*pages{}
	bySize := map[int]*pages{10: {}, 500: {}}
	for i, one := range choices {
		for _, other := range choices[i:] {
			if one.member == other.member && one.matches != other.matches {
				continue
			}
			var filter inspector.FindingFilter
			one.set(&filter)
			if one.member != other.member {
				other.set(&filter)
			}
			pair := one.member + " and " + other.member
			if byPair[pair] == nil {
				byPair[pair] = &pages{name: pair}
			}
			for _, size := range []int{10, 500} {
				for _, after := range []string{"", fmt.Sprintf("%d/%d", runs/2, findingsInRun/2)} {
					name := fmt.Sprintf("%s: %s, %s: %s, %d after %q", one.member, one.matches, other.member, other.matches, size, after)
					if err := listing(ctx, s, filter, inspector.Page{Limit: size, After: after}, name, byPair[pair], bySize[size]); err != nil {
						return err
					}
				}
			}
		}
	}
	for _, size := range []int{10, 500} {
		b.table.below(fmt.Sprintf("  a page of %d, by every filter and pair, p99", size), percentile(bySize[size].took, 0.99), "ms", goalPage)
		b.table.plain("    in the middle", percentile(bySize[size].took, 0.5), "ms")
		b.table.plain("    the longest", percentile(bySize[size].took, 1), "ms")
		b.table.plain("    processor time of this process, p99", percentile(bySize[size].spent, 0.99), "ms")
	}
	worst := slices.SortedFunc(func(yield func(*pages) bool) {
		for _, p := range byPair {
			if !yield(p) {
				return
			}
		}
	}, func(a, b *pages) int { return int(percentile(b.took, 0.99)*1e3) - int(percentile(a.took, 0.99)*1e3) })
	for _, p := range worst[:min(5, len(worst))] {
		b.table.below("    "+p.name+", p99", percentile(p.took, 0.99), "ms", goalPage)
	}
	return nil
}

// listing reads one page some times; what it took is noted in each of these.
func listing(ctx context.Context, s *store.Store, f inspector.FindingFilter, p inspector.Page, name string, notes ...*pages) error {
	for round := range pageRounds {
		var refs []store.FindingRef
		began := time.Now()
		cpu, err := spent(0, func() (err error) { refs, _, err = s.ListFindings(ctx, f, p); return err })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		took := time.Since(began)
		for _, n := range notes {
			n.took, n.spent = append(n.took, took), append(n.spent, cpu)
		}
		if os.Getenv("ASSAY_BENCH_VERBOSE") != "" && round == 0 {
			fmt.Fprintf(os.Stderr, "%8.2f ms %8.2f ms cpu %4d %s\n", took.Seconds()*1e3, cpu.Seconds()*1e3, len(refs), name)
		}
	}
	return nil
}

// descriptions reads findings by their ids, as many as DescribeFindings is asked
// for, each of another run and all of the same.
func (b *bench) descriptions(ctx context.Context, s *store.Store, runs int) error {
	for _, size := range []int{10, 500} {
		var all pages
		for round := range 60 {
			var refs []store.FindingRef
			for len(refs) < size {
				n := 1
				if round%3 == 0 {
					n = size
				}
				page := inspector.Page{Limit: n, After: fmt.Sprintf("%d/%d", 1+rand.IntN(runs), rand.IntN(findingsInRun))}
				some, _, err := s.ListFindings(ctx, inspector.FindingFilter{}, page)
				if err != nil {
					return err
				}
				refs = append(refs, some...)
			}
			began := time.Now()
			found, err := s.FindingsAt(ctx, refs)
			if err != nil || len(found) == 0 {
				return fmt.Errorf("%d findings were found: %w", len(found), err)
			}
			all.took = append(all.took, time.Since(began))
		}
		b.table.below(fmt.Sprintf("  a description of %d findings, p99", size), percentile(all.took, 0.99), "ms", goalPage)
		b.table.plain("    in the middle", percentile(all.took, 0.5), "ms")
	}
	return nil
}

// deletion deletes a run of 100,000 findings.
func (b *bench) deletion(ctx context.Context, f *fleet, s *store.Store, runs int) error {
	run := inspector.Run{ID: "0-big00000", Target: "0-target00", Template: "0-templat0", Name: "big", CreatedAt: f.start(runs), State: inspector.EvaluatingRules}
	err := s.Update(ctx, func(tx *store.Tx) error {
		return tx.CreateRun(ctx, run, []byte("key"), nil, inspector.Limits{Runs: 1 << 30})
	})
	for host := 0; host < 200 && err == nil; host++ {
		err = saveHost(ctx, s, run.ID, f.findings(runs, runs+1, host))
	}
	if err != nil {
		return err
	}
	began := time.Now()
	if err := s.Update(ctx, func(tx *store.Tx) error {
		return tx.ChangeRunState(ctx, run.ID, inspector.Completed, f.start(runs))
	}); err != nil {
		return err
	}
	b.table.plain("  ending a run of 100000 findings", time.Since(began).Seconds(), "s")
	began = time.Now()
	if err := s.Update(ctx, func(tx *store.Tx) error { return tx.DeleteRun(ctx, run.ID) }); err != nil {
		return err
	}
	b.table.plain("  deleting a run of 100000 findings", time.Since(began).Seconds(), "s")
	return nil
}
