package node

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		`{"name":"@babel/core","version":"7.1.0","scripts":{"name":"x"}}`:                 "@babel/core 7.1.0",
		"\xef\xbb\xbf{\"author\":{\"name\":\"me\"},\"version\":\"1.0.0\",\"name\":\"a\"}": "a 1.0.0",
		`{"type":"commonjs"}`:               " ",
		`{"name":"a","version":1}`:          "a ",
		`{"\u006eame":"a","version":"2.0"}`: "a 2.0",
		`{"name":"a\"b","version":"2.0"}`:   `a"b 2.0`,
	} {
		name, version, err := Read(strings.NewReader(text))
		if err != nil || name+" "+version != want {
			t.Errorf("%s: %q %q %v", text, name, version, err)
		}
	}
	for _, text := range []string{"", "[]", `"x"`, `{"name":"a"`, `{"name":"a",}`, "{name: 1}", strings.Repeat(`{"a":`, 20_000)} {
		if name, version, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%.40s: %q %q", text, name, version)
		}
	}
}

// What the standard library's parser takes gives what that parser finds.
func FuzzRead(f *testing.F) {
	f.Add(`{"name":"a","version":"1.0.0","dependencies":{"b":"^1"}}`)
	f.Add(`{"version":"1","name":"\u0061"}`)
	f.Fuzz(func(t *testing.T, text string) {
		name, version, err := Read(strings.NewReader(text))
		var other map[string]any
		if json.Unmarshal([]byte(text), &other) != nil || err != nil {
			return
		}
		if strings.Count(text, `"name"`)+strings.Count(text, `"version"`) > 2 || strings.Contains(text, `\u`) {
			return // doubled, of which we take the first
		}
		for key, got := range map[string]string{"name": name, "version": version} {
			if want, ok := other[key].(string); ok && want != got && strings.ToValidUTF8(got, "") == got {
				t.Errorf("%s is %q, not %q", key, got, want)
			}
		}
	})
}
