package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseEnv(t *testing.T) {
	got, err := parseEnv("# c\n; c\n\nA=1\n export B=\"two words\" \nC='x'\nD=\nE=a=b\nF=\"\nG = 1\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "1", "B": "two words", "C": "x", "D": "", "E": "a=b", "F": `"`, "G": "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseEnv(f *testing.F) {
	f.Add("A=1\nexport B='2'\n# c\n")
	f.Add("=\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseEnv(text)
		if err != nil {
			return
		}
		if _, ok := values[""]; ok {
			t.Error("a variable has no name")
		}
	})
}
