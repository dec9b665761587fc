package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/durable"
	"assay/internal/inspector"
)

// report gets a report of a run into a file.
func (c *Command) report(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	kind := set.String("type", "finding", "`finding`: what was found; full: every rule that was checked as well")
	format := set.String("format", "", "html or pdf; default what the ending of -o says, else `pdf`")
	out := set.String("o", "", "the `file` to write; default assessment-report-RUN-TYPE.FORMAT in this folder")
	force := set.Bool("force", false, "replace a file that is there")
	if err := c.parse(set, args, 0, 1); err != nil {
		return err
	}
	want, err := reportWanted(*kind, *format, *out)
	if err != nil {
		return err
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	run, err := client.findRun(ctx, set.Arg(0))
	if err != nil {
		return err
	}
	path := cmp.Or(*out, "assessment-report-"+shortID(run)+"-"+strings.ToLower(string(want.Type)+"."+string(want.Format)))
	if _, err := os.Lstat(path); err == nil && !*force {
		return exists(path)
	}
	url, err := c.awaitReport(ctx, client, run, want)
	if err != nil {
		return err
	}
	if err := c.download(ctx, client, url, path, *force); err != nil {
		return err
	}
	fmt.Fprintln(text{c.Stdout}, path)
	return nil
}

func exists(path string) error {
	return fmt.Errorf("%s exists: -force replaces it, -o names another file", path)
}

// reportWanted reads the flags.
func reportWanted(kind, format, out string) (inspector.Report, error) {
	if format == "" {
		format = "pdf"
		if ending := strings.ToLower(filepath.Ext(out)); ending == ".html" || ending == ".htm" {
			format = "html"
		}
	}
	p := inspector.Report{Type: inspector.ReportType(strings.ToUpper(kind)), Format: inspector.ReportFormat(strings.ToUpper(format))}
	if p.Type != inspector.ReportFinding && p.Type != inspector.ReportFull {
		return p, usagef("there is no report of the -type %q: finding, full", kind)
	}
	if p.Format != inspector.ReportHTML && p.Format != inspector.ReportPDF {
		return p, usagef("there is no report in the -format %q: html, pdf", format)
	}
	return p, nil
}

// reportPoll is the pause between two looks at a report that is being made.
const reportPoll = 500 * time.Millisecond

// awaitReport waits until a report is made, and returns where it is.
func (c *Command) awaitReport(ctx context.Context, client *client, run string, want inspector.Report) (url string, err error) {
	client.patience = time.Minute
	show := c.progress()
	defer show.done()
	for began := time.Now(); ; {
		var out model.GetAssessmentReportResponse
		in := map[string]any{"assessmentRunArn": run, "reportType": string(want.Type), "reportFileFormat": string(want.Format)}
		if err := client.inspector(ctx, "GetAssessmentReport", in, &out); err != nil {
			return "", err
		}
		switch inspector.ReportStatus(out.Status) {
		case inspector.ReportCompleted:
			return out.Url, nil
		case inspector.ReportFailed:
			return "", errors.New("the service could not make the report: its log says why; the same command tries again")
		}
		show.show("the report is being made: %s", time.Since(began).Round(time.Second))
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(reportPoll):
		}
	}
}

// download reads a report into a file that is there wholly or not at all, and never
// over one that must stay.
func (c *Command) download(ctx context.Context, client *client, url, path string, force bool) error {
	write := durable.Create
	if force {
		write = durable.Replace
	}
	err := write(path, func(file *os.File) error { return c.fetch(ctx, client, url, file) })
	if errors.Is(err, fs.ErrExist) {
		return exists(path)
	}
	return err
}

// silence is how long a download may stand still.
const silence = time.Minute

// fetch reads what is behind an url, however long that takes.
func (c *Command) fetch(ctx context.Context, client *client, url string, to io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errors.New("the service has stopped sending")) })
	defer watch.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: client.http.Transport}).Do(r)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		return fmt.Errorf("read the report: %s: %s", answer.Status, oneLine(string(said)))
	}
	show := c.progress()
	defer show.done()
	read := int64(0)
	_, err = io.Copy(to, reading{answer.Body, func(n int) {
		watch.Reset(silence)
		read += int64(n)
		show.show("reading the report: %d of %d KB", read/1000, answer.ContentLength/1000)
	}})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// reading tells of everything that is read.
type reading struct {
	io.Reader
	told func(n int)
}

func (r reading) Read(data []byte) (int, error) {
	n, err := r.Reader.Read(data)
	r.told(n)
	return n, err
}
