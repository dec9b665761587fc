package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/telemetry"
)

const evilName = "x\x1b[2J\u202e\n12:00:00  web-1  execution  /bin/true"

// arrivedRecord is a record as the service tells it.
func arrivedRecord(t *testing.T, sensor string, rec telemetry.Record) operator.TelemetryRecord {
	t.Helper()
	telemetry.Stamp(sensor, rec)
	data, err := jsonv2.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	return operator.TelemetryRecord{Agent: "i-1", Sensor: sensor, Sequence: 1, ReceivedAt: time.Now(), Record: data}
}

// watched is a service that tells a run in three answers.
func watched(t *testing.T, state inspector.RunState, more ...operator.TelemetryRecord) *client {
	curl := func(n uint64) *telemetry.Execution {
		return &telemetry.Execution{Device: 1, Inode: 2, UID: 1000, Path: "/usr/bin/curl", Name: "curl", Package: "curl", Activity: telemetry.Activity{Count: n, First: time.Now()}}
	}
	port := func(n uint64) *telemetry.Accepting {
		return &telemetry.Accepting{Family: 4, Port: 21, Activity: telemetry.Activity{Count: n}, Foreign: n}
	}
	activity := telemetry.SensorActivity
	answers := map[string]operator.RunTelemetryResponse{
		"": {State: inspector.CollectingData, Changes: []inspector.StateChange{{State: inspector.CollectingData, At: time.Now()}},
			Hosts: []operator.TelemetryHost{{Agent: "i-1", Hostname: "web-1", State: inspector.CollectionStarted, Health: inspector.Healthy}}, More: true, NextToken: "1"},
		"1": {State: inspector.CollectingData, NextToken: "2", Records: []operator.TelemetryRecord{
			arrivedRecord(t, activity, curl(1)),
			arrivedRecord(t, activity, &telemetry.Connection{Device: 1, Inode: 2, UID: 0, Path: "/usr/bin/curl", Name: "curl", Remote: "2001:db8::1", Port: 443}),
			arrivedRecord(t, activity, port(0)),
			arrivedRecord(t, activity, &telemetry.Load{Inode: 9, By: "/usr/bin/curl", Path: "/lib/libz.so", Package: "zlib1g"}),
			arrivedRecord(t, activity, &telemetry.Load{Inode: 10, By: "/usr/bin/curl"}),
			arrivedRecord(t, activity, &telemetry.Execution{Inode: 5, Name: evilName, Path: evilName, Package: evilName, Container: evilName}),
			arrivedRecord(t, telemetry.SensorProcesses, &telemetry.Process{PID: 7, Exe: "/sbin/init", Name: "init"}),
			arrivedRecord(t, telemetry.SensorSockets, &telemetry.Socket{Protocol: "tcp", State: "listen", Local: "0.0.0.0", LocalPort: 22, Owners: []telemetry.Owner{{Exe: "/usr/sbin/sshd", Package: "openssh-server"}}}),
		}},
		"2": {State: state, Over: true, NextToken: "3",
			Changes: []inspector.StateChange{{State: inspector.CollectingData, At: time.Now()}, {State: state, At: time.Now()}},
			Records: append([]operator.TelemetryRecord{
				arrivedRecord(t, activity, curl(900)), arrivedRecord(t, activity, port(3)),
				arrivedRecord(t, activity, &telemetry.Load{Inode: 10, By: "/usr/bin/curl", Path: "/lib/libssl.so"}),
				arrivedRecord(t, activity, &telemetry.Observation{Tier: "poll", Executions: 901}),
				arrivedRecord(t, activity, &telemetry.Coverage{State: telemetry.Partial, Reason: "looks", Records: 5, Parts: []telemetry.Part{{Name: "loads", State: telemetry.NotCollected, Reason: "no tier"}}}),
			}, more...)},
	}
	return door(t, func(w http.ResponseWriter, r *http.Request) {
		var in operator.RunTelemetryRequest
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListRunTelemetry") {
			t.Error(err)
		}
		if err := json.NewEncoder(w).Encode(answers[in.NextToken]); err != nil {
			t.Error(err)
		}
	})
}

func watchOut(t *testing.T, client *client, flags watchFlags) (*watching, string) {
	t.Helper()
	var out bytes.Buffer
	w := newWatching(&Command{Stdout: &out, Stderr: &out}, flags)
	if err := w.follow(t.Context(), client, operator.RunTelemetryRequest{Run: "r"}); err != nil {
		t.Fatal(err)
	}
	if err := w.summary(); err != nil {
		t.Fatal(err)
	}
	return w, out.String()
}

// Each thing is a line in plain words, once; the counts at the end are news of a port
// only. What hosts have made up rules no terminal and makes no line.
func TestWatchInWords(t *testing.T) {
	w, out := watchOut(t, watched(t, inspector.Completed), watchFlags{})
	for _, want := range []string{
		"host        collects; the agent is healthy",
		"run         the run is collecting data",
		"execution   /usr/bin/curl (curl) by user 1000",
		"connection  /usr/bin/curl by root -> [2001:db8::1]:443",
		"listener    port 21/tcp (IPv4) is listened on",
		"listener    port 21/tcp (IPv4) has accepted 3 connections, 3 from elsewhere",
		"load        /usr/bin/curl by root maps /lib/libz.so (zlib1g)",
		"load        /usr/bin/curl by root maps /lib/libssl.so\n", // its path was found at the end
		"listener    /usr/sbin/sshd (openssh-server) listens on 0.0.0.0:22/tcp",
		"sensor      observed for 0s by poll: 901 executions",
		"sensor      activity is done: 5 records, partial: looks; loads not_collected: no tier",
		"run         the run is completed",
		"web-1: 2 executions, 1 connection, 1 port that accepts, 2 loads, 1 process, 1 listener, 1 sensor done, not complete: activity\n",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("%q is there %d times in\n%s", want, strings.Count(out, want), out)
		}
	}
	if strings.ContainsAny(out, "\x1b\u202e\r") || strings.Contains(out, "init") {
		t.Errorf("it prints\n%q", out)
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "12:00:00  web-1  execution  /bin/true") {
			t.Errorf("a line is faked:\n%s", out)
		}
	}
	if err := w.exit(); err != nil {
		t.Error(err)
	}
}

func TestWatchKinds(t *testing.T) {
	_, out := watchOut(t, watched(t, inspector.Completed), watchFlags{kinds: []string{kindProcess, kindLoad}})
	if n := strings.Count(out, "\n"); n != 5 || !strings.Contains(out, "/sbin/init by root, process 7") || !strings.Contains(out, "not complete: activity") {
		t.Errorf("it prints\n%s", out)
	}
	if _, err := parseKinds("load,nonsense"); err == nil {
		t.Error("a kind that there is not")
	}
	if types := typesOf([]string{kindLoad}); len(types) != 3 || types[0] != "load" {
		t.Errorf("%v", types)
	}
}

func TestWatchJSON(t *testing.T) {
	_, out := watchOut(t, watched(t, inspector.Completed), watchFlags{json: true})
	if strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("it prints %q", out)
	}
	kinds, again := map[string]int{}, 0
	for line := range strings.Lines(out) {
		var e watchEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		kinds[e.Kind]++
		if e.Again {
			again++
		}
		if e.Kind == kindExecution && e.Host != "web-1" {
			t.Errorf("%s", line)
		}
	}
	if kinds[kindExecution] != 3 || kinds["summary"] != 1 || kinds[kindRun] != 2 || again != 1 {
		t.Errorf("%v, %d", kinds, again)
	}
}

// The exit tells whether all there was could be looked at.
func TestWatchExits(t *testing.T) {
	for state, want := range map[inspector.RunState]error{
		inspector.Completed: nil, inspector.CompletedWithErrors: exitError(ExitIncomplete), inspector.Canceled: exitError(ExitIncomplete), inspector.FailedState: exitError(ExitIncomplete),
	} {
		if w, _ := watchOut(t, watched(t, state), watchFlags{}); w.exit() != want {
			t.Errorf("%s: %v", state, w.exit())
		}
	}
	w, out := watchOut(t, watched(t, inspector.Completed, operator.TelemetryRecord{Agent: "i-1", Sequence: 4, Sensor: "activity", Problem: "gone"}), watchFlags{})
	if w.exit() != exitError(ExitIncomplete) || !strings.Contains(out, "segment 4 of the sensor activity cannot be read: gone") {
		t.Errorf("%v\n%s", w.exit(), out)
	}
}

// Ctrl-C ends the watching, not the run.
func TestWatchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	client := door(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListRunTelemetry") {
			t.Errorf("it calls %s", r.Header.Get("X-Amz-Target"))
		}
		cancel(errors.New("interrupt signal received"))
		json.NewEncoder(w).Encode(operator.RunTelemetryResponse{State: inspector.CollectingData, NextToken: "1"})
	})
	w := newWatching(&Command{Stdout: new(bytes.Buffer)}, watchFlags{})
	if err := w.follow(ctx, client, operator.RunTelemetryRequest{}); err == nil {
		t.Error("it does not end")
	}
}

func FuzzWatchWords(f *testing.F) {
	f.Add([]byte(`{"type":"execution","name":"a\nb","path":"\u001b[2J"}`))
	f.Add([]byte(`{"type":"socket","local":"\u202e","protocol":"tcp","owners":[{"name":"\r"}]}`))
	f.Add([]byte(`{"type":"coverage","state":"\n","reason":"x\ny","parts":[{"name":"\u0007","state":"x","reason":"\n"}]}`))
	f.Add([]byte(`{"type":"spoken","protocol":"\n"}`))
	f.Add([]byte(`{"type":"process","exe":"\n","container":"\n\n\n\n\n\n\n\n\n\n\né\n\n"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := telemetry.FromJSON(data)
		if err != nil {
			return
		}
		line := watchEvent{Host: string(data), Text: wordsOf(rec).text}.line(time.Now())
		if strings.ContainsFunc(line, func(r rune) bool { return r == '\n' || r == '\t' || inspector.HarmlessRune(r) != r }) {
			t.Fatalf("%q", line)
		}
	})
}
