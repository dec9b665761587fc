//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"assay/internal/advisory/index"
	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/catalog"
	"assay/internal/telemetry"
	"assay/internal/vault"
)

// parts measures in this process, on one core, what taking telemetry and
// evaluating a host consist of.
func (b *bench) parts(ctx context.Context) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	path, err := b.snapshot(ctx)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var decoded float64
	decode, err := repeated(func() error { n, err := readAll(data); decoded = float64(n) / 1e6; return err })
	if err != nil {
		return err
	}
	sealed, err := sealing()
	if err != nil {
		return err
	}
	b.table.plain("decoding and validating telemetry", decoded/decode.Seconds(), "MB/s/core of JSON")
	b.table.plain("sealing (AES-256-GCM-HKDF)", sealed, "MB/s/core of zstd")
	return b.evaluation(ctx, data)
}

// repeated is the median of what fn costs.
func repeated(fn func() error) (time.Duration, error) {
	var costs []float64
	for range 15 {
		cpu, err := spent(0, fn)
		if err != nil {
			return 0, err
		}
		costs = append(costs, float64(cpu))
	}
	return time.Duration(median(costs)), nil
}

func readAll(data []byte) (int64, error) {
	r, err := telemetry.NewReader(bytes.NewReader(data), telemetry.Limits{})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for {
		if _, err := r.Next(); err == io.EOF {
			return r.Bytes(), nil
		} else if err != nil {
			return 0, err
		}
	}
}

func sealing() (float64, error) {
	key, err := vault.NewDataKey()
	if err != nil {
		return 0, err
	}
	data := make([]byte, 16<<20)
	cpu, err := repeated(func() error {
		w, err := key.Seal(io.Discard, []byte("bench"))
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		return w.Close()
	})
	return float64(len(data)) / 1e6 / cpu.Seconds(), err
}

// evaluation measures a snapshot's way to findings: read into a host, judged by
// every rules package, and what findings are made of that.
func (b *bench) evaluation(ctx context.Context, data []byte) error {
	var h *host.Host
	read, err := repeated(func() (err error) { h, err = readHost(data); return err })
	if err != nil {
		return err
	}
	packages := catalog.Packages(&index.Current{})
	results := make([][]rules.Result, len(packages))
	judge, err := repeated(func() (err error) {
		for i, p := range packages {
			if results[i], err = p.Evaluate(ctx, h, rules.Input{Now: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	findings := 0
	derive, err := repeated(func() error {
		findings = 0
		for i, p := range packages {
			found, _ := rules.Derive(p.Describe(), rules.Subject{Agent: inspector.Asset{Agent: "i-0123456789abcdef0"}, Now: time.Now()}, results[i])
			findings += len(found)
		}
		return nil
	})
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	b.table.below("evaluation of everything of this host, in memory", ms(read+judge+derive), "ms", goalEvaluate)
	b.table.plain("  reading its telemetry", ms(read), "ms")
	b.table.plain(fmt.Sprintf("  judging by %d rules packages", len(packages)), ms(judge), "ms")
	b.table.plain(fmt.Sprintf("  making %d findings", findings), ms(derive), "ms")
	return err
}

func readHost(data []byte) (*host.Host, error) {
	r, err := telemetry.NewReader(bytes.NewReader(data), telemetry.Limits{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	h := host.New("i-0123456789abcdef0")
	if err := h.Read(r); err != nil {
		return nil, err
	}
	h.Seal()
	return h, nil
}
