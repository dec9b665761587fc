//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// table is what is printed: Markdown that is aligned to be read as it is.
type table struct{ rows [][3]string }

func (t *table) add(what, result, goal string) {
	t.rows = append(t.rows, [3]string{what, result, goal})
}

// number prints a value with three figures.
func number(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// plain is a figure without a goal.
func (t *table) plain(what string, v float64, unit string) { t.add(what, number(v)+" "+unit, "") }

// below is a figure that is to be at most its goal.
func (t *table) below(what string, v float64, unit string, goal float64) {
	t.add(what, number(v)+" "+unit, fmt.Sprintf("at most %v %s: %s", goal, unit, verdict(v <= goal)))
}

// above is a figure that is to be at least its goal.
func (t *table) above(what string, v float64, unit string, goal float64) {
	t.add(what, number(v)+" "+unit, fmt.Sprintf("at least %v %s: %s", goal, unit, verdict(v >= goal)))
}

// beside is a figure with that of a peer, and their ratio: below 1, ours is less.
func (t *table) beside(what string, ours, theirs float64, unit, peer string) {
	t.add(what, number(ours)+" "+unit, fmt.Sprintf("%s: %s %s, ratio %s", peer, number(theirs), unit, number(ours/theirs)))
}

func (t *table) print(w io.Writer) {
	rows := append([][3]string{{"what", "result", "goal or peer"}}, t.rows...)
	var width [3]int
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for n, r := range rows {
		fmt.Fprintf(w, "| %-*s | %-*s | %-*s |\n", width[0], r[0], width[1], r[1], width[2], r[2])
		if n == 0 {
			fmt.Fprintf(w, "|%s|%s|%s|\n", strings.Repeat("-", width[0]+2), strings.Repeat("-", width[1]+2), strings.Repeat("-", width[2]+2))
		}
	}
}

// conditions prints what the figures were measured on.
func conditions(w io.Writer, took time.Duration) {
	var uts unix.Utsname
	unix.Uname(&uts)
	fmt.Fprintf(w, "%s, commit %s, %s, took %s\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), commit(), runtime.Version(), took.Round(time.Second))
	fmt.Fprintf(w, "%s, %d cores, Linux %s, load %s\n\n", processor(), runtime.NumCPU(), unix.ByteSliceToString(uts.Release[:]), loadAverage())
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(out))
}

func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(data))[:3], " ")
}

func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor (" + runtime.GOARCH + ")"
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
