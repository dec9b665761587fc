// Command kernels keeps support/kernel-versions.json, the list of the kernels in which the
// kernel sensors are proven. scripts/test-kernels.sh calls it:
//
//	kernels suites    the test programs: a line of name, package, arguments for each
//	kernels current   fails if the list is of other objects or sensors than these
//	kernels known     whether an outcome of the same objects is in the list, by exit code
//	kernels record    reads what a boot said, and enters it
//	kernels compare   reads what a boot said, and fails if the list says anything else
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"assay/support"
)

func main() {
	if err := command(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

// call is what the command line says.
type call struct {
	list, sensors    string // where they are
	results, console string // what the serial ports said
	kernel           support.Kernel
	bpf              bool
}

func command(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("which command?")
	}
	var c call
	f := flag.NewFlagSet("kernels", flag.ContinueOnError)
	f.StringVar(&c.list, "list", "support/kernel-versions.json", "the list")
	f.StringVar(&c.sensors, "sensors", "internal/sensor", "the folder of the sensors with their objects")
	f.StringVar(&c.results, "results", "", "what the tests said")
	f.StringVar(&c.console, "console", "", "what the kernel said")
	f.StringVar(&c.kernel.Package, "package", "", "the kernel's package")
	f.StringVar(&c.kernel.Version, "version", "", "its version")
	f.StringVar(&c.kernel.Distribution, "distribution", "", "whose it is")
	f.StringVar(&c.kernel.Arch, "arch", "amd64", "its architecture")
	f.BoolVar(&c.bpf, "bpf", false, "whether bpf is among the security modules")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if args[0] == "suites" {
		for _, s := range sorted(suites) {
			fmt.Fprintf(out, "%s ./%s/%s %s\n", s.name(), c.sensors, s.Package, s.args())
		}
		return nil
	}
	return c.do(args[0], out)
}

func (c *call) do(name string, out io.Writer) error {
	hash, err := objects(c.sensors)
	if err != nil {
		return err
	}
	l, valid, err := open(c.list, hash)
	if err != nil {
		return err
	}
	switch {
	case name == "known":
		if !valid || !known(l, c.kernel.Package, c.kernel.Version, c.bpf) {
			return errors.New("not known yet")
		}
		return nil
	case name != "record" && !valid:
		return fmt.Errorf("%s was made for other kernel programs or other sensors than these: run make test-kernels", c.list)
	case name == "current":
		return nil
	case name != "record" && name != "compare":
		return fmt.Errorf("there is no command %q", name)
	}
	r, err := c.read()
	if err != nil {
		return fmt.Errorf("%s, bpf in lsm=%t: %w", c.kernel.Package, c.bpf, err)
	}
	for _, m := range r.modes {
		fmt.Fprintf(out, "%s lockdown=%s bpf in lsm=%t: passed %v, refused %v\n", r.boot.release, m.Lockdown, m.BPF, m.Passed, m.Refused)
	}
	if name == "compare" {
		return compare(l, r)
	}
	if !valid {
		l = support.List{}
	}
	return c.enter(l, hash, r)
}

// enter writes the list with a boot's outcome in it.
func (c *call) enter(l support.List, hash string, r *results) error {
	today := time.Now().UTC().Format(time.DateOnly)
	l.About, l.Generated, l.Objects, l.Sensors = about, today, hash, sensors()
	c.kernel.Release, c.kernel.Tested, c.kernel.Modes = r.boot.release, today, r.modes
	record(&l, c.kernel)
	return save(c.list, l)
}

// trouble is what a kernel prints when something is wrong with it.
var trouble = regexp.MustCompile(`(?m)^.*(Kernel panic|BUG: |Oops: |\[ cut here \]|KERNEL INIT: ).*$`)

func (c *call) read() (*results, error) {
	console, err := os.ReadFile(c.console)
	if err != nil {
		return nil, err
	}
	if found := trouble.Find(console); found != nil {
		return nil, fmt.Errorf("the kernel is in trouble: %q", found)
	}
	f, err := os.Open(c.results)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readResults(f, c.bpf)
}
