package python

import (
	"errors"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"Metadata-Version: 2.1\nName: zope.interface\nVersion: 5.5.2\nSummary: x\n\nName: other\n": "zope.interface 5.5.2",
		"Metadata-Version: 1.1\r\nname: A_b\r\nVERSION:1!2.0+local\r\n":                            "A_b 1!2.0+local",
		"Version: 1\nName: x": "x 1",
		"Metadata-Version: 2.1\nDescription: " + strings.Repeat("x", 10_000) + "\nName: x\nVersion: 1\n": "x 1",
		"Name: x\nName: y\nVersion: 1\nVersion: 2\n":                                                     "x 1",
	} {
		name, version, err := Read(strings.NewReader(text))
		if err != nil || name+" "+version != want {
			t.Errorf("%.60q: %s %s %v", text, name, version, err)
		}
	}
	for _, text := range []string{"", "\n", "Name: x\n", "Name: x\n\nVersion: 1\n", strings.Repeat("x\n", maxHeader) + "Name: x\nVersion: 1\n"} {
		if name, version, err := Read(strings.NewReader(text)); !errors.Is(err, ErrNone) {
			t.Errorf("%.60q: %s %s %v", text, name, version, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Metadata-Version: 2.1\nName: x\nVersion: 1\n\nbody")
	f.Fuzz(func(t *testing.T, text string) {
		name, version, err := Read(strings.NewReader(text))
		if err == nil && (!strings.Contains(text, name) || !strings.Contains(text, version)) {
			t.Errorf("%q %q", name, version)
		}
	})
}
