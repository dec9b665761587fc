package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func event(user, name string, at time.Time) Event {
	e := Event{Version: "1.08", Identity: Identity{Type: "IAMUser", User: user}, Time: at, Name: name, Type: "AwsApiCall", ReadOnly: ReadOnly(name)}
	if user == "" {
		e.Identity = Identity{Type: "Unknown"}
	}
	return e
}

func newLog(t *testing.T) (*Log, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a[u]*dit")
	l, err := Open(dir, 90*24*time.Hour, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, dir
}

func add(t *testing.T, l *Log, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, dir string, f Filter) (names []string) {
	t.Helper()
	if _, err := Read(dir, f, func(e Event, _ []byte) error { names = append(names, e.Name); return nil }); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestLog(t *testing.T) {
	l, dir := newLog(t)
	failed := event("bob", "DeleteAssessmentRun", noon)
	failed.ErrorCode = "AccessDeniedException"
	add(t, l, event("alice", "ListFindings", noon), failed, event("alice", "CreateResourceGroup", noon.Add(13*time.Hour)), event("alice", "ListAgents", noon.Add(11*time.Hour)))
	info, err := os.Stat(filepath.Join(dir, "2026-11-26.jsonl"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for _, test := range []struct {
		f    Filter
		want string
	}{
		{Filter{}, "ListFindings DeleteAssessmentRun CreateResourceGroup ListAgents"},
		{Filter{User: "bob"}, "DeleteAssessmentRun"},
		{Filter{Name: "listfindings"}, "ListFindings"},
		{Filter{Errors: true}, "DeleteAssessmentRun"},
		{Filter{Since: noon.Add(time.Hour)}, "CreateResourceGroup ListAgents"},
		{Filter{Since: noon, Until: noon.Add(12 * time.Hour)}, "ListFindings DeleteAssessmentRun ListAgents"},
		{Filter{User: "nobody"}, ""},
	} {
		if got := strings.Join(read(t, dir, test.f), " "); got != test.want {
			t.Errorf("%+v: %q, want %q", test.f, got, test.want)
		}
	}
	if _, err := Read(filepath.Join(dir, "absent"), Filter{}, nil); err == nil {
		t.Error("a folder that is not there has events")
	}
	stop := errors.New("stop")
	if _, err := Read(dir, Filter{}, func(Event, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// A line that a crash has cut off is passed over, and the next begins on its own.
func TestTornLine(t *testing.T) {
	l, dir := newLog(t)
	add(t, l, event("alice", "A", noon), event("alice", "B", noon))
	l.Close()
	name := filepath.Join(dir, "2026-11-26.jsonl")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += 13 {
		if err := os.WriteFile(name, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		add(t, l, event("alice", "C", noon))
		l.Close()
		got := strings.Join(read(t, dir, Filter{}), " ")
		if want := "A B C"; !strings.HasSuffix(want, got) && got != "A C" || !strings.HasSuffix(got, "C") {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
}

func TestRetention(t *testing.T) {
	l, dir := newLog(t)
	add(t, l, event("a", "Old", noon), event("a", "Kept", noon.AddDate(0, 0, 10)), event("a", "New", noon.AddDate(0, 0, 95)))
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(read(t, dir, Filter{}), " "); got != "Kept New" {
		t.Error(got)
	}
}

// Strangers fill no disk, and what was left out is told.
func TestStrangers(t *testing.T) {
	l, dir := newLog(t)
	for range 10_000 {
		add(t, l, event("", "", noon))
	}
	n := len(read(t, dir, Filter{}))
	if n < strangersBurst || n > strangersBurst+10 || l.LeftOut() != int64(10_000-n) {
		t.Errorf("%d events of strangers, %d left out", n, l.LeftOut())
	}
	add(t, l, event("alice", "ListFindings", noon))
	l.strangers.SetBurst(strangersBurst * 2) // as if time had passed
	l.strangers.SetLimit(1e9)
	add(t, l, event("", "", noon))
	var last Event
	if _, err := Read(dir, Filter{}, func(e Event, _ []byte) error { last = e; return nil }); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"unrecordedCallsBefore":%d}`, 10_000-n); string(last.Request) != want {
		t.Errorf("%s, want %s", last.Request, want)
	}
}

func TestManyAtOnce(t *testing.T) {
	l, dir := newLog(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 25 {
				if err := l.Append(event("alice", "CreateResourceGroup", noon)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := len(read(t, dir, Filter{})); n != 200 {
		t.Error(n, "events")
	}
}

// While events cannot be written, Ready says so; when they can again, it says that.
func TestBrokenLog(t *testing.T) {
	l, dir := newLog(t)
	if err := os.Mkdir(filepath.Join(dir, "2026-11-26.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	today := filepath.Join(dir, time.Now().UTC().Format(day)+".jsonl")
	if err := os.Mkdir(today, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	if err := l.Ready(); err != nil {
		t.Error(err)
	}
	if err := l.Append(event("alice", "CreateResourceGroup", noon)); err == nil {
		t.Error("no error")
	}
	if err := l.Ready(); err == nil {
		t.Error("it is ready")
	}
	if err := os.Remove(today); err != nil {
		t.Fatal(err)
	}
	if err := l.Ready(); err != nil {
		t.Error(err)
	}
}

func TestParameters(t *testing.T) {
	many := ""
	for n := range maxParameters / 8 {
		many += fmt.Sprintf(`"m%d":1,`, n)
	}
	for _, test := range []struct{ in, want string }{
		{``, ``}, {`nonsense`, ``}, {`[1]`, ``}, {`null`, ``}, {`"x"`, ``},
		{`{"maxResults":10,"nextToken":"abc"}`, `{"maxResults":10,"nextToken":"abc"}`},
		{`{"secretAccessKey":"s","a":{"sessionToken":["t"],"Password":"p","n":12345678901234567890}}`,
			`{"a":{"Password":"` + hidden + `","n":12345678901234567890,"sessionToken":"` + hidden + `"},"secretAccessKey":"` + hidden + `"}`},
		{`{"list":[{"clientSecret":"x"},1]}`, `{"list":[{"clientSecret":"` + hidden + `"},1]}`},
		// Nobody keeps what was asked out of the record by asking for more.
		{`{"userName":"eve","x":"` + strings.Repeat("x", maxParameters) + `"}`, `{"userName":"eve","x":"` + strings.Repeat("x", shortText) + `... (16384 bytes)"}`},
		{`{"userName":"eve"` + strings.Repeat(" ", 8*maxParameters) + `}`, `{"userName":"eve"}`},
		{`{"userName":"eve","l":[` + strings.Repeat("1,", maxParameters) + `2]}`, `{"l":[` + strings.Repeat("1,", shortList) + `"... (16385 entries)"],"userName":"eve"}`},
		{`{` + many + `"z":1}`, fmt.Sprintf(`{"omitted":true,"originalSize":%d}`, len(many)+7)},
		{`{"url":"https://h/p?key=k","a":{"Url":"https://h/p"}}`, `{"a":{"Url":"https://h/p"},"url":"https://h/p?` + hidden + `"}`},
	} {
		if got := string(Parameters([]byte(test.in))); got != test.want {
			t.Errorf("%.60s: %s, want %s", test.in, got, test.want)
		}
	}
	if got := Short("aé", 2); got != "a" {
		t.Errorf("%q", got)
	}
}

func FuzzParameters(f *testing.F) {
	f.Add(`{"a":{"secret":"x"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		out := Parameters([]byte(text))
		if out != nil && (!json.Valid(out) || len(out) > maxParameters) {
			t.Errorf("%q", out)
		}
		if e := (Event{Request: out}); out != nil {
			if line, err := json.Marshal(e); err != nil || strings.Contains(string(line), "\n") || len(line) > maxLine {
				t.Error(string(line), err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, name := range []string{"ListFindings", "CreateResourceGroup"} {
		b.Run(name, func(b *testing.B) {
			l, err := Open(b.TempDir(), 0, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			e := event("alice", name, noon)
			for b.Loop() {
				if err := l.Append(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
