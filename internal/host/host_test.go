package host_test

import (
	"bytes"
	"strings"
	"testing"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/telemetry"
)

const tree = `
system debian 12
dir / 0755 0 0
dir /usr 0755 0 0
dir /usr/bin 0755 0 0
file /usr/bin/passwd 04755 0 0
link /bin usr/bin
link /etc/loop /etc/loop
link /usr/lib64 /usr/./lib
dir /usr/lib 0755 0 0
dir /etc 0755 0 0
link /etc/up ../usr/bin
link /etc/far /bin/../lib
param kernel.a 1
user root 0 0 /root /bin/sh
-- /etc/a.conf --
a
-- /etc/b.conf --
b
`

func TestTexts(t *testing.T) {
	s := hosttest.Parse(t, tree)
	h := s.Host()
	if a := h.Text("/etc/a.conf"); !a.OK() || a.Value.Text != "a\n" {
		t.Errorf("%+v", a)
	}
	if a := h.Text("/etc/none"); a.Presence != host.Absent {
		t.Errorf("%+v", a)
	}
	if all := h.Texts("/etc/*.conf"); !all.Complete || len(all.Values) != 2 || all.Values[0].Path != "/etc/a.conf" {
		t.Errorf("%+v", all)
	}
	for name, broken := range map[string]*hosttest.Snapshot{
		"partial":     s.Partial(telemetry.SensorConfig),
		"dropped":     s.Dropped(telemetry.SensorConfig),
		"record lost": s.Lost("text:/etc/b.conf"),
		"narrow":      s.Narrow(telemetry.SensorConfig, "/usr/**", "/etc/*.txt"),
	} {
		h := broken.Host()
		if a := h.Text("/etc/none"); a.Presence != host.NotCollected || a.Reason == "" {
			t.Errorf("%s: %+v", name, a)
		}
		if all := h.Texts("/etc/*.conf"); all.Complete || all.Reason == "" {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// A file that was not read, or a folder that was not listed, is a gap; what is
// not in it is known.
func TestGaps(t *testing.T) {
	h := hosttest.Parse(t, tree).Add(telemetry.SensorConfig,
		&telemetry.Text{Path: "/etc/c.conf", Problem: "is a pipe"},
		&telemetry.Text{Path: "/etc/big.txt", Text: "x", Truncated: true, Size: 99},
		&telemetry.Text{Path: "/etc/sudoers.d", Problem: "permission denied"},
	).Add(telemetry.SensorFiles,
		&telemetry.File{Path: "/etc/secret", Kind: telemetry.Directory, Mode: 0o700, Unlisted: "permission denied"},
		&telemetry.File{Path: "/mnt", Problem: "is on a remote file system"},
	).Host()
	for path, want := range map[string]host.Presence{
		"/etc/c.conf": host.NotCollected, "/etc/big.txt": host.NotCollected, "/etc/sudoers.d/x": host.NotCollected,
		"/etc/sudoers.d/x/y": host.NotCollected, "/etc/other.d/x": host.Absent, "/etc/a.conf": host.Present,
	} {
		if a := h.Text(path); a.Presence != want || want == host.NotCollected && !strings.Contains(a.Reason, "/etc/") {
			t.Errorf("Text(%s): %+v", path, a)
		}
	}
	for pattern, complete := range map[string]bool{
		"/etc/*.conf": false, "/etc/*.txt": false, "/etc/sudoers.d/*": false, "/etc/other.d/*": true, "/etc/**": false, "/etc/a*": true,
	} {
		if all := h.Texts(pattern); all.Complete != complete {
			t.Errorf("Texts(%s): %+v", pattern, all)
		}
	}
	for path, want := range map[string]host.Presence{
		"/etc/secret": host.Present, "/etc/secret/x": host.NotCollected, "/mnt": host.NotCollected, "/mnt/a/b": host.NotCollected, "/srv": host.Absent,
	} {
		if a := h.File(path); a.Presence != want {
			t.Errorf("File(%s): %+v", path, a)
		}
	}
	if h.Files("/etc/secret/*").Complete || !h.Files("/usr/*").Complete {
		t.Error("a folder that was not listed is complete, or makes another incomplete")
	}
}

func TestLinks(t *testing.T) {
	h := hosttest.Host(t, tree)
	for path, want := range map[string]string{
		"/bin": "/usr/bin", "/bin/passwd": "/usr/bin/passwd", "/etc/up/passwd": "/usr/bin/passwd", "/usr/lib64": "/usr/lib",
		"/": "/", "/etc/../bin": "/usr/bin", "/etc/far": "/usr/lib",
	} {
		if a := h.Resolve(path); a.Value != want {
			t.Errorf("Resolve(%s): %+v, want %s", path, a, want)
		}
	}
	if a := h.Resolve("/etc/loop"); a.Presence != host.NotCollected {
		t.Errorf("%+v", a)
	}
	if a := h.Resolve("/bin/none"); a.Presence != host.Absent {
		t.Errorf("%+v", a)
	}
	// As lstat does: links on the way are followed, the last is not.
	if a := h.File("/bin/passwd"); !a.OK() || a.Value.Path != "/usr/bin/passwd" {
		t.Errorf("%+v", a)
	}
	if a := h.File("/bin"); !a.OK() || a.Value.Kind != telemetry.Symlink {
		t.Errorf("%+v", a)
	}
	if a := h.File("/bin/none"); a.Presence != host.Absent {
		t.Errorf("%+v", a)
	}
	if a := h.File("/etc/loop/x"); a.Presence != host.NotCollected {
		t.Errorf("%+v", a)
	}
}

// Where the scope has the file but not its folders, that nothing is there is
// known all the same.
func TestScopeOfFilesOnly(t *testing.T) {
	h := hosttest.Parse(t, tree).Narrow(telemetry.SensorFiles, "/", "/*", "/usr/*", "/usr/*/*/*.so").Host()
	if a := h.Resolve("/usr/lib/security/pam_x.so"); a.Presence != host.Absent {
		t.Errorf("%+v", a)
	}
	if a := h.Resolve("/usr/lib/security/pam_x.txt"); a.Presence != host.NotCollected {
		t.Errorf("%+v", a)
	}
	if a := h.Resolve("/usr/lib/security"); a.Presence != host.NotCollected {
		t.Errorf("%+v", a)
	}
}

func TestLostRecords(t *testing.T) {
	s := hosttest.Parse(t, tree)
	h := s.Lost("user:root").Host()
	if all := h.Users(); all.Complete || !strings.Contains(all.Reason, "0 of the 1 records") {
		t.Errorf("%+v", all)
	}
	if h.Groups().Complete {
		t.Error("which of the sensor's records was lost is not known, and yet its groups are complete")
	}
	h = s.Lost("kernel_parameter:kernel.a").Host()
	if a := h.Parameter("kernel.a"); a.Presence != host.NotCollected {
		t.Errorf("%+v", a)
	}
	if a := s.Host().Parameter("kernel.b"); a.Presence != host.Absent {
		t.Errorf("%+v", a)
	}
	if a := s.Lost("system:").Host().System(); a.Presence != host.NotCollected {
		t.Errorf("%+v", a)
	}
	if a := host.New("i-1").System(); a.Presence != host.NotCollected || a.Reason == "" {
		t.Errorf("%+v", a)
	}
}

func TestParts(t *testing.T) {
	h := hosttest.Parse(t, tree).Cover(telemetry.SensorAccounts, "shadow", telemetry.Denied, "permission denied").Host()
	if all := h.Shadows(); all.Complete || !strings.Contains(all.Reason, "permission denied") {
		t.Errorf("%+v", all)
	}
	if all := h.Users(); !all.Complete || len(all.Values) != 1 {
		t.Errorf("%+v", all)
	}
}

func TestExceptions(t *testing.T) {
	h := hosttest.Parse(t, tree).Add(telemetry.SensorWalk, &telemetry.File{Path: "/usr/bin/passwd", Found: []string{"setuid"}}).Host()
	if all := h.Exceptions(); all.Complete || len(all.Values) != 1 {
		t.Errorf("without coverage of the walk: %+v", all)
	}
	if a := h.File("/usr/bin/passwd"); !a.OK() || a.Value.Mode != 0o4755 {
		t.Errorf("the walk replaced the metadata: %+v", a)
	}
}

// What an agent writes is what a host reads.
func TestRead(t *testing.T) {
	var b bytes.Buffer
	w, err := telemetry.NewWriter(&b, telemetry.Header{})
	if err != nil {
		t.Fatal(err)
	}
	if err := hosttest.Parse(t, tree).Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := telemetry.NewReader(&b, telemetry.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := host.New("i-1")
	if err := h.Read(r); err != nil {
		t.Fatal(err)
	}
	h.Seal()
	if !h.Text("/etc/a.conf").OK() || !h.Users().Complete || len(h.Sensors()) < 10 {
		t.Errorf("%v", h.Sensors())
	}
}

func TestFamily(t *testing.T) {
	for _, c := range []struct {
		os, like string
		want     host.Family
	}{
		{"debian", "", host.FamilyDebian}, {"linuxmint", "ubuntu debian", host.FamilyDebian}, {"rocky", "rhel centos fedora", host.FamilyRedHat},
		{"amzn", "", host.FamilyRedHat}, {"alpine", "", host.FamilyAlpine}, {"sles", "suse", host.FamilySUSE}, {"plan9", "", host.FamilyUnknown},
	} {
		if got := host.FamilyOf(&telemetry.System{OS: c.os, OSLike: c.like}); got != c.want {
			t.Errorf("%s: %q", c.os, got)
		}
	}
}

// TestTooLong looks up what no kernel has: it is not known, and found out at once.
func TestTooLong(t *testing.T) {
	h := host.New("")
	link := &telemetry.File{Path: "/a", Kind: telemetry.Symlink, Target: strings.Repeat("../", 10_000)}
	scope := &telemetry.Coverage{State: telemetry.Complete, Records: 1, Scope: []string{"/**"}}
	telemetry.Stamp(telemetry.SensorFiles, link)
	telemetry.Stamp(telemetry.SensorFiles, scope)
	h.Add(link)
	h.Add(scope)
	h.Seal()
	if a := h.File("/" + strings.Repeat("b", 4096)); a.Presence != host.NotCollected {
		t.Errorf("a long path is %v", a.Presence)
	}
	if a := h.File("/" + strings.Repeat("b", 4095)); a.Presence != host.Absent {
		t.Errorf("the longest path is %v: %s", a.Presence, a.Reason)
	}
	if a := h.Resolve("/a/c"); a.Presence != host.NotCollected {
		t.Errorf("behind a long link is %v", a.Presence)
	}
}
