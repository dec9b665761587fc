package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/api/model"
)

// caller makes one call with a client, input and output as JSON. The names of
// members may begin with a capital.
type caller func(operation, input string) (output []byte, err error)

// step is a call of the walk through all operations, testdata/walk.json. In texts
// ${name} stands for what an earlier step has saved, by the path to it.
type step struct {
	Operation  string
	Input      json.RawMessage
	Save, Want map[string]string
	Until      string // a member that says WORK_IN_PROGRESS until the service is done
}

// walk calls every operation of the model with a client.
func (w *world) walk(call caller) {
	w.t.Helper()
	text, err := os.ReadFile("testdata/walk.json")
	check(w.t, err)
	var steps []step
	check(w.t, json.Unmarshal(text, &steps))
	saved, called := map[string]string{"seed": w.run}, map[string]bool{}
	filled := func(text string) string {
		for name, value := range saved {
			text = strings.ReplaceAll(text, "${"+name+"}", value)
		}
		return text
	}
	for _, s := range steps {
		out := w.take(s, filled(string(s.Input)), call)
		called[s.Operation] = true
		for path, want := range s.Want {
			if got := reach(out, filled(path)); got != filled(want) {
				w.t.Errorf("%s: %s is %q, want %q in %v", s.Operation, path, got, filled(want), out)
			}
		}
		for name, path := range s.Save {
			if saved[name] = reach(out, path); saved[name] == "" {
				w.t.Fatalf("%s has no %s: %v", s.Operation, path, out)
			}
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(model.Operations)) {
		if !called[operation] {
			w.t.Errorf("the walk does not call %s", operation)
		}
	}
	w.read(saved["url"])
	w.gone()
}

// take makes the call of a step, again until what it waits for is done.
func (w *world) take(s step, input string, call caller) any {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		data, err := call(s.Operation, input)
		if err != nil {
			w.t.Fatalf("%s %s: %v", s.Operation, input, err)
		}
		var out any
		if len(strings.TrimSpace(string(data))) > 0 {
			check(w.t, json.Unmarshal(data, &out))
		}
		if s.Until == "" || reach(out, s.Until) != "WORK_IN_PROGRESS" || time.Now().After(deadline) {
			return out
		}
	}
}

// read gets a report by its link.
func (w *world) read(url string) {
	w.t.Helper()
	answer, err := w.httpClient().Get(url)
	check(w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "allows root to log in over SSH") {
		w.t.Errorf("the report is %d %.100q, %v", answer.StatusCode, text, err)
	}
}

// reach follows a path of members and indexes; it is empty where it leads nowhere.
func reach(value any, path string) string {
	for _, name := range strings.Split(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			next, ok := v[name]
			if !ok {
				next = v[strings.ToUpper(name[:1])+name[1:]]
			}
			value = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return ""
			}
			value = v[i]
		default:
			return ""
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func TestReach(t *testing.T) {
	value := map[string]any{"A": []any{map[string]any{"b": 1.0}}}
	for path, want := range map[string]string{"a.0.b": "1", "a.1.b": "", "a.b": "", "c": "", "a.0.b.c": ""} {
		if got := reach(value, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
