//go:build wide

package inventory

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// TestSignedAgainstArchive compares with what Debian's archive says of signed packages:
// their Built-Using names the source that they sign, and its version.
func TestSignedAgainstArchive(t *testing.T) {
	tool := testenv.Need(t, "apt-cache", "apt")
	out, err := exec.Command(tool, "dumpavail").Output()
	if err != nil {
		t.Fatal(err)
	}
	signed := regexp.MustCompile(`-signed$|^linux-image-`)
	using := regexp.MustCompile(`(?m)^Built-Using: (\S+) \(= ([^)]+)\)$`)
	compared := 0
	for _, paragraph := range strings.Split(string(out), "\n\n") {
		p := &telemetry.Package{Manager: "dpkg", Name: field(paragraph, "Package"), Version: field(paragraph, "Version")}
		m := using.FindStringSubmatch(paragraph)
		if m == nil || !signed.MatchString(p.Name) {
			continue
		}
		p.Source, p.SourceVersion = p.Name, p.Version
		if source, version, ok := strings.Cut(strings.TrimSuffix(field(paragraph, "Source"), ")"), " ("); ok {
			p.Source, p.SourceVersion = source, version
		}
		compared++
		if source, version := sourceOf(p, &System{ID: "debian"}); source != m[1] || version != m[2] {
			t.Errorf("%s %s of %s %s is %s %s, the archive says %s %s", p.Name, p.Version, p.Source, p.SourceVersion, source, version, m[1], m[2])
		}
	}
	t.Logf("%d signed packages compared", compared)
	if compared == 0 {
		t.Skip("apt knows of no signed packages: apt-get update")
	}
}

func field(paragraph, name string) string {
	for line := range strings.Lines(paragraph) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
