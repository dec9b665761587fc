package mountinfo

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
)

const sample = `22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 0:30 / /home rw,nosuid master:1 propagate_from:2 - nfs4 server:/home rw,addr=10.0.0.1
31 27 8:1 /sub /mnt/with\040blank\134and\011tab rw - ext4 /dev/sd\040a rw,errors=remount-ro
32 27 0:31 / /net rw - autofs systemd-1 rw,fd=1
33 30 0:32 / /home/local rw - tmpfs tmpfs rw
34 27 0:33 / /srv/s rw - fuse.sshfs bob@host:/ rw
35 27 0:34 / /empty rw - tmpfs  rw
`

func TestParse(t *testing.T) {
	entries, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{ID: 31, Parent: 27, Device: "8:1", Root: "/sub", Point: "/mnt/with blank\\and\ttab", FileSystem: "ext4",
		Source: "/dev/sd a", Options: []string{"rw"}, SuperOptions: []string{"rw", "errors=remount-ro"}}
	if d := cmp.Diff(want, entries[3]); d != "" {
		t.Error(d)
	}
	if e := entries[7]; e.Source != "" || e.Point != "/empty" {
		t.Errorf("an empty source: %+v", e)
	}
	for _, bad := range []string{"x", "1 2 3 4 5 6", "a 2 0:1 / / rw - ext4 x rw", "1 2 0:1 / relative rw - ext4 x rw",
		"22 27 0:21 / /proc rw - proc\n", sample + "\n\n"} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
}

func TestTable(t *testing.T) {
	entries, _ := Parse([]byte(sample))
	table := NewTable(entries, "/")
	for path, away := range map[string]bool{
		"/": false, "/etc/passwd": false, "/home": true, "/home/bob/x": true, "/homer": false, "/home/local/x": false,
		"/net": true, "/net/x": true, "/srv/s/x": true, "/srv": false, "/proc/1": false,
	} {
		if err := table.Away(path); (err != nil) != away {
			t.Errorf("Away(%s) = %v", path, err)
		}
	}
	// Below the root of an image, paths and mounts are the image's.
	image := NewTable(entries, "/home")
	if e := image.Of("/local/x"); e == nil || e.FileSystem != "tmpfs" || e.Point != "/local" {
		t.Errorf("of an image: %+v", e)
	}
	if err := image.Away("/etc"); err != nil {
		t.Errorf("the root itself is away: %v", err)
	}
	inside := NewTable(entries, "/mnt/disk")
	if e := inside.Of("/etc"); e == nil || e.Point != "/" || e.FileSystem != "ext4" || e.Root != "/mnt/disk" {
		t.Errorf("the mount that an image is on: %+v", e)
	}
	// The mount on top counts.
	again, _ := Parse([]byte(sample + "40 30 0:40 / /home rw - tmpfs tmpfs rw\n"))
	if NewTable(again, "/").Away("/home/bob") != nil {
		t.Error("a hidden mount counts")
	}
}

func TestAgainstFindmnt(t *testing.T) {
	program := testenv.Need(t, "findmnt", "util-linux")
	entries, err := Read("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-J", "-l", "-o", "ID,PARENT,MAJ:MIN,FSROOT,TARGET,FSTYPE,VFS-OPTIONS,FS-OPTIONS").Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Filesystems []struct {
			ID, Parent     int
			Device         string `json:"maj:min"`
			Root           string `json:"fsroot"`
			Target, FSType string
			Options        string `json:"vfs-options"`
			Super          string `json:"fs-options"`
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	ours := map[int]Entry{}
	for _, e := range entries {
		ours[e.ID] = e
	}
	if len(answer.Filesystems) == 0 {
		t.Fatal("findmnt lists nothing")
	}
	for _, f := range answer.Filesystems {
		e, ok := ours[f.ID]
		if !ok || e.Parent != f.Parent || e.Device != strings.TrimSpace(f.Device) || e.Root != f.Root || e.Point != f.Target ||
			e.FileSystem != f.FSType || strings.Join(e.Options, ",") != f.Options || strings.Join(e.SuperOptions, ",") != f.Super {
			t.Errorf("findmnt: %+v\nwe: %+v", f, e)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("1 2 0:1 / /\\04 rw - a b c d\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := Parse(data)
		if err != nil {
			return
		}
		table := NewTable(entries, "/")
		for _, e := range entries {
			if !strings.HasPrefix(e.Point, "/") {
				t.Fatalf("%q is no path", e.Point)
			}
			if table.Of(e.Point+"/x") == nil {
				t.Fatalf("%q is on no mount", e.Point)
			}
		}
	})
}
