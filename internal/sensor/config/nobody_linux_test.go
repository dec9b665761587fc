package config_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// asNobody runs f on a thread that has the identity of nobody for the file
// system. The thread is locked and not released: it ends with its goroutine.
func asNobody(t *testing.T, f func()) {
	runtime.LockOSThread()
	// Only this thread: package syscall would change all of them.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, 65534, 65534, 65534); errno != 0 {
		t.Errorf("setresgid: %v", errno)
		return
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
		t.Errorf("setresuid: %v", errno)
		return
	}
	f()
}

// A normal user is told what could not be looked at, each thing where it belongs:
// a file by its problem, a folder by why it is not listed, shadow by its part.
func TestUnprivileged(t *testing.T) {
	testenv.NeedRoot(t)
	root := t.TempDir()
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"etc/passwd": 0o644, "etc/group": 0o644, "etc/shadow": 0o640, "etc/sudoers": 0o440,
		"etc/fstab": 0o644, "etc/sudoers.d/x": 0o644, "etc/ssh/sshd_config.d/a.conf": 0o600} {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("x:x:1:\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(root, "etc/sudoers.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	texts, files, parts := map[string]*telemetry.Text{}, map[string]*telemetry.File{}, map[string]telemetry.Coverage{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		asNobody(t, func() { unprivileged(t, root, texts, files, parts) })
	}()
	<-done
	for path, problem := range map[string]string{"/etc/fstab": "", "/etc/sudoers": "permission denied", "/etc/sudoers.d": "permission denied",
		"/etc/ssh/sshd_config.d/a.conf": "permission denied"} {
		if text := texts[path]; text == nil || text.Problem != problem {
			t.Errorf("%s: %+v", path, text)
		}
	}
	if f := files["/etc/sudoers.d"]; f == nil || f.Mode != 0o700 || f.Unlisted != "permission denied" || f.Problem != "" {
		t.Errorf("%+v", f)
	}
	c := parts[telemetry.SensorAccounts]
	if c.Part("shadow").State != telemetry.Denied || c.Part("passwd").State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	if c := parts[telemetry.SensorWalk]; c.State != telemetry.Partial {
		t.Errorf("%+v", c)
	}
}

func unprivileged(t *testing.T, root string, texts map[string]*telemetry.Text, files map[string]*telemetry.File, parts map[string]telemetry.Coverage) {
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Error(err)
		return
	}
	defer fs.Close()
	for _, s := range sensors[:4] {
		c, err := s.Collect(context.Background(), &sensor.Host{FS: fs}, func(r telemetry.Record) error {
			switch r := r.(type) {
			case *telemetry.Text:
				texts[r.Path] = r
			case *telemetry.File:
				if r.Found == nil { // the files sensor's, not the walk's
					files[r.Path] = r
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		parts[s.Describe().Name] = c
	}
}
