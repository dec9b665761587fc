//go:build linux

package bpf_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
)

// probing is the life of a probe: nothing, if it is not told what to map.
func probing() {
	what := strings.Split(os.Getenv("ASSAY_MAP"), ":")
	if len(what) != 3 {
		return
	}
	times, err := strconv.Atoi(what[0])
	if err = errors.Join(err, mapAndEnd(times, what[1], what[2])); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// mapAndEnd is the life of a process that maps a file executable so often, another one
// that is not executable, and memory that is no file's.
func mapAndEnd(times int, executable, other string) error {
	for range times {
		if err := mapFile(executable, unix.PROT_READ|unix.PROT_EXEC); err != nil {
			return err
		}
	}
	if err := mapFile(other, unix.PROT_READ); err != nil {
		return err
	}
	_, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	return err
}

func mapFile(name string, prot int) error {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Mmap(fd, 0, os.Getpagesize(), prot, unix.MAP_PRIVATE)
	return err
}

// modules tells whether the kernel was started with BPF among its security modules.
func modules(t *testing.T) bool {
	if list, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil {
		return strings.Contains(","+string(list)+",", ",bpf,")
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(line)) {
		if list, ok := strings.CutPrefix(word, "lsm="); ok {
			return strings.Contains(","+list+",", ",bpf,")
		}
	}
	return false
}

// What is mapped executable is counted, by each object that the kernel takes; what is not
// is not, and memory without a file harms nobody.
func TestLoads(t *testing.T) {
	for _, object := range []string{"loads_core", "loads_direct", "exits_direct"} {
		t.Run(object, func(t *testing.T) { loads(t, object) })
	}
}

func loads(t *testing.T, object string) {
	p := best(t, 0)
	if err := p.CountLoadsBy(object); err != nil {
		if p.Loads != bpf.None || p.Attached(bpf.Map) {
			t.Errorf("refused, and yet counted by %q", p.Loads)
		}
		// A kernel that takes what the base is counted by takes the same of loads.
		if taken := map[string]bool{"loads_core": !confidential(), "loads_direct": p.Build == "direct"}; taken[object] && modules(t) {
			t.Fatal(err)
		}
		t.Skip(refusing(t, object)+":", err)
	}
	program, dir := probe(t), t.TempDir()
	executable, other := filepath.Join(dir, "executable"), filepath.Join(dir, "other")
	for _, name := range []string{executable, other} {
		if err := os.WriteFile(name, make([]byte, os.Getpagesize()), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const times, processes = 3, 4
	for range processes {
		c := run(program)
		c.Env = append(c.Env, "ASSAY_MAP="+strconv.Itoa(times)+":"+executable+":"+other)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	var by syscall.Stat_t
	if err := syscall.Stat(program, &by); err != nil {
		t.Fatal(err)
	}
	found := map[string]seen.Load{}
	for l, err := range p.Mapped() {
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{program, executable, other} {
			var st syscall.Stat_t
			if err := syscall.Stat(name, &st); err != nil {
				t.Fatal(err)
			}
			if l.Device == st.Dev && l.Inode == st.Ino && l.By.Device == by.Dev && l.By.Inode == by.Ino {
				found[filepath.Base(name)] = l
			}
		}
	}
	skipped, err := p.Skipped()
	if err != nil {
		t.Fatal(err)
	}
	// The end of a process of which the kernel did not tell is counted as such.
	told := found["assay-probe"].N
	if told > processes || told+skipped[bpf.Map] < processes {
		t.Errorf("%d processes of %d were told, and %d skipped", told, processes, skipped[bpf.Map])
	}
	if l := found["executable"]; l.N != times*told || l.Own() || !l.Root || l.Name != "assay-probe" || l.MountNS == 0 || l.First == 0 || l.Last <= l.First {
		t.Errorf("%+v", l)
	}
	if l := found["assay-probe"]; !l.Own() {
		t.Errorf("%+v", l)
	}
	if l, ok := found["other"]; ok {
		t.Errorf("what is not executable was counted: %+v", l)
	}
	totals, err := p.Totals()
	if err != nil || totals.Loads < times*told || totals.LoadsFull != 0 || totals.LoadsCut != 0 {
		t.Errorf("%+v, %v", totals, err)
	}
}

// refusing is why a kernel does not take an object; support/kernel-versions.json has it,
// and scripts/kernels knows where it may be so.
func refusing(t *testing.T, object string) string {
	t.Helper()
	switch {
	case object == "exits_direct":
		return "Linux before 6.16 lets go of a process's memory before it tells of its end"
	case !modules(t):
		return "bpf is not among the security modules (lsm=)"
	case object == "loads_core":
		return "lockdown=confidentiality refuses programs that read the kernel's memory"
	}
	return "Linux before 5.11 refuses programs that follow typed pointers"
}

// A kernel that takes the program and never calls it does not count: it is found out.
func TestLoadsAreProven(t *testing.T) {
	p := best(t, 0)
	err := p.CountLoads()
	t.Logf("loads by %q; %v, %v", p.Loads, err, p.Refused)
	if modules(t) != (p.Loads == bpf.AtMap) {
		t.Errorf("BPF is among the security modules: %t; loads are counted by %q: %v, %v", modules(t), p.Loads, err, p.Refused)
	}
	if (err == nil) != (p.Loads != bpf.None) || (err == nil) != p.Attached(bpf.Map) {
		t.Errorf("%v, %q", err, p.Loads)
	}
}
