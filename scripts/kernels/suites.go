package main

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// suite is a test program of a sensor, which is run in every kernel.
type suite struct {
	Package string   // below internal/sensor
	Sensors []sensor // whose tests it has; the first whose prefix a test has is the test's
	// Not are tests that a kernel with nothing but test programs has no use for or cannot
	// run. Every other one must pass.
	Not []string
}

// sensor is a sensor with those of its tiers that a suite tests.
type sensor struct {
	Prefix string   // of its tests' names
	Name   string   // in the list
	Tier   string   // in the list; the name of a test's subtest follows, if there are any
	Builds []string // the subtests, each of which passes every test or is refused in every one
}

var builds = []string{"core", "direct"}

// suites are all of them. A test compares them with what is below internal/sensor.
var suites = []suite{
	{
		Package: "activity/bpf",
		Sensors: []sensor{
			{Prefix: "TestLoads", Name: "loads", Builds: []string{"exits_direct", "loads_core", "loads_direct"}},
			{Prefix: "Test", Name: "activity", Tier: "ebpf", Builds: builds},
		},
		Not: []string{
			"TestObjectsComeFromTheSource", // wants a compiler
			"TestForeign",                  // wants a pair of interfaces, which is a module; TestElsewhere is without
			"TestLoadsOfOverlay",           // wants overlayfs, which is a module
			"TestInodeUsedAgain",           // wants a file system that uses inodes again, which tmpfs does not
			"TestCapacity",                 // makes 65,536 connections, which takes long without a processor's help
		},
	},
	{
		Package: "activity/connector",
		Sensors: []sensor{{Prefix: "Test", Name: "activity", Tier: "connector"}},
	},
	{
		Package: "activity/fanotify",
		Sensors: []sensor{{Prefix: "Test", Name: "activity", Tier: "fanotify"}},
		Not: []string{
			"TestLoader",   // wants a program with a loader
			"TestOverflow", // executes what is refused 16,384 times, which takes minutes without a processor's help
		},
	},
	{
		Package: "protocols/bpf",
		Sensors: []sensor{{Prefix: "Test", Name: "protocols", Tier: "ebpf"}},
		Not: []string{
			"TestObjectComesFromTheSource",                       // wants a compiler
			"TestRealClients", "TestRealServers", "TestRealSSHD", // want programs of others
			"TestCost", // measures a processor
		},
	},
}

// refusal is that a kernel does not do something, as is to be expected of it.
type refusal struct {
	what  string // "sensor/tier", or a test of what a kernel may be built without; "": whatever says so
	says  string // what the skipped test's reason has in it
	where func(boot) bool
}

var refusals = []refusal{
	{"activity/ebpf/core", "lockdown=confidentiality refuses", boot.confidential},
	{"activity/ebpf/direct", "Linux before 5.11", func(b boot) bool { return b.before(5, 11) }},
	{"loads/loads_core", "lockdown=confidentiality refuses", boot.confidential},
	{"loads/loads_core", "not among the security modules", func(b boot) bool { return !b.bpf }},
	{"loads/loads_direct", "not among the security modules", func(b boot) bool { return !b.bpf }},
	{"loads/loads_direct", "Linux before 5.11", func(b boot) bool { return b.before(5, 11) }},
	{"loads/exits_direct", "Linux before 6.16", func(b boot) bool { return b.before(6, 16) }},
	{"TestIslandMultipath", "the kernel has no MPTCP", func(b boot) bool { return b.before(5, 11) }}, // Debian's have it since 12
	{"", "refuses both builds", func(b boot) bool { return b.confidential() && b.before(5, 11) }},
}

// boot is what a suite was run in.
type boot struct {
	release  string
	lockdown string
	bpf      bool // among the security modules
}

func (b boot) confidential() bool { return b.lockdown == "confidentiality" }

// before tells whether the kernel is of an older series.
func (b boot) before(major, minor int) bool {
	m := regexp.MustCompile(`^(\d+)\.(\d+)`).FindStringSubmatch(b.release)
	if m == nil {
		return false
	}
	x, _ := strconv.Atoi(m[1])
	y, _ := strconv.Atoi(m[2])
	return cmp.Or(cmp.Compare(x, major), cmp.Compare(y, minor)) < 0
}

// expected tells whether it was to be expected that a tier is refused there, or a test
// skipped, with that reason.
func (b boot) expected(what, reason string) bool {
	for _, r := range refusals {
		if (r.what == what || r.what == "") && r.where(b) && strings.Contains(reason, r.says) {
			return true
		}
	}
	return false
}

func (s suite) name() string { return strings.ReplaceAll(s.Package, "/", "-") }

// args are the test program's.
func (s suite) args() string {
	if len(s.Not) == 0 {
		return ""
	}
	return fmt.Sprintf("-test.skip ^(%s)$", strings.Join(s.Not, "|"))
}

// sensor is whose a test is.
func (s suite) sensor(test string) (sensor, bool) {
	for _, x := range s.Sensors {
		if strings.HasPrefix(test, x.Prefix) {
			return x, true
		}
	}
	return sensor{}, false
}

// tier is the one that a test tests: "sensor/tier/build". That of a test of them all is the
// empty string: none has passed if it has not.
func (s suite) tier(test string) string {
	name, sub, _ := strings.Cut(test, "/")
	x, ok := s.sensor(name)
	if !ok || len(x.Builds) > 0 && sub == "" {
		return ""
	}
	build, _, _ := strings.Cut(sub, "/")
	if len(x.Builds) == 0 {
		build = ""
	}
	return path.Join(x.Name, x.Tier, build)
}

// tiers are all that have to be passed or refused.
func (s suite) tiers() (all []string) {
	for _, x := range s.Sensors {
		for _, build := range x.Builds {
			all = append(all, path.Join(x.Name, x.Tier, build))
		}
		if len(x.Builds) == 0 {
			all = append(all, path.Join(x.Name, x.Tier))
		}
	}
	return all
}
