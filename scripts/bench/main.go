//go:build linux

// Command bench measures the programs as they are shipped, beside their peers and
// the goals that they were built for, and prints one table. Everything is
// processor time of the process in question, as the kernel counts it, so that
// what else the machine does changes little. `make bench` calls it;
// docs/benchmarks.md tells what the figures mean.
//
// It exits with 1 if anything could not be measured, a missing peer included. A
// goal that is missed is told in the table and is no failure: machines differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// bench is one run of all benchmarks.
type bench struct {
	bin    string // the folder with assay and assay-agent
	work   string // a folder to be thrown away
	shared string // the data beside the project
	idle   time.Duration
	table  table

	findingCount int    // how many findings there are in the store
	grypeDB      string // the folder with a database for grype
	pairs        int    // with and without what is measured
	works        string // those that are measured so; empty: all
	churn        time.Duration
	findingStore string // the address of a store that is kept, and used if it is there
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "run" {
		runMeasured(os.Args[2:])
		return
	}
	if len(os.Args) > 3 && os.Args[1] == "work" {
		runWork(os.Args[2:])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "match" {
		runMatch(os.Args[2:])
		return
	}
	var b bench
	flag.StringVar(&b.bin, "bin", "bin", "the `folder` with the two programs")
	flag.StringVar(&b.shared, "shared", os.Getenv("ASSAY_SHARED"), "the `folder` with the data beside the project")
	flag.DurationVar(&b.idle, "idle", time.Minute, "how `long` to watch the idle agent")
	flag.IntVar(&b.findingCount, "findings", 10_000_000, "the `number` of findings in the store of that part")
	flag.StringVar(&b.findingStore, "store", "", "measure that part with the store of this `address` alone, filling it if it is empty, and leave it there")
	flag.StringVar(&b.grypeDB, "grype-db", "", "the `folder` that scripts/grypedb.sh made")
	flag.IntVar(&b.pairs, "pairs", 20, "the `number` of pairs, with and without the agent's sensors, of the part overhead")
	flag.StringVar(&b.works, "works", "", "of the part overhead, measure `these` works only, separated by commas: null, open, exec, connect, build")
	flag.DurationVar(&b.churn, "churn", 5*time.Minute, "how `long` to observe in the part churn, at least 3m")
	only := flag.String("only", "", "measure this `part` alone: binaries, heartbeats, telemetry, parts, agent, overhead, churn, packages, oscap, cve, grype, signatures, findings")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type part struct {
	name    string
	measure func(*bench, context.Context) error
}

func parts() []part {
	return []part{
		{"binaries", (*bench).binaries},
		{"heartbeats", (*bench).heartbeats},
		{"telemetry", (*bench).telemetry},
		{"parts", (*bench).parts},
		{"agent", (*bench).agent},
		{"overhead", (*bench).overhead},
		{"churn", (*bench).churning},
		{"packages", (*bench).packages},
		{"oscap", (*bench).oscap},
		{"cve", (*bench).cve},
		{"grype", (*bench).grype},
		{"signatures", (*bench).signatures},
		{"findings", (*bench).findings},
	}
}

// run measures every part, prints what could be measured, and returns what could
// not.
func (b *bench) run(ctx context.Context, only string) error {
	work, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b.work = work
	if b.bin, err = filepath.Abs(b.bin); err != nil {
		return err
	}
	var failed []error
	if only == "" {
		failed = append(failed, missingPeers(b.dataStream())...)
	}
	began, known := time.Now(), false
	for _, p := range parts() {
		if only != "" && only != p.name {
			continue
		}
		known = true
		fmt.Fprintf(os.Stderr, "%4.0fs  %s\n", time.Since(began).Seconds(), p.name)
		if err := p.measure(b, ctx); err != nil {
			failed = append(failed, fmt.Errorf("%s was not measured: %w", p.name, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if !known {
		return fmt.Errorf("there is no part %q", only)
	}
	conditions(os.Stdout, time.Since(began))
	b.table.print(os.Stdout)
	return errors.Join(failed...)
}

// binaries tells the programs' sizes.
func (b *bench) binaries(context.Context) error {
	for _, p := range []struct {
		name   string
		budget float64
	}{{"assay", 50}, {"assay-agent", 16}} {
		info, err := os.Stat(filepath.Join(b.bin, p.name))
		if err != nil {
			return err
		}
		b.table.below("size of "+p.name, float64(info.Size())/1e6, "MB", p.budget)
	}
	return nil
}
