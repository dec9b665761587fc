package libraries

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// Debian's Python packages are those that importlib.metadata lists.
func TestAgainstImportlib(t *testing.T) {
	python := testenv.Need(t, "python3", "python3")
	const folder = "/usr/lib/python3/dist-packages"
	out, err := exec.Command(python, "-c", "import importlib.metadata as m\n"+
		"for d in m.distributions(path=['"+folder+"']): print(d.metadata['Name'] + '@' + d.version)").Output()
	must(t, err)
	want := strings.Fields(string(out))
	if len(want) == 0 {
		testenv.Missing(t, "a package of Python in "+folder+" (apt-get install python3-six)")
	}
	all, c := collect(t, folder, Options{Only: []string{"/*/METADATA", "/*/PKG-INFO", "/*"}})
	var got []string
	for _, l := range all {
		if l.Ecosystem == pypi {
			got = append(got, l.Name+"@"+l.Version)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" || c.Coverage.Part(pypi).State != telemetry.Complete {
		t.Errorf("%s %+v", d, c.Coverage)
	}
}

// The packages of npm are those that npm has noted when it installed them.
func TestAgainstNpm(t *testing.T) {
	modules := testenv.NodeModules(t)
	data, err := os.ReadFile(filepath.Join(modules, ".package-lock.json"))
	must(t, err)
	var lock struct {
		Packages map[string]struct{ Name, Version string }
	}
	must(t, json.Unmarshal(data, &lock))
	want := map[string]string{}
	for folder, p := range lock.Packages {
		if p.Name == "" {
			p.Name = folder[strings.LastIndex(folder, "node_modules/")+len("node_modules/"):]
		}
		want["/"+folder+"/package.json"] = p.Name + "@" + p.Version
	}
	all, c := collect(t, filepath.Dir(modules), Options{})
	got := map[string]string{}
	for _, l := range all {
		if l.Ecosystem == npm {
			got[l.Path] = l.Name + "@" + l.Version
		}
	}
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 || c.Coverage.Part(npm).State != telemetry.Complete {
		t.Errorf("%s %+v", d, c.Coverage)
	}
}
