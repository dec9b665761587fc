package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/telemetry"
)

// ways are those to observe, as agents are told to.
var ways = []string{"ebpf", "fanotify", "connector", "poll"}

// TestObservedSecrets has programs run with secrets wherever a program can have one, while
// the agent observes in each way, with the sensor of first bytes too, and searches all that
// it tells. What a program is called, and where its file is, is told by design: no secret
// is there.
func TestObservedSecrets(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			s := newStage(t)
			c := &canaries{stage: s}
			d := newDeeds(s)
			c.talk(d, "1")
			records, said := d.observed(way, "1500ms", func() {
				c.talk(d, "0")
				c.script(d)
			})
			data, err := os.ReadFile(s.path(own, "snapshot"))
			must(t, err)
			c.clean("the snapshot", unpack(t, data))
			if said != "" { // it has nothing to say where all was seen
				c.clean("what the agent says", []byte(said))
			}
			toldOf(t, d, way, records)
			c.planted()
		})
	}
}

// talk has a program run that has a secret in its arguments, its environment, its memory,
// its files' names and what is in them, and in what it sends and receives.
func (c *canaries) talk(d *deeds, hold string) {
	cmd := d.command("talk", hold, c.needles.plant("an argument"), "--password="+c.needles.plant("an argument with a name"))
	cmd.Env = append(cmd.Env, "TOKEN="+c.needles.plant("an environment"), c.needles.plant("a name in an environment")+"=1")
	cmd.Stdin = strings.NewReader(c.needles.plant("what is read, kept in files and in memory, and sent") + "\n")
	if hold == "1" {
		d.hold(cmd)
	} else {
		d.run(cmd)
	}
}

// script has a script executed that has a secret for a name: what is executed is its
// interpreter, to which the name is an argument.
func (c *canaries) script(d *deeds) {
	name := "/opt/hostile/" + c.needles.plant("a script's name")
	executable(c.t, c.path(name), []byte("#!"+hostile+" die\n"))
	d.run(c.command(name, c.needles.plant("a script's argument")))
}

// toldOf checks that the agent has come by the programs that had the secrets: otherwise it
// is no wonder that it tells none.
func toldOf(t *testing.T, d *deeds, way string, records []telemetry.Record) {
	t.Helper()
	spoken, speaks := 0, false
	told := map[string]bool{}
	for _, r := range records {
		switch r := r.(type) {
		case *telemetry.Process:
			told["process "+r.Exe] = true
		case *telemetry.Program:
			told["program "+r.Path] = true
		case *telemetry.Execution:
			told["execution "+r.Path] = true
		case *telemetry.Connection:
			told["connection "+r.Path] = true
		case *telemetry.Spoken:
			if r.Protocol == "http" || r.Protocol == "ftp" {
				spoken++
			}
		case *telemetry.Coverage:
			speaks = speaks || r.Sensor == telemetry.SensorProtocols && r.State == telemetry.Complete
		}
	}
	want := []string{"process ", "program "}
	if way == "ebpf" {
		want = append(want, "connection ")
	}
	if way == "ebpf" || way == "fanotify" {
		want = append(want, "execution ")
	}
	for _, w := range want {
		if !told[w+hostile] {
			t.Errorf("it was not told of the %s%s", w, hostile)
		}
	}
	if speaks && spoken == 0 {
		t.Error("it was not told what was spoken")
	}
	t.Logf("%d records, %d of what was spoken (complete: %t)", len(records), spoken, speaks)
}

// planted shows that the search would find the secrets.
func (c *canaries) planted() {
	c.t.Helper()
	files, err := filepath.Glob(c.path("/tmp/*"))
	must(c.t, err)
	found := false
	for _, f := range files {
		found = found || len(c.needles.search([]byte(f))) > 0
	}
	if !found {
		c.t.Error("no program has had its secret")
	}
}
