//go:build wide && linux

package libraries

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// On this machine's own folders we find what osv-scanner finds, which reads the same
// files with google/osv-scalibr; where it is otherwise, for a reason that is named
// here.
func TestAgainstOSVScanner(t *testing.T) {
	scanner := testenv.Peer(t, "osv-scanner", "go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0")
	compared := map[string]int{}
	for _, folder := range []string{"/usr/bin", "/usr/local", "/usr/lib", "/usr/share", "/opt"} {
		all, _ := collect(t, folder, Options{})
		ours, undescribed := map[string]bool{}, map[string]bool{}
		for _, l := range all {
			ours[key(l.Ecosystem, l.Name, l.Version, l.Path)] = true
			undescribed[l.Path] = undescribed[l.Path] || l.Digest != ""
		}
		for _, p := range osvScanner(t, scanner, folder) {
			k := key(p.ecosystem, p.name, p.version, p.path)
			switch {
			case ours[k]:
				compared[p.ecosystem]++
			case p.ecosystem == maven && undescribed[p.path]: // it guesses a group, we do not
			case p.ecosystem == maven && strings.Contains(p.name, "org.objectweb.asm"): // is org.ow2.asm
			case p.ecosystem == goModules && strings.HasPrefix(p.name, "."): // it names the folder
			case p.ecosystem == goModules && p.name == "stdlib" && strings.HasSuffix(p.version, ".99"): // it invents a version
			case p.name == "unknown:unknown", strings.HasSuffix(p.path, ".whl"): // is no name; is not installed
			default:
				t.Errorf("we do not find %s", k)
			}
		}
	}
	t.Logf("the same: %v", compared)
	if len(compared) < 2 {
		t.Errorf("too little was compared: %v", compared)
	}
}

type scanned struct{ ecosystem, name, version, path string }

func osvScanner(t *testing.T, scanner, folder string) (all []scanned) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.json")
	// It complains that it has no advisories, which it was not asked for.
	text, _ := exec.Command(scanner, "scan", "source", "-r", "--no-ignore", "--offline", "--no-resolve", "--all-packages", "--experimental-no-default-plugins",
		"--experimental-plugins", "artifact", "--allow-no-lockfiles", "--format", "json", "--output-file", out, folder).CombinedOutput()
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var report struct {
		Results []struct {
			Source   struct{ Path string }
			Packages []struct {
				Package struct{ Ecosystem, Name, Version string }
			}
		}
	}
	must(t, json.Unmarshal(data, &report))
	for _, r := range report.Results {
		at := strings.TrimPrefix("/"+strings.TrimPrefix(r.Source.Path, "/"), folder)
		for _, p := range r.Packages {
			if e := p.Package.Ecosystem; e == goModules || e == pypi || e == maven || e == npm || e == rubyGems || e == crates {
				all = append(all, scanned{e, p.Package.Name, p.Package.Version, at})
			}
		}
	}
	return all
}

var separators = regexp.MustCompile(`[-_.]+`)

// key has the names of PyPI normalised, as osv-scanner does, and versions of Go as it
// has them.
func key(ecosystem, name, version, path string) string {
	if ecosystem == pypi {
		name = strings.ToLower(separators.ReplaceAllString(name, "-"))
	}
	if ecosystem == goModules {
		version = strings.TrimPrefix(version, "v")
	}
	l := telemetry.Library{Ecosystem: ecosystem, Name: name, Version: version, Path: path}
	return telemetry.Key(&l)
}
