package tree

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor/mountinfo"
)

func TestPlan(t *testing.T) {
	entries, err := mountinfo.Parse([]byte(`1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /proc rw - proc proc rw
3 1 8:2 / /home rw - ext4 /dev/sda2 rw
4 1 8:2 /bob /srv/bob rw - ext4 /dev/sda2 rw
5 1 8:2 / /srv/home rw - ext4 /dev/sda2 rw
6 1 0:9 / /mnt/nfs rw - nfs4 a:/ rw
7 1 0:10 / /net rw - autofs systemd-1 rw
8 1 0:11 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
9 1 0:12 / /usr rw - overlay overlay rw
10 1 8:1 /hidden /mnt/seen rw - ext4 /dev/sda1 rw
11 1 0:13 / /hidden rw - tmpfs tmpfs rw
12 1 0:14 / /dev rw - devtmpfs devtmpfs rw
`))
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for _, e := range plan(mountinfo.NewTable(entries, "/")) {
		points = append(points, e.Point)
	}
	slices.Sort(points)
	if d := cmp.Diff([]string{"/", "/hidden", "/home", "/mnt/seen", "/usr"}, points); d != "" {
		t.Error(d)
	}
}
