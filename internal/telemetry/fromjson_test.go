package telemetry

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

func TestFromJSON(t *testing.T) {
	want := &Execution{Device: 1, Inode: 2, UID: 3, Name: "a\nb", Path: "/bin/a", Activity: Activity{Count: 4}}
	Stamp(SensorActivity, want)
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(data), string(data[:len(data)-1]) + `,"of_tomorrow":{"x":1}}`} {
		got, err := FromJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(Record(want), got); d != "" {
			t.Error(d)
		}
	}
	for _, bad := range []string{``, `[]`, `{"type":"trailer"}`, `{"type":"header"}`, `{"type":"of_tomorrow"}`, `{"type":"execution","uid":"x"}`, `{"type":"execution"`} {
		if got, err := FromJSON([]byte(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, got)
		}
	}
}
