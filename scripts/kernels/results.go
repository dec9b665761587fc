package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"assay/support"
)

// lockdowns are the modes that a boot goes through, by the kernel's own names.
var lockdowns = []struct{ kernel, ours string }{{"none", "off"}, {"integrity", "integrity"}, {"confidentiality", "confidentiality"}}

// results reads what scripts/kernels/init and the test programs said in one boot. It is
// strict: everything that is expected has to be there, in its order, and nothing else.
type results struct {
	lines  *bufio.Scanner
	boot   boot
	modes  []support.Mode
	failed []string
}

// readResults is what passed in a boot. The error says what did not.
func readResults(in io.Reader, bpf bool) (*results, error) {
	r := &results{lines: bufio.NewScanner(in)}
	r.lines.Buffer(nil, 1<<20)
	if err := r.all(bpf); err != nil {
		return nil, errors.Join(err, r.lines.Err())
	}
	if len(r.failed) > 0 {
		return nil, errors.New(strings.Join(r.failed, "; "))
	}
	return r, nil
}

func (r *results) all(bpf bool) (err error) {
	if r.boot.release, err = r.word("RELEASE"); err != nil {
		return err
	}
	modules, err := r.word("LSM")
	if err != nil {
		return err
	}
	if r.boot.bpf = slices.Contains(strings.Split(modules, ","), "bpf"); r.boot.bpf != bpf {
		return fmt.Errorf("the security modules are %s", modules)
	}
	for _, l := range lockdowns {
		mode, err := r.word("LOCKDOWN")
		if err != nil {
			return err
		}
		if !strings.Contains(mode, "["+l.kernel+"]") {
			return fmt.Errorf("lockdown is %q, not %s", mode, l.kernel)
		}
		r.boot.lockdown = l.ours
		if err := r.mode(); err != nil {
			return fmt.Errorf("lockdown=%s: %w", l.ours, err)
		}
	}
	_, err = r.word("TESTED")
	return err
}

// word reads the next line, which is one of init's.
func (r *results) word(name string) (string, error) {
	line, ok := r.next()
	if !ok {
		return "", fmt.Errorf("the kernel did not come so far as to say %q", name)
	}
	text, ok := strings.CutPrefix(line, "KERNEL "+name)
	if !ok {
		return "", fmt.Errorf("%q, where %q was to come", line, "KERNEL "+name)
	}
	return strings.TrimPrefix(text, ": "), nil
}

func (r *results) next() (string, bool) {
	for r.lines.Scan() {
		if line := strings.TrimRight(r.lines.Text(), "\r"); line != "" {
			return line, true
		}
	}
	return "", false
}

func (r *results) mode() error {
	m := support.Mode{Lockdown: r.boot.lockdown, BPF: r.boot.bpf, Passed: map[string][]string{}}
	for _, s := range sorted(suites) {
		if name, err := r.word("SUITE"); err != nil || name != s.name() {
			return fmt.Errorf("%s: %q, %w", s.name(), name, err)
		}
		o, err := r.suite(s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name(), err)
		}
		r.failed = append(r.failed, o.judge(s, r.boot, &m)...)
	}
	r.modes = append(r.modes, m)
	return nil
}

// sorted are the suites as init runs them: by name.
func sorted(all []suite) []suite {
	return slices.SortedFunc(slices.Values(all), func(a, b suite) int { return strings.Compare(a.name(), b.name()) })
}

var (
	begins  = regexp.MustCompile(`^=== (RUN|CONT|NAME) +(\S+)$`)
	verdict = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): (\S+) \(`)
	said    = regexp.MustCompile(`^ +\w+\.go:\d+: (.*)$`)
)

// outcome is what a test program said of its tests.
type outcome struct {
	verdicts map[string]string // by test; "" of one that has only begun
	reasons  map[string]string // what it said last
	end      string            // of the program: <nil>, if all is well
}

// suite reads a test program's output to its end.
func (r *results) suite(s suite) (outcome, error) {
	o := outcome{verdicts: map[string]string{}, reasons: map[string]string{}}
	test := ""
	for {
		line, ok := r.next()
		if !ok {
			return o, errors.New("the kernel did not come to its end")
		}
		if end, ok := strings.CutPrefix(line, "KERNEL SUITE OVER: "+s.name()+" "); ok {
			o.end = end
			return o, nil
		}
		if m := begins.FindStringSubmatch(line); m != nil {
			test = m[2]
			if m[1] == "RUN" {
				o.verdicts[test] = ""
			}
		} else if m := said.FindStringSubmatch(line); m != nil {
			o.reasons[test] = m[1]
		} else if m := verdict.FindStringSubmatch(line); m != nil {
			o.verdicts[m[2]] = m[1]
		}
	}
}
