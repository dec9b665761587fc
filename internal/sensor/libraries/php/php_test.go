package php

import (
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

const (
	one = `{"name":"monolog/monolog","version":"2.9.1","version_normalized":"2.9.1.0","source":{"name":"x","type":"git"},"require":{"php":">=7.2"}}`
	two = `{"name":"psr/log","version":"v3.0.0","dist":{"type":"zip"},"install-path":"../psr/log"}`
)

func TestRead(t *testing.T) {
	want := []string{"Packagist monolog/monolog@2.9.1", "Packagist psr/log@v3.0.0"}
	for _, text := range []string{ // Composer 2 and 1
		`{"packages":[` + one + "," + two + `],"dev":true,"dev-package-names":[]}`,
		"[\n" + one + ",\n" + two + "]\n",
		`{"dev":{"packages":[1]},"packages":[` + one + "," + two + `]}`,
	} {
		got, err := read(text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if got, err := read(`{"packages":[]}`); err != nil || len(got) > 0 {
		t.Errorf("nothing installed: %v %v", got, err)
	}
	for _, bad := range []string{"", "x", "{}", `"a"`, `{"packages":{}}`, `{"packages":[` + one, "[" + one + ",", `[1]`, `{"packages":[],`} {
		if got, err := read(bad); err == nil {
			t.Errorf("%.30s: %v", bad, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"packages":[` + one + `]}`)
	f.Add("[" + two + "]")
	f.Fuzz(func(t *testing.T, text string) {
		if all, _ := read(text); len(all) > len(text) {
			t.Errorf("%d packages in %d bytes", len(all), len(text))
		}
	})
}
