// Command testreport reads what `go test -json` prints and tells it to people: a
// line for each package, the whole output of what failed, every skipped test with
// its reason, and the counts. It exits with 1 if anything failed, or if no test
// was run at all.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is a line of `go doc test2json`.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

type report struct {
	passed, failed int
	skips          []string
	broken         bool                // something failed that is not a test: a build, a package
	output         map[string][]string // of each test, and of each package under "package\x00"
}

func main() {
	r := &report{output: map[string][]string{}}
	if err := r.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !r.summary(os.Stdout) {
		os.Exit(1)
	}
}

func (r *report) read(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // of the go command itself
			r.broken = true
			continue
		}
		r.handle(e, out)
	}
	return lines.Err()
}

func (r *report) handle(e event, out io.Writer) {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Fprint(out, e.Output)
	case "build-fail":
		r.broken = true
	case "pass", "skip", "fail":
		r.finish(e, key, out)
	}
}

// finish counts a test or package that has ended and forgets its output.
func (r *report) finish(e event, key string, out io.Writer) {
	text := r.output[key]
	delete(r.output, key)
	if e.Test == "" {
		r.finishPackage(e, text, out)
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skips = append(r.skips, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(text)))
	case "fail":
		r.failed++
		fmt.Fprintf(out, "\n%s %s\n%s", e.Package, e.Test, strings.Join(text, ""))
	}
}

func (r *report) finishPackage(e event, text []string, out io.Writer) {
	switch {
	case e.Action == "fail":
		r.broken = true
		fmt.Fprintf(out, "FAIL %s (%.1fs)\n%s", e.Package, e.Elapsed, strings.Join(text, ""))
	case e.Action == "pass":
		fmt.Fprintf(out, "ok   %s (%.1fs)\n", e.Package, e.Elapsed)
	}
}

// reason finds what t.Skip said: the line with the test's file, without its
// position.
func reason(output []string) string {
	for _, line := range output {
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			_, text, _ = strings.Cut(text, ": ")
			return strings.TrimSpace(text)
		}
	}
	return "no reason given"
}

// summary prints the list of skipped tests and the counts, and tells whether all
// is well.
func (r *report) summary(out io.Writer) bool {
	if len(r.skips) > 0 {
		fmt.Fprintf(out, "\nNot tested, because the machine lacks something:\n")
		for _, s := range r.skips {
			fmt.Fprintln(out, "  "+s)
		}
	}
	if r.broken && r.failed == 0 {
		r.failed++ // a build that failed, say: it must count
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skips))
	return r.failed == 0 && r.passed > 0
}
