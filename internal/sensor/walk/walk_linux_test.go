package walk

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func collect(t *testing.T, root string, only ...string) (map[string]*telemetry.File, telemetry.Coverage) {
	t.Helper()
	fs, err := hostfs.Open(root)
	must(t, err)
	defer fs.Close()
	files := map[string]*telemetry.File{}
	c, err := New().Collect(context.Background(), &sensor.Host{FS: fs, Only: only}, func(r telemetry.Record) error {
		files[r.(*telemetry.File).Path] = r.(*telemetry.File)
		return nil
	})
	must(t, err)
	return files, c
}

// Our exceptions are those that find(1) finds.
func TestAgainstFind(t *testing.T) {
	testenv.NeedRoot(t)
	find := testenv.Need(t, "find", "findutils")
	root := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"usr/bin/suid": 0o755 | os.ModeSetuid, "usr/bin/sgid": 0o755 | os.ModeSetgid, "usr/bin/both": 0o777 | os.ModeSetuid | os.ModeSetgid,
		"srv/world": 0o666, "srv/plain": 0o644, "srv/deep/er/owned": 0o644, "srv/deep/er/grouped": 0o600, "srv/a\nb\xff": 0o602,
	} {
		full := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		must(t, os.WriteFile(full, nil, 0o600))
		must(t, os.Chmod(full, mode))
	}
	must(t, os.Lchown(filepath.Join(root, "srv/deep/er/owned"), 54321, 0))
	must(t, os.Lchown(filepath.Join(root, "srv/deep/er/grouped"), 0, 54321))
	must(t, os.MkdirAll(filepath.Join(root, "tmp"), 0o755))
	must(t, os.Chmod(filepath.Join(root, "tmp"), 0o777|os.ModeSticky))
	must(t, os.Symlink("/", filepath.Join(root, "srv/loop")))
	must(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	for _, name := range []string{"passwd", "group"} { // those that find goes by
		data, err := os.ReadFile("/etc/" + name)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(root, "etc", name), data, 0o644))
	}
	files, c := collect(t, root)
	if c.State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	ours := map[string][]string{}
	for _, f := range files {
		name := f.Path
		if f.Raw != nil {
			name = string(f.Raw)
		}
		for _, why := range f.Found {
			ours[why] = append(ours[why], name)
		}
	}
	for why, args := range map[string][]string{
		"setuid": {"-type", "f", "-perm", "-4000"}, "setgid": {"-type", "f", "-perm", "-2000"},
		"world_writable": {"(", "-type", "f", "-o", "-type", "d", ")", "-perm", "-0002"}, "unowned": {"-nouser"}, "without_group": {"-nogroup"},
	} {
		out, err := exec.Command(find, append(append([]string{root}, args...), "-printf", "/%P\\0")...).Output()
		must(t, err)
		want := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		slices.Sort(want)
		slices.Sort(ours[why])
		if len(want) == 0 || want[0] == "" {
			t.Errorf("%s: find finds nothing", why)
		}
		if d := cmp.Diff(want, ours[why]); d != "" {
			t.Errorf("%s: %s", why, d)
		}
	}
	files, c = collect(t, root, "/usr/**")
	if len(files) != 3 || !slices.Equal(c.Scope, []string{"/usr/**"}) {
		t.Errorf("narrowed: %v %+v", files, c)
	}
}

// Without the list of accounts nothing is called unowned, and the walk says so.
func TestNoAccounts(t *testing.T) {
	files, c := collect(t, t.TempDir())
	if len(files) != 0 || c.State != telemetry.Partial || !strings.Contains(c.Reason, "unowned") {
		t.Errorf("%v %+v", files, c)
	}
}
