package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/service"
	"assay/internal/testenv"
)

// smallDisk mounts a disk of so many bytes at a folder.
func smallDisk(t *testing.T, dir string, size int) {
	t.Helper()
	testenv.NeedRoot(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("assay-test", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		testenv.Missing(t, "a root that may mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// fill takes what is left of a disk, and returns how to give it back.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	path := filepath.Join(dir, "fill")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		_, err := file.Write(make([]byte, size))
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// A full disk under the service's objects: uploads are answered 503, the agent
// keeps what it has, the trouble is logged once, and when there is space again
// the run completes with everything.
func TestFullDiskUnderTheObjects(t *testing.T) {
	w := newWorld(t, "")
	w.config.Objects = filepath.Join(t.TempDir(), "objects")
	smallDisk(t, w.config.Objects, 32<<20)
	w.startService("")
	w.startAgent()
	w.heard()
	sdk := w.sdk()
	template := sdk.quick()
	want := w.check(sdk, sdk.startRun(template))

	empty := fill(t, w.config.Objects)
	run := sdk.startRun(template)
	w.until("two uploads are refused", func() bool { return w.metric(`assay_agent_requests_total{kind="segments",status="503"}`) >= 2 })
	if state := sdk.state(run); state != "COLLECTING_DATA" {
		t.Errorf("with a full disk the run is %q", state)
	}
	if n := strings.Count(w.log.String(), "no space left"); n != 1 {
		t.Errorf("the service said %d times that the disk is full, want 1", n)
	}
	empty()
	if diff := cmp.Diff(want, w.check(sdk, run)); diff != "" {
		t.Errorf("after the disk was full the findings differ (-before +after):\n%s", diff)
	}
}

// A full disk under everything that the service has, its database too.
func TestFullDiskUnderTheService(t *testing.T) {
	w := newWorld(t, "")
	smallDisk(t, w.config.Data, 48<<20)
	w.startService("")
	w.startAgent()
	w.heard()
	sdk := w.sdk()
	template := sdk.quick()
	want := w.check(sdk, sdk.startRun(template))
	w.agent.kill()
	run := sdk.startRun(template)
	empty := fill(t, w.config.Data)
	w.startAgent()
	w.until("something is refused", func() bool {
		return w.metric(`assay_agent_requests_total{kind="segments",status="503"}`)+w.metric(`assay_agent_requests_total{kind="heartbeat",status="503"}`) >= 1
	})
	w.assay(3, "assess", "all")
	if w.service.ended() {
		t.Fatal("the service has ended")
	}
	empty()
	if diff := cmp.Diff(want, w.check(sdk, run)); diff != "" {
		t.Errorf("after the disk was full the findings differ (-before +after):\n%s", diff)
	}
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	w.t.Fatalf("it did not come to pass that %s", what)
}

// metric is the value of a metric of the service; 0 if there is none yet.
func (w *world) metric(name string) (value float64) {
	w.t.Helper()
	ca, err := os.ReadFile(service.Folder(w.config.Data).CA())
	if err != nil {
		w.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	answer, err := client.Get("https://" + w.config.API + "/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("the metrics are %s, %v", answer.Status, err)
	}
	if found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text); found != nil {
		fmt.Sscan(string(found[1]), &value)
	}
	return value
}
