//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"assay/internal/rules/practices"
)

// alike are the rules of the data stream that ask what the nine rules ask. For
// password authentication of sshd and for execute disable it has none.
var alike = []string{
	"sshd_disable_root_login", "sshd_allow_only_protocol2",
	"accounts_maximum_age_login_defs", "accounts_password_pam_minlen",
	"accounts_password_pam_minclass", "accounts_password_pam_dcredit", "accounts_password_pam_ucredit",
	"accounts_password_pam_lcredit", "accounts_password_pam_ocredit",
	"sysctl_kernel_randomize_va_space",
	"dir_permissions_binary_dirs", "dir_ownership_binary_dirs", "file_permissions_binary_dirs", "file_ownership_binary_dirs",
}

func (b *bench) dataStream() string {
	return filepath.Join(b.shared, "data/scap/ssg-debian12-ds.xml.zst")
}

// oscap compares a host check as a whole, from the host to verdicts: ours is
// collecting what the nine rules need and evaluating it.
func (b *bench) oscap(ctx context.Context) error {
	stream := filepath.Join(b.work, "ds.xml")
	if out, err := exec.CommandContext(ctx, "zstd", "-q", "-d", "-o", stream, b.dataStream()).CombinedOutput(); err != nil {
		return fmt.Errorf("unpack the data stream: %w: %s", err, tail(string(out)))
	}
	tailoring := filepath.Join(b.work, "tailoring.xml")
	if err := os.WriteFile(tailoring, tailor(), 0o600); err != nil {
		return err
	}
	defer b.keepRPM()()
	results := filepath.Join(b.work, "results.xml")
	check := func(profile string) func(context.Context) (cost, error) {
		return func(ctx context.Context) (cost, error) {
			return command(ctx, []int{0, 2}, "oscap", "xccdf", "eval", "--tailoring-file", tailoring, "--profile", "xccdf_assay_profile_"+profile, "--results", results, stream)
		}
	}
	ours, theirs, err := pairs(ctx, 3, b.check, check("alike"))
	if err != nil {
		return err
	}
	evaluated, err := judged(results)
	if err != nil {
		return err
	}
	nothing, err := check("nothing")(ctx)
	if err != nil {
		return err
	}
	b.table.beside("the host and nine rules: CPU", ours.Seconds, theirs.Seconds, "s", "oscap xccdf eval")
	b.table.beside("  resident memory, the highest", ours.Peak, theirs.Peak, "MiB", "oscap xccdf eval")
	b.table.add("  of which oscap reads its content", number(nothing.Seconds)+" s",
		fmt.Sprintf("oscap judged %d of %d rules, the others are not for this host", evaluated, len(alike)))
	return nil
}

// check is our host check: the cost of both programs, and the higher peak.
func (b *bench) check(ctx context.Context) (cost, error) {
	path := filepath.Join(b.work, "checked")
	sensors := strings.Join(practices.Package{}.Describe().Sensors, ",")
	collect, err := command(ctx, []int{0, 3}, b.program("assay-agent"), "collect", "-sensors", sensors, "-o", path)
	if err != nil {
		return cost{}, err
	}
	evaluate, err := command(ctx, []int{0, 3}, b.program("assay"), "evaluate", path)
	return cost{Seconds: collect.Seconds + evaluate.Seconds, Peak: max(collect.Peak, evaluate.Peak)}, err
}

// tailor makes two profiles: with the rules that are alike, and with none. Of two
// elements without white space between them oscap overlooks the second.
func tailor() []byte {
	var s strings.Builder
	fmt.Fprintf(&s, `<Tailoring xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_assay_tailoring_bench"><version time="%s">1</version>`+"\n", time.Now().UTC().Format(time.DateOnly+"T15:04:05"))
	for _, profile := range []string{"alike", "nothing"} {
		fmt.Fprintf(&s, `<Profile id="xccdf_assay_profile_%s"><title>%[1]s</title>`+"\n", profile)
		for _, rule := range alike {
			fmt.Fprintf(&s, `<select idref="xccdf_org.ssgproject.content_rule_%s" selected="%t"/>`+"\n", rule, profile == "alike")
		}
		s.WriteString("</Profile>\n")
	}
	return []byte(s.String() + "</Tailoring>\n")
}

// judged counts the rules that oscap gave a verdict for. The others have to be
// "notapplicable": in a container oscap leaves out what is for machines.
func judged(results string) (int, error) {
	data, err := os.ReadFile(results)
	if err != nil {
		return 0, err
	}
	count := func(result string) int { return strings.Count(string(data), "<result>"+result+"</result>") }
	n, spared := count("pass")+count("fail"), count("notapplicable")
	if n == 0 || n+spared != len(alike) {
		return 0, fmt.Errorf("oscap judged %d and left out %d of %d rules: the comparison would not be one", n, spared, len(alike))
	}
	return n, nil
}

// keepRPM returns what removes the rpm database that oscap makes in the home
// folder on systems without one, if it was not there before.
func (b *bench) keepRPM() func() {
	home, err := os.UserHomeDir()
	path := filepath.Join(home, ".rpmdb")
	if _, statErr := os.Lstat(path); err != nil || !os.IsNotExist(statErr) {
		return func() {}
	}
	return func() { os.RemoveAll(path) }
}
