package wire_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/wire"
)

func TestDecodeIsStrict(t *testing.T) {
	tests := map[string]struct {
		text string
		good bool
	}{
		"good":             {`{"sequence":3}`, true},
		"white space":      {" {\"sequence\":3}\n", true},
		"unknown member":   {`{"sequence":3,"more":1}`, false},
		"another case":     {`{"Sequence":3}`, false},
		"doubled member":   {`{"sequence":3,"sequence":4}`, false},
		"something behind": {`{"sequence":3}{}`, false},
		"truncated":        {`{"sequence":3`, false},
		"nothing":          {``, false},
		"not UTF-8":        {"{\"sequence\":3,\"\xff\":1}", false},
		"another type":     {`{"sequence":"3"}`, false},
		"a fraction":       {`{"sequence":3.5}`, false},
		"beyond 64 bits":   {`{"sequence":99999999999999999999}`, false},
		"the largest":      {`{"sequence":3` + strings.Repeat(" ", wire.MaxDocument-14) + `}`, true},
		"larger than that": {`{"sequence":3` + strings.Repeat(" ", wire.MaxDocument-13) + `}`, false},
		"deeply nested":    {strings.Repeat("[", 100_000), false},
		"a comment":        {`{"sequence":3} // x`, false},
	}
	for name, test := range tests {
		var r wire.SegmentResponse
		err := wire.Decode(strings.NewReader(test.text), &r)
		if (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
		if test.good && r.Sequence != 3 {
			t.Errorf("%s: it is %d", name, r.Sequence)
		}
	}
}

func TestOneBadInstructionDoesNotTakeTheOthers(t *testing.T) {
	text := `{"now":"2026-01-02T03:04:05Z","interval":30,"instructions":[
		{"id":"good","action":"sensors_on","run":"0-a","sensors":["packages"],"until":"2026-01-02T04:00:00Z"},
		{"id":"member","action":"sensors_on","run":"0-b","sensors":["packages"],"until":"2026-01-02T04:00:00Z","path":"/etc"},
		{"id":"action","action":"execute","run":"0-c"},
		{"id":"off","action":"sensors_off","run":"0-d"},
		{"id":7},
		"text"]}`
	got, refused, err := wire.DecodeHeartbeatResponse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := wire.HeartbeatResponse{Now: now, Interval: 30, Instructions: []wire.Instruction{
		{ID: "good", Action: wire.ActionOn, Run: "0-a", Sensors: []string{"packages"}, Until: time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)},
		{ID: "off", Action: wire.ActionOff, Run: "0-d"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var ids []string
	for _, r := range refused {
		ids = append(ids, r.Instruction)
		if r.Reason == "" {
			t.Errorf("no reason for %q", r.Instruction)
		}
	}
	if diff := cmp.Diff([]string{"member", "action", "", ""}, ids); diff != "" {
		t.Error(diff)
	}
	if _, _, err := wire.DecodeHeartbeatResponse(strings.NewReader(`{"interval":1,"exec":"x"}`)); err == nil {
		t.Error("an unknown member of the answer itself was accepted")
	}
}

func TestCheck(t *testing.T) {
	good := wire.Instruction{ID: "1", Action: wire.ActionOn, Run: "0-AbC_1", Sensors: []string{"a"}, Until: time.Now()}
	tests := map[string]struct {
		change func(*wire.Instruction)
		good   bool
	}{
		"good":           {func(*wire.Instruction) {}, true},
		"no id":          {func(i *wire.Instruction) { i.ID = "" }, false},
		"a long id":      {func(i *wire.Instruction) { i.ID = strings.Repeat("a", 257) }, false},
		"no run":         {func(i *wire.Instruction) { i.Run = "" }, false},
		"a long run":     {func(i *wire.Instruction) { i.Run = strings.Repeat("a", 65) }, false},
		"a path":         {func(i *wire.Instruction) { i.Run = "a/../b" }, false},
		"dots":           {func(i *wire.Instruction) { i.Run = ".." }, false},
		"no sensors":     {func(i *wire.Instruction) { i.Sensors = nil }, false},
		"no end":         {func(i *wire.Instruction) { i.Until = time.Time{} }, false},
		"jitter":         {func(i *wire.Instruction) { i.Jitter = 3600 }, true},
		"less than none": {func(i *wire.Instruction) { i.Jitter = -1 }, false},
		"off":            {func(i *wire.Instruction) { *i = wire.Instruction{ID: "1", Action: wire.ActionOff, Run: "r"} }, true},
		"off by name":    {func(i *wire.Instruction) { i.Action = wire.ActionOff }, false},
		"another action": {func(i *wire.Instruction) { i.Action = "SENSORS_ON" }, false},
	}
	for name, test := range tests {
		i := good
		test.change(&i)
		if err := i.Check(); (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzHeartbeatResponse(f *testing.F) {
	f.Add([]byte(`{"now":"2026-01-02T03:04:05Z","interval":30,"instructions":[{"id":"a","action":"sensors_off","run":"r"}]}`))
	f.Add([]byte(`{"instructions":[{"id":"a","x":{}},[],null,1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		response, _, err := wire.DecodeHeartbeatResponse(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, i := range response.Instructions {
			if err := i.Check(); err != nil {
				t.Errorf("an instruction that is wrong came through: %v", err)
			}
		}
		var b bytes.Buffer
		if err := wire.Encode(&b, response); err != nil {
			return // a time that Go reads and JSON (RFC 3339) cannot tell
		}
		if err := wire.Decode(&b, new(wire.HeartbeatResponse)); err != nil {
			t.Errorf("what was decoded and encoded cannot be decoded: %v", err)
		}
	})
}
