package assess

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"assay/internal/blob"
	"assay/internal/inspector"
)

// completed is a run of two hosts that is over: one can be logged in to as root.
func (w *world) completed() inspector.Run {
	w.t.Helper()
	agents := []string{w.enrol(), w.enrol()}
	w.beat(agents[0])
	w.beat(agents[1])
	run := w.start(w.template(time.Hour))
	w.collect(agents[0], run.ID, "PermitRootLogin yes\n")
	w.collect(agents[1], run.ID, "PermitRootLogin no\n")
	w.mustWork()
	run = w.run(run.ID)
	if !run.State.Final() {
		w.t.Fatalf("the run is %s", run.State)
	}
	return run
}

func (w *world) ask(run string, kind inspector.ReportType, format inspector.ReportFormat) inspector.Report {
	w.t.Helper()
	p, err := w.RequestReport(w.t.Context(), run, kind, format)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) document(id string) []byte {
	w.t.Helper()
	_, document, err := w.OpenReport(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	defer document.Close()
	data, err := io.ReadAll(document)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) reportObjects() []string {
	w.t.Helper()
	var names []string
	if err := w.blobs.List(w.t.Context(), reportObjects, func(e blob.Entry) error { names = append(names, e.Name); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return names
}

func TestReports(t *testing.T) {
	w := newWorld(t)
	run := w.completed()
	for _, kind := range []inspector.ReportType{inspector.ReportFinding, inspector.ReportFull} {
		for _, format := range []inspector.ReportFormat{inspector.ReportHTML, inspector.ReportPDF} {
			first := w.ask(run.ID, kind, format)
			if again := w.ask(run.ID, kind, format); first.Status != inspector.ReportInProgress || again.ID != first.ID || again.Status != first.Status {
				t.Errorf("%s %s: %+v, then %+v", kind, format, first, again)
			}
			if _, _, err := w.OpenReport(t.Context(), first.ID); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a report in progress can be opened: %v", err)
			}
			w.mustWork()
			p := w.ask(run.ID, kind, format)
			data := w.document(p.ID)
			if p.Status != inspector.ReportCompleted || p.ID != first.ID || p.Size != int64(len(data)) {
				t.Errorf("%s %s: %+v, a document of %d bytes", kind, format, p, len(data))
			}
			if format == inspector.ReportHTML {
				w.readHTML(string(data), kind)
			} else if !bytes.HasPrefix(data, []byte("%PDF-")) || !bytes.HasSuffix(data, []byte("%%EOF\n")) {
				t.Errorf("%s: no PDF", kind)
			}
		}
	}
	for _, name := range w.reportObjects() {
		sealed, err := w.blobs.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(sealed)
		if bytes.Contains(data, []byte("Weekly")) || bytes.Contains(data, []byte("%PDF")) {
			t.Errorf("the object %s is not sealed", name)
		}
	}
}

func (w *world) readHTML(text string, kind inspector.ReportType) {
	w.t.Helper()
	want := []string{"Weekly", "Disable root login over SSH", "root can log in", "PermitRootLogin yes", "Security Best Practices, version 1", "1 host", "There are no exclusions", "web-1"}
	full := []string{"Rules that were checked", "Enable ASLR", "no root login"}
	for _, s := range want {
		if !strings.Contains(text, s) {
			w.t.Errorf("the %s report does not say %q", kind, s)
		}
	}
	for _, s := range full {
		if strings.Contains(text, s) != (kind == inspector.ReportFull) {
			w.t.Errorf("the %s report, %q: %v", kind, s, strings.Contains(text, s))
		}
	}
}

func TestReportRefusals(t *testing.T) {
	w := newWorld(t)
	refused := func(run string, kind inspector.ErrorKind, code string) {
		t.Helper()
		_, err := w.RequestReport(t.Context(), run, inspector.ReportFull, inspector.ReportPDF)
		var e *inspector.Err
		if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
			t.Errorf("run %s: %v, want %s", run, err, kind)
		}
		if kind == inspector.RunInProgress && (len(e.Runs) != 1 || !strings.HasSuffix(e.Runs[0], run)) {
			t.Errorf("the run in progress is told as %v", e.Runs)
		}
	}
	refused("0-aaaaaaaa", inspector.NoSuchEntity, "ASSESSMENT_RUN_DOES_NOT_EXIST")
	w.beat(w.enrol())
	run := w.start(w.template(time.Hour))
	refused(run.ID, inspector.RunInProgress, "")
	if err := w.StopRun(t.Context(), run.ID, inspector.SkipEvaluation); err != nil {
		t.Fatal(err)
	}
	refused(run.ID, inspector.UnsupportedFeature, "")
}

// A report that fails is told as failed once; then it is tried again.
func TestReportFails(t *testing.T) {
	w := newWorld(t)
	run := w.completed()
	w.ask(run.ID, inspector.ReportFull, inspector.ReportPDF)
	w.blobs.put = errors.New("the disk is full")
	for range reportAttempts {
		w.work(true)
		w.clock.add(time.Hour)
	}
	w.blobs.put = nil
	if p := w.ask(run.ID, inspector.ReportFull, inspector.ReportPDF); p.Status != inspector.ReportFailed {
		t.Fatalf("the report is %+v", p)
	}
	if p := w.ask(run.ID, inspector.ReportFull, inspector.ReportPDF); p.Status != inspector.ReportInProgress {
		t.Fatalf("the report is not tried again: %+v", p)
	}
	w.mustWork()
	if p := w.ask(run.ID, inspector.ReportFull, inspector.ReportPDF); p.Status != inspector.ReportCompleted {
		t.Fatalf("the report is %+v", p)
	}
}

// A report is deleted after its time, and made again when somebody wants it.
func TestReportExpires(t *testing.T) {
	w := newWorld(t)
	run := w.completed()
	w.ask(run.ID, inspector.ReportFinding, inspector.ReportHTML)
	w.mustWork()
	old := w.ask(run.ID, inspector.ReportFinding, inspector.ReportHTML)
	w.clock.add(w.ReportLife)
	if _, _, err := w.OpenReport(t.Context(), old.ID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an old report can be opened: %v", err)
	}
	w.clock.add(time.Second)
	if err := w.dropReports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.deleteDoomed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := w.reportObjects(); len(left) > 0 {
		t.Errorf("objects are left: %v", left)
	}
	w.ask(run.ID, inspector.ReportFinding, inspector.ReportHTML)
	w.mustWork()
	if p := w.ask(run.ID, inspector.ReportFinding, inspector.ReportHTML); p.Status != inspector.ReportCompleted || p.ID == old.ID {
		t.Errorf("the report is not made again: %+v", p)
	}
}

// With its run a report is deleted, also one that is being made.
func TestReportsOfDeletedRuns(t *testing.T) {
	w := newWorld(t)
	run := w.completed()
	w.ask(run.ID, inspector.ReportFinding, inspector.ReportHTML)
	w.mustWork()
	done := w.ask(run.ID, inspector.ReportFinding, inspector.ReportHTML)
	making := w.ask(run.ID, inspector.ReportFull, inspector.ReportHTML)
	// The run is deleted while the document is written.
	w.blobs.during = func() {
		if err := w.DeleteRun(t.Context(), run.ID); err != nil {
			t.Error(err)
		}
		if err := w.deleteDoomed(t.Context()); err != nil {
			t.Error(err)
		}
	}
	w.work(true)
	for _, p := range []inspector.Report{done, making} {
		if _, _, err := w.OpenReport(t.Context(), p.ID); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the report %+v of a deleted run can be opened: %v", p, err)
		}
	}
	if left := w.objects(); len(left) > 0 {
		t.Errorf("objects are left: %v", left)
	}
}

// Killed at any of its durable steps, a report is made all the same, and nothing is
// left over.
func TestReportKilledAtEveryStep(t *testing.T) {
	for at := 1; at <= 5; at++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("at step %d, after %v", at, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				run := w.completed()
				k, bare := &killer{at: at, after: after}, w.Config
				k.arm(w.Service)
				for range 6 {
					w.RequestReport(t.Context(), run.ID, inspector.ReportFull, inspector.ReportHTML)
					w.work(true)
					w.clock.add(time.Minute)
					if k.name != "" && w.Blobs != bare.Blobs {
						w.Config = bare
						w = w.replica()
					}
				}
				p := w.ask(run.ID, inspector.ReportFull, inspector.ReportHTML)
				if p.Status != inspector.ReportCompleted {
					t.Fatalf("the report is %+v (%s)", p, k.name)
				}
				w.readHTML(string(w.document(p.ID)), inspector.ReportFull)
				if left := w.reportObjects(); len(left) != 1 {
					t.Errorf("the objects of one report are %v (%s)", left, k.name)
				}
			})
		}
	}
}

// A job that takes the program down with it is not begun for ever.
func TestReportThatTakesTheProgramDown(t *testing.T) {
	w := newWorld(t)
	run := w.completed()
	p := w.ask(run.ID, inspector.ReportFull, inspector.ReportHTML)
	job := w.queue.read("WHERE kind = 'report'")[0]
	job.Attempt = reportAttempts + 1
	if err := w.writeReport(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if got := w.ask(run.ID, inspector.ReportFull, inspector.ReportHTML); got.Status != inspector.ReportFailed || got.ID != p.ID {
		t.Errorf("the report is %+v", got)
	}
}
