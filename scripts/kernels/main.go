// Command kernels keeps the list of kernels on which the agent's kernel programs are
// known to work. It reads the console of a kernel that was booted with the programs'
// tests (scripts/test-kernels.sh) and writes the outcome down; with -known it only tells,
// by its exit code, whether there is one of the same programs.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"time"
)

// outcome is what came of the tests on a kernel in one mode of lockdown.
type outcome struct {
	Kernel   string   `json:"kernel"` // its release
	Package  string   `json:"package"`
	Lockdown string   `json:"lockdown"` // "off", "integrity", "confidentiality"
	Builds   []string `json:"builds"`   // of the programs that passed all tests
	Failed   []string `json:"failed,omitempty"`
	Objects  string   `json:"objects"` // the beginning of the SHA-256 of the programs
	Tested   string   `json:"tested"`  // the day
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

func run(args []string, console io.Reader, out io.Writer) error {
	var (
		o     outcome
		list  string
		known bool
	)
	f := flag.NewFlagSet("kernels", flag.ContinueOnError)
	f.StringVar(&list, "list", "support/kernel-versions.json", "the list")
	f.StringVar(&o.Package, "package", "", "the kernel's package")
	f.StringVar(&o.Lockdown, "lockdown", "off", "the mode that it was booted in")
	f.StringVar(&o.Objects, "objects", "", "the programs' hash")
	f.BoolVar(&known, "known", false, "whether the outcome is in the list")
	if err := f.Parse(args); err != nil {
		return err
	}
	all, err := read(list)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(x outcome) bool { return x.Package == o.Package && x.Lockdown == o.Lockdown })
	if known {
		if at < 0 || all[at].Objects != o.Objects || len(all[at].Failed) > 0 {
			return errors.New("not known yet")
		}
		return nil
	}
	o.Tested = time.Now().UTC().Format(time.DateOnly)
	if err := o.read(console); err != nil {
		return fmt.Errorf("%s with lockdown=%s: %w", o.Package, o.Lockdown, err)
	}
	if at >= 0 {
		all = slices.Delete(all, at, at+1)
	}
	if err := write(list, append(all, o)); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s lockdown=%s: %v\n", o.Kernel, o.Lockdown, o.Builds)
	if len(o.Failed) > 0 || len(o.Builds) == 0 {
		return fmt.Errorf("%s with lockdown=%s: %v failed", o.Kernel, o.Lockdown, o.Failed)
	}
	return nil
}

var (
	tested  = regexp.MustCompile(`^KERNEL TESTED: (\S+) (.*?)\r?$`)
	verdict = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): (Test\w+)(?:/(\w+))? `)
)

// read takes the verdicts from a kernel's console. A build has to pass every test, and
// the tests as a whole have to come to their end.
func (o *outcome) read(console io.Reader) error {
	passed, short := map[string]int{}, map[string]bool{}
	lines := bufio.NewScanner(console)
	over := ""
	for lines.Scan() {
		if m := tested.FindStringSubmatch(lines.Text()); m != nil {
			o.Kernel, over = m[1], m[2]
		}
		m := verdict.FindStringSubmatch(lines.Text())
		switch {
		case m == nil:
		case m[1] == "FAIL":
			o.Failed = append(o.Failed, cmp.Or(m[2]+"/"+m[3], m[2]))
			short[m[3]] = true
		case m[3] != "" && m[1] == "SKIP":
			short[m[3]] = true
		case m[3] != "":
			passed[m[3]]++
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if o.Kernel == "" {
		return errors.New("the kernel did not come so far as to say how the tests went")
	}
	o.Builds = []string{}
	for build := range passed {
		if !short[build] {
			o.Builds = append(o.Builds, build)
		}
	}
	slices.Sort(o.Builds)
	if over != "<nil>" && len(o.Failed) == 0 {
		o.Failed = []string{over}
	}
	return nil
}

func read(list string) (all []outcome, err error) {
	data, err := os.ReadFile(list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("read %s: %w", list, err)
	}
	return all, nil
}

func write(list string, all []outcome) error {
	slices.SortFunc(all, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Lockdown, b.Lockdown))
	})
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(list, append(data, '\n'), 0o644)
}
