package practices

import (
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

func TestASLR(t *testing.T) {
	for name, c := range map[string]struct {
		host    string
		verdict rules.Verdict
		reason  string
	}{
		"full":                       {"system debian 12\nparam kernel.randomize_va_space 2\n", rules.Passed, ""},
		"no heap":                    {"system debian 12\nparam kernel.randomize_va_space 1\n", rules.Failed, "heap"},
		"off on the command line":    {"system debian 12\nparam kernel.randomize_va_space 0\n-- /proc/cmdline --\nroot=/dev/vda1 norandmaps\n", rules.Failed, "does not place programs"},
		"configured, but it runs":    {"system debian 12\nparam kernel.randomize_va_space 2\n-- /etc/sysctl.d/a.conf --\nkernel.randomize_va_space=0\n", rules.Passed, ""},
		"another value":              {"system debian 12\nparam kernel.randomize_va_space 3\n", rules.NotEvaluated, "no value that is known"},
		"not collected":              {"system debian 12\nnot_collected kernel\n", rules.NotEvaluated, "was not collected"},
		"an image, nothing set":      {"system debian 12 image\nnot_collected kernel\n", rules.NotEvaluated, "image"},
		"an image that turns it off": {"system debian 12 image\nnot_collected kernel\n-- /usr/lib/sysctl.d/10-a.conf --\nkernel.randomize_va_space = 0\n", rules.Failed, "The configuration"},
		"overridden by a later one":  {"system debian 12 image\nnot_collected kernel\n-- /etc/sysctl.d/10-a.conf --\nkernel.randomize_va_space = 0\n-- /usr/lib/sysctl.d/20-b.conf --\n-kernel/randomize_va_space = 2\n", rules.NotEvaluated, "image"},
		"hidden by the same name":    {"system debian 12 image\nnot_collected kernel\n-- /etc/sysctl.d/10-a.conf --\n-- /usr/lib/sysctl.d/10-a.conf --\nkernel.randomize_va_space = 0\n", rules.NotEvaluated, "image"},
		"sysctl.conf under systemd":  {"system debian 12 image\nnot_collected kernel\n-- /etc/sysctl.conf --\nkernel.randomize_va_space = 0\n", rules.NotEvaluated, "image"},
		"sysctl.conf under OpenRC":   {"system alpine 3.20 image\nnot_collected kernel\n-- /etc/sysctl.conf --\nkernel.randomize_va_space = 0\n", rules.Failed, "The configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosttest.Parse(t, c.host)
			want(t, evaluate(t, addressSpaceRandomization, s, nil), c.verdict, c.reason)
			withoutSensors(t, s, addressSpaceRandomization)
		})
	}
}

func TestDEP(t *testing.T) {
	const line = "-- /proc/cmdline --\nBOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet"
	for name, c := range map[string]struct {
		host, arch, kernel string
		verdict            rules.Verdict
		reason             string
	}{
		"x86_64":                        {"flags fpu nx lm\n" + line, "x86_64", "6.1.0-18-amd64", rules.Passed, ""},
		"no flag":                       {"flags fpu lm\n" + line, "x86_64", "6.1.0", rules.Failed, "no NX bit"},
		"no flags at all":               {"flags\n" + line, "x86_64", "6.1.0", rules.NotEvaluated, "flags were not collected"},
		"turned off":                    {"flags nx\n" + line + " noexec=off", "x86_64", "5.10.0-28-amd64", rules.Failed, "lets programs execute data."},
		"turned off, but it knows not":  {"flags nx\n" + line + " noexec=off", "x86_64", "6.1.0", rules.Passed, ""},
		"turned off and on":             {"flags nx\n" + line + " noexec=off noexec=on", "x86_64", "5.4.0", rules.Passed, ""},
		"an option of init's":           {"flags nx\n" + line + " -- noexec=off", "x86_64", "5.4.0", rules.Passed, ""},
		"off for 32 bits":               {"flags nx\n" + line + " noexec32=off", "x86_64", "6.1.0", rules.Failed, "those of 32 bits"},
		"no command line":               {"flags nx\n", "x86_64", "6.1.0", rules.NotEvaluated, "command line is not known"},
		"32 bits with PAE":              {"flags nx\n-- /boot/config-6.1.0 --\nCONFIG_X86_PAE=y\n" + line, "i686", "6.1.0", rules.Passed, ""},
		"32 bits without PAE":           {"flags nx\n-- /boot/config-6.1.0-18-686 --\n# CONFIG_X86_PAE is not set\n" + line, "i686", "6.1.0-18-686", rules.Failed, "without PAE"},
		"32 bits, by the release":       {"flags nx\n" + line, "i686", "4.4.0-PAE", rules.Passed, ""},
		"32 bits, nobody knows":         {"flags nx\n" + line, "i686", "4.4.0", rules.NotEvaluated, "PAE is not known"},
		"aarch64":                       {"flags fp asimd\n", "aarch64", "6.1.0", rules.Passed, "aarch64"},
		"an architecture nobody knows":  {"flags a\n" + line, "vax", "6.1.0", rules.NotEvaluated, "not known"},
		"s390x, which can turn it off":  {"flags a\n" + line, "s390x", "6.1.0", rules.NotEvaluated, "not known"},
		"a processor not collected":     {line, "x86_64", "6.1.0", rules.NotEvaluated, "processor is not known"},
		"turned off before version 5.9": {"flags nx\n" + line + " noexec=off", "x86_64", "4.18.0-513.el8.x86_64", rules.Failed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			facts, files, _ := strings.Cut(c.host, "-- ")
			if files != "" {
				files = "-- " + files + "\n"
			}
			s := hosttest.Parse(t, facts+files).Add(telemetry.SensorSystem,
				&telemetry.System{OS: "debian", Live: true, Architecture: c.arch, Kernel: c.kernel})
			want(t, evaluate(t, dataExecutionPrevention, s, nil), c.verdict, c.reason)
			withoutSensors(t, s, dataExecutionPrevention)
		})
	}
	image := hosttest.Parse(t, "system debian 12 image\nflags nx\n")
	want(t, evaluate(t, dataExecutionPrevention, image, nil), rules.NotEvaluated, "image")
}
