package dotnet

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/telemetry"
)

func read(text string) (all []string, err error) {
	err = Read(strings.NewReader(text), func(l telemetry.Library) error {
		all = append(all, l.Ecosystem+" "+l.Name+"@"+l.Version)
		return nil
	})
	return all, err
}

// example has the members that `dotnet publish` writes.
const example = `{
  "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0", "signature": ""},
  "compilationOptions": {},
  "targets": {
    ".NETCoreApp,Version=v8.0": {
      "App/1.0.0": {"dependencies": {"Newtonsoft.Json": "12.0.1"}, "runtime": {"App.dll": {}}},
      "Newtonsoft.Json/12.0.1": {"runtime": {"lib/netstandard2.0/Newtonsoft.Json.dll": {"assemblyVersion": "12.0.0.0"}}}
    }
  },
  "libraries": {
    "App/1.0.0": {"type": "project", "serviceable": false, "sha512": ""},
    "Newtonsoft.Json/12.0.1": {"type": "package", "serviceable": true, "sha512": "sha512-jw==", "path": "newtonsoft.json/12.0.1"},
    "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack", "serviceable": false, "sha512": ""},
    "System.Text.Encodings.Web/4.7.0-preview.1": {"type": "package"}
  }
}`

func TestRead(t *testing.T) {
	got, err := read(example)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"NuGet Newtonsoft.Json@12.0.1", "NuGet Microsoft.NETCore.App.Runtime.linux-x64@8.0.1", "NuGet System.Text.Encodings.Web@4.7.0-preview.1"}, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", "{}", "[]", example[:len(example)-2], `{"libraries":[]}`, `{"libraries":{"a/1":1}}`} {
		if _, err := read(bad); err == nil {
			t.Errorf("%.30s was read", bad)
		}
	}
	full := errors.New("full")
	if err := Read(strings.NewReader(example), func(telemetry.Library) error { return full }); err != full {
		t.Errorf("the error of add is %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(example)
	f.Fuzz(func(t *testing.T, text string) {
		if all, _ := read(text); len(all) > len(text) {
			t.Errorf("%d packages in %d bytes", len(all), len(text))
		}
	})
}
