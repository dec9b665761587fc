package support

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestListIsWhole(t *testing.T) {
	l, err := Kernels()
	if err != nil {
		t.Fatal(err)
	}
	if l.About == "" || l.Generated == "" || len(l.Objects) != 64 || len(l.Sensors) == 0 || len(l.Kernels) == 0 {
		t.Errorf("%+v", l)
	}
	for _, k := range l.Kernels {
		if a := l.Lookup(k.Release); a.Standing != Listed || a.Kernel.Release != k.Release {
			t.Errorf("%s: %v", k.Release, a)
		}
		if k.Distribution == "" || k.Package == "" || k.Version == "" || k.Arch == "" || k.Tested == "" {
			t.Errorf("%+v", k)
		}
		for _, m := range k.Modes {
			if found, ok := k.Mode(m.Lockdown, m.BPF); !ok || len(found.Passed)+len(found.Refused) == 0 {
				t.Errorf("%s: %+v", k.Release, m)
			}
			for sensor := range m.Passed {
				if !slices.Contains(l.Sensors, sensor) {
					t.Errorf("%s: %s is not among the sensors that were tested", k.Release, sensor)
				}
			}
		}
	}
	if _, ok := l.Kernels[0].Mode("open", true); ok {
		t.Error("a mode that there is not was found")
	}
}

func TestLookup(t *testing.T) {
	l := List{Kernels: []Kernel{
		{Release: "6.1.0-40-cloud-amd64"}, {Release: "6.1.0-56-cloud-amd64"},
		{Release: "6.12.117+deb12-cloud-amd64"}, {Release: "7.2.3+deb14-cloud-amd64"},
	}}
	for release, want := range map[string]struct {
		standing Standing
		nearest  string
	}{
		"6.1.0-56-cloud-amd64":         {Listed, "6.1.0-56-cloud-amd64"},
		"6.1.0-57-cloud-amd64":         {NewerBuild, "6.1.0-56-cloud-amd64"},
		"6.1.0-100-cloud-amd64":        {NewerBuild, "6.1.0-56-cloud-amd64"},
		"6.1.0-50-cloud-amd64":         {NewerBuild, "6.1.0-40-cloud-amd64"},
		"6.1.0-9-cloud-amd64":          {OlderBuild, "6.1.0-40-cloud-amd64"},
		"6.1.0-56-amd64":               {SeriesKnown, "6.1.0-56-cloud-amd64"},
		"6.1.0-56-generic":             {SeriesKnown, "6.1.0-56-cloud-amd64"},
		"6.12.57+deb13-cloud-amd64":    {OlderBuild, "6.12.117+deb12-cloud-amd64"},
		"6.12.117+deb13-cloud-amd64":   {NewerBuild, "6.12.117+deb12-cloud-amd64"},
		"6.12.0-55.el10.x86_64":        {SeriesKnown, "6.12.117+deb12-cloud-amd64"},
		"7.2.3":                        {SeriesKnown, "7.2.3+deb14-cloud-amd64"},
		"6.11.0-1-amd64":               {NotListed, ""},
		"7.3":                          {NotListed, ""},
		"61.1.0-56-cloud-amd64":        {NotListed, ""},
		"6":                            {NotListed, ""},
		"":                             {NotListed, ""},
		"6.1.0-56-cloud-amd64\x00\n?":  {NotListed, ""},
		strings.Repeat("9", 99) + ".1": {NotListed, ""},
	} {
		a := l.Lookup(release)
		if a.Standing != want.standing || a.Kernel.Release != want.nearest || !strings.Contains(a.String(), want.nearest) {
			t.Errorf("%q: %d, %v", release, a.Standing, a)
		}
	}
}

func TestOrder(t *testing.T) {
	want := []string{"no release", "5.10.0-46-cloud-amd64", "6.1.0-9-amd64", "6.1.0-56-amd64", "6.1.0-56-cloud-amd64", "6.12.117+deb12-amd64", "7.2"}
	got := []string{want[5], want[3], want[6], want[0], want[2], want[4], want[1]}
	if slices.SortFunc(got, Compare); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          ``,
		"the old form":     `[{"kernel": "6.1"}]`,
		"an unknown field": `{"kernels": [], "more": 1}`,
		"two lists":        `{"kernels": []} {"kernels": []}`,
		"no release":       `{"kernels": [{"release": "new", "modes": [{}]}]}`,
		"no mode":          `{"kernels": [{"release": "6.1.0-1-amd64"}]}`,
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The release comes from a host, and the agent's bytes are not trusted.
func FuzzLookup(f *testing.F) {
	f.Add("6.1.0-56-cloud-amd64")
	f.Add("5.14.0-687.el9.x86_64")
	l, err := Kernels()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, release string) {
		a := l.Lookup(release)
		if a.Standing == Listed && a.Kernel.Release != release {
			t.Errorf("%q is taken for %q", release, a.Kernel.Release)
		}
		if (a.Standing == NotListed) != (a.Kernel.Release == "") {
			t.Errorf("%+v", a)
		}
	})
}
