package hostfacts

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"assay/internal/testenv"
)

func TestCollectAgreesWithUname(t *testing.T) {
	uname := testenv.Need(t, "uname", "coreutils")
	f := Collect()
	for flag, got := range map[string]string{"-n": f.Hostname, "-r": f.Kernel, "-m": f.Architecture} {
		out, err := exec.Command(uname, flag).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(string(out)); got != want {
			t.Errorf("uname %s is %q, the agent says %q", flag, want, got)
		}
	}
}

func FuzzPrettyName(f *testing.F) {
	f.Add("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
	f.Add("PRETTY_NAME=\n")
	f.Fuzz(func(t *testing.T, text string) {
		if name := prettyName(text); len(name) > 200 || !utf8.ValidString(name) {
			t.Errorf("the name is %q", name)
		}
	})
}
