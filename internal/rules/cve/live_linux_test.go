package cve_test

import (
	"context"
	"errors"
	"os/exec"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/advisory"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/sensor"
	"assay/internal/sensor/activity"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// short is a program that hardly anybody executes, of an essential package of Debian's.
const short = "/usr/bin/ischroot"

// On this machine, with the real sensor: a program that is over in a millisecond makes its
// package one that was loaded, and nothing is said of one that nobody executed.
func TestShortProgramOfThisMachine(t *testing.T) {
	testenv.NeedRoot(t)
	testenv.Need(t, short, "debianutils")
	var seen atomic.Bool
	c, records := observeThis(t, &seen, func() {
		// The programs may not be in the kernel yet: the first sight says that they are.
		for !seen.Load() {
			var exit *exec.ExitError // it tells something by its status
			if err := exec.Command(short).Run(); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	base := hosttest.Parse(t, "system debian 12\npackage dpkg debianutils 1 arch=amd64\npackage dpkg assay-nobodys 1 arch=amd64\npackage dpkg libc6 1 arch=amd64\n")
	p := world{records: []advisory.Record{
		deb("DSA-1-1", "CVE-2026-1", "debianutils", "2"), deb("DSA-2-1", "CVE-2026-2", "assay-nobodys", "2"), deb("DSA-3-1", "CVE-2026-3", "libc6", "2"),
	}}.pkg(t)
	for subject, was := range uses(evaluate(t, p, base)) {
		if was.state != "installed" {
			t.Errorf("before: %s: %+v", subject, was)
		}
	}
	s := base.Add(telemetry.SensorActivity, records...).Cover(telemetry.SensorActivity, "", c.State, c.Reason)
	for _, part := range c.Parts {
		s = s.Cover(telemetry.SensorActivity, part.Name, part.State, part.Reason)
	}
	results := evaluate(t, p, s)
	want := map[string]string{"CVE-2026-1/debianutils": "was loaded", "CVE-2026-2/assay-nobodys": "installed"}
	if c.Part("loads").State != telemetry.NotCollected {
		want["CVE-2026-3/libc6"] = "was loaded"
	}
	got := uses(results)
	for subject, state := range want {
		if got[subject].state != state {
			t.Errorf("%s: %+v, not %s", subject, got[subject], state)
		}
	}
	for _, r := range of(results, fixable, rules.Failed) {
		t.Log(r.Subject, attr(r, "WHY_FIRST"), attr(r, "OBSERVED"))
		if r.Subject == "CVE-2026-1/debianutils" && !strings.Contains(evidenceOf(r, telemetry.SensorActivity), short+" was executed") {
			t.Errorf("%+v", r.Evidence)
		}
	}
}

func evidenceOf(r rules.Result, sensor string) string {
	var b strings.Builder
	for _, e := range r.Evidence {
		if e.Sensor == sensor {
			b.WriteString(e.Record + ": " + e.Found + "\n")
		}
	}
	return b.String()
}

// observeThis observes this machine while do does, and tells when the short program was seen.
func observeThis(t *testing.T, seen *atomic.Bool, do func()) (telemetry.Coverage, []telemetry.Record) {
	t.Helper()
	fs, err := hostfs.Open("/")
	must(t, err)
	defer fs.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	last, order := map[string]telemetry.Record{}, []string{}
	done := make(chan telemetry.Coverage, 1)
	go func() {
		c, err := activity.New().Observe(ctx, &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
			key := telemetry.Key(r)
			if last[key] == nil {
				order = append(order, key)
			}
			last[key] = r
			if e, ok := r.(*telemetry.Execution); ok && e.Name == path.Base(short) {
				seen.Store(true)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
			seen.Store(true)
		}
		done <- c
	}()
	do()
	cancel()
	c := <-done
	var all []telemetry.Record
	for _, key := range order {
		all = append(all, last[key])
	}
	return c, all
}
