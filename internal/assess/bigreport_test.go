package assess

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"assay/internal/blob"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/store"
)

// heapWatch is an object store that looks at the heap while objects are written.
type heapWatch struct {
	blob.Store
	peak uint64
}

func (h *heapWatch) Put(ctx context.Context, name string, r io.Reader) error {
	return h.Store.Put(ctx, name, &watched{r, h, 0})
}

type watched struct {
	io.Reader
	heap *heapWatch
	read int
}

func (w *watched) Read(data []byte) (int, error) {
	n, err := w.Reader.Read(data)
	if w.read += n; w.read > 256<<10 {
		w.read = 0
		w.heap.look()
	}
	return n, err
}

func (h *heapWatch) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.peak = max(h.peak, m.HeapAlloc)
}

// A full report of a run with 500 hosts and 20,000 findings, read from a database
// and sealed, takes little memory. (With 100,000 findings, which take two minutes
// to write, the heap grew by 6 MB; package report tests documents of that size.)
func TestBigRunIsReportedInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a run of 20,000 findings")
	}
	const bound = 48 << 20
	hosts, each, least := 500, 40, int64(2<<20)
	if raced {
		hosts, each, least = 50, 20, 100<<10
	}
	folder, err := blob.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	watch := &heapWatch{Store: folder}
	w := newWorld(t, func(c *Config) { c.Blobs = watch })
	run := w.bigRun(hosts, each)
	for _, format := range []inspector.ReportFormat{inspector.ReportHTML, inspector.ReportPDF} {
		w.ask(run, inspector.ReportFull, format)
		runtime.GC()
		watch.peak = 0
		watch.look()
		before, began := watch.peak, time.Now()
		for _, err := range w.work(false) {
			t.Fatal(err)
		}
		p := w.ask(run, inspector.ReportFull, format)
		grown := int64(watch.peak) - int64(before)
		t.Logf("%s: %s, %d MB of document, %d MB of heap, %s", format, p.Status, p.Size>>20, grown>>20, time.Since(began).Round(time.Second))
		if p.Status != inspector.ReportCompleted || p.Size < least {
			t.Errorf("%s: the report is %+v", format, p)
		}
		if grown > bound {
			t.Errorf("%s: the heap has grown by %d MB, more than %d MB", format, grown>>20, bound>>20)
		}
	}
}

// bigRun writes a run that is over.
func (w *world) bigRun(hosts, each int) string {
	w.t.Helper()
	ctx, template := w.t.Context(), w.template(time.Hour)
	run := inspector.Run{ID: inspector.NewID(), Target: template.Target, Template: template.ID, Name: "big", Duration: time.Hour, Packages: template.Packages, CreatedAt: noon, State: inspector.EvaluatingRules}
	var agents []string
	for i := range hosts {
		agents = append(agents, fmt.Sprintf("i-%017x", i))
	}
	update := func(fn func(tx *store.Tx) error) {
		if err := w.Store.Update(ctx, fn); err != nil {
			w.t.Fatal(err)
		}
	}
	update(func(tx *store.Tx) error {
		return tx.CreateRun(ctx, run, []byte("key"), agents, inspector.Limits{})
	})
	for n, agent := range agents {
		update(func(tx *store.Tx) error { return w.bigHost(tx, run, n, agent, each) })
	}
	update(func(tx *store.Tx) error { return tx.ChangeRunState(ctx, run.ID, inspector.Completed, noon) })
	return run.ID
}

func (w *world) bigHost(tx *store.Tx, run inspector.Run, n int, agent string, each int) error {
	var found []inspector.Finding
	results := HostResults{Package: inspector.PackagePractices, Version: "1", EvaluatedAt: noon}
	for i := range each {
		evidence := []inspector.Evidence{{Sensor: "packages", Record: "package:dpkg:openssl", Found: fmt.Sprintf("openssl 3.0.%d on %d", i, n), Expected: "3.0.15-1 or later"}}
		found = append(found, inspector.Finding{
			ID: inspector.NewID(), Agent: agent, Package: inspector.PackagePractices, PackageARN: run.Packages[0], Rule: fmt.Sprintf("CVE-2026-%d", 10_000+i), FindingID: fmt.Sprintf("CVE-2026-%d", 10_000+i),
			Title: "Instance " + agent + " is vulnerable", Description: "The version is old.\n\nA fault that lets somebody in.", Recommendation: "Update it.",
			Severity: inspector.High, Asset: inspector.Asset{Agent: agent, Hostname: "web"}, CreatedAt: noon, UpdatedAt: noon, Evidence: evidence,
		})
		results.Results = append(results.Results, rules.Result{Rule: fmt.Sprintf("CVE-2026-%d", 10_000+i), Verdict: rules.Failed, Reason: "The version is old.", Evidence: evidence})
	}
	kept, err := encodeResults(results)
	if err != nil {
		return err
	}
	return tx.SaveResults(w.t.Context(), run.ID, agent, inspector.PackagePractices, kept, found, nil)
}
