package sysctl

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
)

const name = "kernel.randomize_va_space"

func TestLookup(t *testing.T) {
	for what, c := range map[string]struct {
		text, value string
		line        int
	}{
		"plain":                         {"kernel.randomize_va_space = 1\n", "1", 1},
		"the last":                      {"kernel.randomize_va_space=1\n# kernel.randomize_va_space=0\n; x\nkernel.randomize_va_space=2\n", "2", 4},
		"slashes":                       {" kernel/randomize_va_space=1\n", "1", 1},
		"errors ignored":                {"-kernel.randomize_va_space = 0\n", "0", 1},
		"a pattern":                     {"kernel.rand*=0\n", "0", 1},
		"the name before a pattern":     {"kernel.randomize_va_space=2\nkernel.*=0\n", "2", 1},
		"left out of patterns":          {"kernel.*=0\n-kernel.randomize_va_space\n", "", 0},
		"a pattern stops at separators": {"*=0\n", "", 0},
		"no assignment":                 {"kernel.randomize_va_space\n", "", 0},
		"another":                       {"kernel.randomize_va_space2=1\n", "", 0},
		"no line end":                   {"kernel.randomize_va_space=1", "1", 1},
	} {
		e, ok := Lookup([]File{{"/etc/sysctl.d/a.conf", c.text}}, name)
		if ok != (c.line > 0) || ok && (e.Value != c.value || e.Line != c.line) {
			t.Errorf("%s: got %+v %v", what, e, ok)
		}
	}
}

// TestOrderAgainstSystemd compares the order of files, and which are hidden, with
// what systemd-sysctl --cat-config prints of a tree that is mounted for it.
func TestOrderAgainstSystemd(t *testing.T) {
	testenv.NeedRoot(t)
	unshare := testenv.Need(t, "unshare", "util-linux")
	const program = "/usr/lib/systemd/systemd-sysctl"
	if _, err := os.Stat(program); err != nil {
		testenv.Missing(t, "systemd-sysctl (apt-get install systemd)")
	}
	root := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	script := "set -e\n"
	var files []File
	for i, folder := range Folders[:4] {
		dir := filepath.Join(root, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(folder); err != nil {
			continue // there is nothing to mount it on
		}
		script += "mount --bind " + dir + " " + folder + "\n"
		for n := range 30 {
			if random.IntN(2) == 0 {
				continue
			}
			text := fmt.Sprintf("kernel.x = %d.%d\n", i, n)
			if random.IntN(5) == 0 {
				text = ""
			}
			base := fmt.Sprintf("%02d-%c.conf", n%10, 'a'+n/10)
			if err := os.WriteFile(filepath.Join(dir, base), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			files = append(files, File{folder + "/" + base, text})
		}
	}
	out, err := exec.Command(unshare, "-m", "sh", "-c", script+program+" --cat-config").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var want, got []string
	for line := range strings.Lines(string(out)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "# /"); ok {
			want = append(want, "/"+path)
		}
	}
	for _, f := range Order(files, false) {
		got = append(got, f.Path)
	}
	if len(want) == 0 {
		t.Fatalf("systemd-sysctl printed no file: %s", out)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("kernel.*=1\n-kernel/randomize_va_space\n;[=")
	f.Fuzz(func(t *testing.T, text string) {
		e, ok := Lookup(Order([]File{{"/etc/sysctl.d/a.conf", text}, {Conf, text}}, true), name)
		if ok && (e.Line < 1 || e.File != Conf && e.File != "/etc/sysctl.d/a.conf") {
			t.Errorf("%+v", e)
		}
	})
}
