package report

import (
	"bytes"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"assay/internal/inspector"
)

// big is a run of many hosts with so many findings, of which nothing is held.
func big(kind inspector.ReportType, hosts, groups int) Report {
	r := large(kind)
	r.Hosts = hosts
	r.AllHosts = generated(hosts, host)
	r.Groups = generated(groups, func(g int) Group {
		return Group{Package: inspector.PackageCVE, Severity: inspector.High, ID: fmt.Sprintf("CVE-2026-%d", 10_000+g), Count: int64(hosts), Hosts: int64(hosts),
			Findings: generated(hosts, func(i int) inspector.Finding {
				f := rootLogin(i) // each host has evidence of its own
				f.Evidence[0].Found = fmt.Sprintf("PermitRootLogin yes # on %d", i)
				return f
			})}
	})
	r.AllExclusions = generated(hosts, func(i int) inspector.Exclusion {
		return inspector.Exclusion{Title: "Agent unhealthy", Description: "The agent was not heard of.", Recommendation: "Look.", Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: hostID(i)}}}
	})
	r.Results = generated(hosts, func(i int) Results {
		out := Results{Host: hostID(i), HostName: "web", Package: inspector.PackagePractices, EvaluatedAt: noon}
		for j := range 200 {
			out.Verdicts = append(out.Verdicts, Verdict{Rule: fmt.Sprintf("rule-%d", j), Verdict: "passed", Reason: "The kernel's parameter has the value that it should have."})
		}
		return out
	})
	return r
}

func generated[T any](n int, make func(int) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range n {
			if !yield(make(i), nil) {
				return
			}
		}
	}
}

// sampler is a writer that looks at the heap now and then, and counts.
type sampler struct {
	n, next int64
	peak    uint64
}

func (s *sampler) Write(data []byte) (int, error) {
	s.n += int64(len(data))
	if s.n >= s.next {
		s.look()
		s.next = s.n + 1<<20
	}
	return len(data), nil
}

func (s *sampler) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.peak = max(s.peak, m.HeapAlloc)
}

// A report of 500 hosts with 100,000 findings, and 100,000 results of rules beside
// them, takes the memory of a small one: what is held of a document are a few
// bytes a page, the bookmarks, and which characters it has.
func TestBigReportsTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes documents of thousands of pages")
	}
	const bound = 48 << 20
	for _, format := range []inspector.ReportFormat{inspector.ReportHTML, inspector.ReportPDF} {
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		s, began := &sampler{}, time.Now()
		if err := Write(s, big(inspector.ReportFull, 500, 200), format); err != nil {
			t.Fatal(err)
		}
		s.look()
		grown := int64(s.peak) - int64(before.HeapAlloc)
		t.Logf("%s: %d MB of document, %d MB of heap, %s", format, s.n>>20, grown>>20, time.Since(began).Round(time.Millisecond))
		if grown > bound {
			t.Errorf("%s: the heap has grown by %d MB, more than %d MB", format, grown>>20, bound>>20)
		}
		if s.n < 5<<20 {
			t.Errorf("%s: a document of %d bytes cannot have it all", format, s.n)
		}
	}
}

// The error of an iterator, and of the writer, ends a document.
func TestErrorsEndADocument(t *testing.T) {
	for _, format := range []inspector.ReportFormat{inspector.ReportHTML, inspector.ReportPDF} {
		r := one(inspector.ReportFull)
		r.AllHosts = func(yield func(Host, error) bool) { yield(Host{}, fmt.Errorf("the database is away")) }
		var out bytes.Buffer
		if err := Write(&out, r, format); err == nil || err.Error() != "the database is away" {
			t.Errorf("%s: %v", format, err)
		}
		if bytes.Contains(out.Bytes(), []byte("%%EOF")) || bytes.Contains(out.Bytes(), []byte("</html>")) {
			t.Errorf("%s: a document that was cut off looks whole", format)
		}
		if err := Write(full{}, large(inspector.ReportFull), format); err == nil {
			t.Errorf("%s: a full disk is no error", format)
		}
	}
	if err := Write(&bytes.Buffer{}, one(inspector.ReportFull), "DOC"); err == nil {
		t.Error("a format that there is not is no error")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("the disk is full") }
