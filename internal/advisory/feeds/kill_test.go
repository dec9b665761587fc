package feeds

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/internal/advisory/fetch"
	"assay/internal/advisory/index"
)

// The child of TestKilled is this program, with these variables.
const (
	childFolder = "ASSAY_TEST_FEEDS_FOLDER"
	childMirror = "ASSAY_TEST_FEEDS_MIRROR"
	childPoint  = "ASSAY_TEST_FEEDS_POINT"
)

func TestMain(m *testing.M) {
	if os.Getenv(childFolder) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// child updates a folder, and kills itself at the point of the progress that it was told.
func child() int {
	point, _ := strconv.Atoi(os.Getenv(childPoint))
	client, err := fetch.New(fetch.Config{Mirror: os.Getenv(childMirror), Attempts: 1})
	if err != nil {
		return 2
	}
	f := At(os.Getenv(childFolder))
	f.bare, f.now = true, func() time.Time { return today }
	n := 0
	r, err := f.Update(context.Background(), Options{Client: client, On: func(Progress) {
		if n++; n == point {
			self, _ := os.FindProcess(os.Getpid())
			self.Kill()
			select {}
		}
	}})
	if err != nil || len(r.Failed()) > 0 {
		fmt.Fprintln(os.Stderr, r, err)
		return 3
	}
	return 0
}

// updateKilled runs an update in another process, which ends itself at a point of its
// progress or is killed after a time; it tells whether the update was completed.
func updateKilled(t *testing.T, f *Folder, p *publishers, point int, after time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+f.Dir(), childMirror+"="+p.url, childPoint+"="+strconv.Itoa(point))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code > 0 {
		t.Fatalf("the update failed: %v", err)
	}
	return err == nil
}

// TestKilled: whenever the process is killed, there is a whole set afterwards, of the old
// editions or of the new ones, and the next update goes on.
func TestKilled(t *testing.T) {
	p, f := newPublishers(t), bare(t)
	edition := func(n int) []byte {
		var records []string
		for i := range 300 {
			records = append(records, osvRecord(fmt.Sprintf("DSA-%d-%d", n, i), "Debian:12", fmt.Sprintf("p%d-%d", n, i), "1"))
		}
		return zipOf(t, records...)
	}
	begin := func(n int) {
		p.put(osvDebian, edition(n))
		p.put(osvPyPI, zipOf(t, osvRecord("PYSEC-1", "PyPI", fmt.Sprintf("pypi-%d", n), "4.2")))
	}
	begin(0)
	add(t, f, "osv-debian", "osv-pypi")
	update(t, f, p.client(t))
	check := func(n int) {
		t.Helper()
		got := packages(t, f)
		old := slices.Contains(got, fmt.Sprintf("Debian:12/p%d-299", n-1))
		if now := slices.Contains(got, fmt.Sprintf("Debian:12/p%d-299", n)); len(got) != 301 || old == now {
			t.Fatalf("edition %d: %d packages, old %v, new %v", n, len(got), old, now)
		}
	}
	points, completed := 0, false
	for n := 1; !completed; n++ {
		begin(n)
		points++
		completed = updateKilled(t, f, p, points, 0)
		check(n)
		update(t, f, p.client(t))
		if m, err := index.ReadManifest(f.Dir()); err != nil || m.Sources[0].Records != 300 {
			t.Fatalf("%+v, %v", m, err)
		}
		if !slices.Contains(packages(t, f), fmt.Sprintf("Debian:12/p%d-299", n)) {
			t.Fatalf("edition %d did not come after a kill at point %d", n, points)
		}
	}
	if points < 6 {
		t.Errorf("only %d points", points)
	}
	for n := range 12 {
		n += 1000
		begin(n - 1)
		update(t, f, p.client(t))
		begin(n)
		updateKilled(t, f, p, 0, time.Duration(rand.Int64N(int64(60*time.Millisecond))))
		check(n)
	}
	update(t, f, p.client(t))
	check(1011)
	if problems, err := f.Verify(context.Background()); len(problems) != 0 || err != nil {
		t.Error(problems, err)
	}
}
