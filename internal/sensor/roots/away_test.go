package roots

import (
	"testing"

	"assay/internal/sensor/mountinfo"
)

func table(t *testing.T, lines string) *mountinfo.Table {
	t.Helper()
	entries, err := mountinfo.Parse([]byte(lines))
	if err != nil {
		t.Fatal(err)
	}
	return mountinfo.NewTable(entries, "/")
}

// A root is not looked at if a program or another machine answers for its files,
// unless the host's own is on the same file system.
func TestAway(t *testing.T) {
	const own = 1
	host := "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:40 / /srv/nfs rw - nfs4 a:/ rw\n3 1 0:41 / /net rw - autofs a rw\n"
	for _, tt := range []struct {
		name, host, theirs string
		view               view
		away               bool
	}{
		{"overlay", host, "9 8 0:50 / / rw - overlay overlay rw", view{mountNS: 2, root: "/"}, false},
		{"a disk", host, "9 8 8:2 / / rw - xfs /dev/sdb rw", view{mountNS: 2, root: "/"}, false},
		{"FUSE", host, "9 8 0:50 / / rw - fuse.fuse-overlayfs x rw", view{mountNS: 2, root: "/"}, true},
		{"NFS", host, "9 8 0:50 /x / rw - nfs4 a:/ rw", view{mountNS: 2, root: "/"}, true},
		{"virtiofs", host, "9 8 0:50 / / rw - virtiofs a rw", view{mountNS: 2, root: "/"}, true},
		{"virtiofs, as the host", "1 0 0:50 / / rw - virtiofs a rw", "9 8 0:50 /x / rw - virtiofs a rw", view{mountNS: 2, root: "/"}, false},
		{"a folder of the host", host, "", view{mountNS: own, root: "/srv/chroot"}, false},
		{"a folder on NFS", host, "", view{mountNS: own, root: "/srv/nfs/chroot"}, true},
		{"an automount", host, "", view{mountNS: own, root: "/net/a"}, true},
		{"a folder in another namespace", host, "", view{mountNS: 2, root: "/srv/nfs/chroot"}, false},
	} {
		s := &scan{mountNS: own, mounts: table(t, tt.host)}
		if got := s.away(table(t, tt.theirs), tt.view); (got != "") != tt.away {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestHostsPrograms(t *testing.T) {
	const whole, apart = "1 0 8:1 / / rw - ext4 /dev/sda1 rw", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 /sub /usr rw - ext4 /dev/sda2 rw"
	const root = "9 8 0:50 / / rw - tmpfs tmpfs rw\n"
	for _, tt := range []struct {
		name, host, theirs string
		want               bool
	}{
		{"of the host's root", whole, root + "10 9 8:1 /usr /usr ro - ext4 /dev/sda1 rw", true},
		{"of a mount of its own", apart, root + "10 9 8:2 /sub /usr ro - ext4 /dev/sda2 rw", true},
		{"another folder", whole, root + "10 9 8:1 /var/lib/flatpak/runtime/x/files /usr ro - ext4 /dev/sda1 rw", false},
		{"another disk", apart, root + "10 9 8:1 /usr /usr ro - ext4 /dev/sda1 rw", false},
		{"none", whole, root, false},
	} {
		s := &scan{mounts: table(t, tt.host)}
		if got := s.hostsPrograms(table(t, tt.theirs)); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
