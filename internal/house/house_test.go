package house_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport says which of our packages each package may import, by name below
// internal/. "x/..." stands for x and everything below it. A package that has no
// line is a fault, so that whoever adds one thinks of its place.
var mayImport = map[string][]string{
	// The ground: the domain, the formats, and what others are measured by.
	"inspector":   {},
	"telemetry":   {},
	"durable":     {},
	"settings":    {},
	"release":     {},
	"house":       {},
	"e2e":         {},
	"groundtruth": {},
	"testenv":     {},
	"testpg":      {"testenv"},
	"version":     {},

	"conformance": {},

	"wire":     {},
	"host":     {"telemetry"},
	"identity": {},
	"access":   {},
	"access/*": {},
	"audit":    {},
	"vault":    {"durable"},
	"schedule": {},
	"blob":     {"durable"},

	// What is published about vulnerabilities, read into one form, and which of it applies.
	"advisory":       {"version"},
	"advisory/feed":  {"advisory"},
	"advisory/osv":   {"advisory", "advisory/feed", "version"},
	"advisory/*":     {"advisory", "advisory/feed"},
	"advisory/index": {"advisory", "version", "durable"},
	"advisory/match": {"advisory", "advisory/index", "version"},
	"advisory/fetch": {"durable"},
	"advisory/feeds": {"advisory/...", "durable"},

	// The agent's side. It never meets the service's.
	"sensor":             {"telemetry", "sensor/hostfs"},
	"sensor/hostfs":      {},
	"sensor/proc":        {},
	"sensor/elf":         {},
	"sensor/kerneltime":  {},
	"sensor/knock":       {},
	"sensor/activity":    {"telemetry", "sensor", "sensor/hostfs", "sensor/proc", "sensor/packages", "sensor/mountinfo", "sensor/programs", "sensor/kerneltime", "sensor/activity/..."},
	"sensor/activity/*":  {"sensor/proc", "sensor/elf", "sensor/mountinfo", "sensor/kerneltime", "sensor/knock", "sensor/activity/seen"},
	"sensor/protocols":   {"telemetry", "sensor", "sensor/hostfs", "sensor/mountinfo", "sensor/kerneltime", "sensor/protocols/..."},
	"sensor/protocols/*": {"sensor/knock", "sensor/protocols/firstbytes"},
	"sensor/mountinfo":   {"sensor/hostfs"},
	"sensor/packages":    {"telemetry", "sensor", "sensor/hostfs", "sensor/packages/..."},
	"sensor/packages/*":  {"telemetry", "sensor/packages/..."},
	"sensor/config":      {"telemetry", "sensor", "sensor/hostfs", "sensor/mountinfo", "sensor/config/redact"},
	"sensor/config/*":    {"telemetry"},
	"sensor/files":       {"telemetry", "sensor", "sensor/hostfs", "sensor/mountinfo"},
	"sensor/tree":        {"sensor/hostfs", "sensor/mountinfo"},
	"sensor/walk":        {"telemetry", "sensor", "sensor/hostfs", "sensor/mountinfo", "sensor/tree", "sensor/files"},
	"sensor/libraries":   {"telemetry", "sensor", "sensor/hostfs", "sensor/mountinfo", "sensor/tree", "sensor/packages", "sensor/libraries/..."},
	"sensor/libraries/*": {"telemetry", "sensor/libraries/..."},
	"sensor/accounts":    {"telemetry", "sensor"},
	"sensor/system":      {"telemetry", "sensor", "sensor/hostfs"},
	"sensor/kernel":      {"telemetry", "sensor", "sensor/hostfs"},
	"sensor/mounts":      {"telemetry", "sensor", "sensor/mountinfo", "sensor/config/redact"},
	"sensor/looks":       {"telemetry", "sensor"},
	"sensor/roots":       {"sensor/hostfs", "sensor/proc", "sensor/mountinfo", "sensor/packages", "sensor/system"},
	"sensor/roots/*":     {"testenv", "sensor/mountinfo"},
	"sensor/processes":   {"telemetry", "sensor", "sensor/hostfs", "sensor/proc", "sensor/roots"},
	"sensor/programs":    {"telemetry", "sensor", "sensor/hostfs", "sensor/proc", "sensor/roots", "sensor/mountinfo", "sensor/files", "sensor/elf"},
	"sensor/sockets":     {"telemetry", "sensor", "sensor/hostfs", "sensor/proc", "sensor/roots"},
	"sensor/containers":  {"telemetry", "sensor", "sensor/hostfs", "sensor/proc", "sensor/roots", "sensor/packages", "sensor/libraries", "sensor/system"},
	"sensor/network":     {"telemetry", "sensor"},
	"sensor/catalog":     {"telemetry", "sensor/..."},
	"agent":              {"wire", "telemetry", "durable", "sensor", "sensor/hostfs", "agent/..."},
	"agent/*":            {"wire", "telemetry", "durable", "sensor", "sensor/hostfs", "agent/..."},
	"agent/cli":          {"telemetry", "durable", "settings", "sensor", "sensor/hostfs", "sensor/catalog", "agent/..."},

	// What a host has and runs: pure functions of it, too.
	"inventory": {"host", "telemetry"},
	"usage":     {"host", "telemetry"},

	// The rules: pure functions of a host.
	"rules":             {"inspector", "host"},
	"rules/access":      {"host", "telemetry"},
	"rules/practices":   {"inspector", "host", "telemetry", "rules", "rules/access", "rules/practices/..."},
	"rules/practices/*": {"inspector", "host", "telemetry", "rules/practices/..."},
	"rules/cve":         {"inspector", "host", "telemetry", "rules", "advisory", "advisory/...", "inventory", "usage", "version"},
	"rules/behavior":    {"inspector", "host", "telemetry", "rules", "rules/access"},
	"rules/catalog":     {"rules", "rules/practices", "rules/cve", "rules/behavior"},

	// The service: state, use cases, doors.
	"ledger":   {},
	"store":    {"inspector", "ledger"},
	"jobs":     {},
	"notify":   {"inspector", "store"},
	"assess":   {"inspector", "telemetry", "host", "wire", "rules", "ledger", "store", "blob", "vault", "jobs", "identity", "schedule", "report", "inventory"},
	"gateway":  {"wire", "identity", "assess"},
	"api":      {"inspector", "access", "store", "rules", "api/model"},
	"api/*":    {},
	"operator": {"inspector", "telemetry", "identity", "store", "rules", "ledger", "assess", "access", "access/policy", "users", "migrate", "inventory"},
	"users":    {"inspector", "access", "access/policy", "store"},
	"figures":  {"inspector", "store", "jobs"},
	"migrate":  {"inspector", "store", "api/model"},
	"dump":     {"inspector", "migrate", "api/model"},

	// What is handed out to everybody.
	"published": {},

	// Documents about a run, from data.
	"report":     {"inspector", "report/..."},
	"report/pdf": {},
	"export":     {"inspector"},
	"sbom":       {"inventory"},

	// What is published beside the programs, for both of them.
	"assay/support": {},
	"assay":         {},

	// The composition, and the commands over it.
	"service": {"..."},
	"cli":     {"..."},
}

// neverInAgent are modules that would make the agent what it must not be: a
// program with a database, a web server's metrics or a cloud's SDK in it.
var neverInAgent = []string{
	"modernc.org/", "github.com/jackc/", "github.com/riverqueue/", "github.com/prometheus/",
	"github.com/aws/", "github.com/tink-crypto/", "assay/internal/store", "assay/internal/assess",
	"assay/internal/rules", "assay/internal/host", "assay/internal/api", "assay/internal/gateway",
}

var platforms = []string{"linux/amd64", "linux/arm64", "windows/amd64"}

// budgets of the stripped programs, in megabytes.
var budgets = map[string]int64{"assay": 50, "assay-agent": 16}

type pkg struct {
	ImportPath, Doc string
	Imports, Deps   []string
	GoFiles         []string
}

func goCommand(t *testing.T, platform string, args ...string) []byte {
	t.Helper()
	goos, goarch, _ := strings.Cut(platform, "/")
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

func list(t *testing.T, platform string, patterns ...string) []pkg {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(goCommand(t, platform, append([]string{"list", "-json=ImportPath,Doc,Imports,Deps,GoFiles"}, patterns...)...)))
	var all []pkg
	for {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

const internal = "assay/internal/"

// place finds the line of the table for a package: its own, or that of "parent/*".
func place(name string) ([]string, bool) {
	if allowed, ok := mayImport[name]; ok {
		return allowed, true
	}
	for parent := name; strings.Contains(parent, "/"); {
		parent = parent[:strings.LastIndex(parent, "/")]
		if allowed, ok := mayImport[parent+"/*"]; ok {
			return allowed, true
		}
	}
	return nil, false
}

func allows(allowed []string, name string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		prefix, tree := strings.CutSuffix(a, "...")
		return a == name || tree && (strings.HasPrefix(name, prefix) || name == strings.TrimSuffix(prefix, "/"))
	})
}

// helpers of tests may import what they help to test.
func helper(name string) bool { return strings.HasSuffix(name, "test") }

func TestImports(t *testing.T) {
	used := map[string]map[string]bool{} // what each package imports, on any platform
	for _, platform := range platforms {
		for _, p := range list(t, platform, "./internal/...", "./support", ".") {
			name := strings.TrimPrefix(p.ImportPath, internal)
			if helper(name) || len(p.GoFiles) == 0 {
				continue
			}
			allowed, ok := place(name)
			if !ok {
				t.Errorf("%s has no place in the house: add it to the table, and to docs/architecture.md", name)
				continue
			}
			if used[name] == nil {
				used[name] = map[string]bool{}
			}
			for _, imported := range p.Imports {
				theirs, ours := strings.CutPrefix(imported, internal)
				if !ours {
					continue
				}
				used[name][theirs] = true
				if helper(theirs) {
					t.Errorf("%s: %s imports %s, which is for tests", platform, name, theirs)
				} else if !allows(allowed, theirs) {
					t.Errorf("%s: %s imports %s, which the house does not allow", platform, name, theirs)
				}
			}
		}
	}
	for name, allowed := range mayImport {
		if strings.Contains(name, "*") {
			continue
		}
		if used[name] == nil {
			t.Errorf("the table has a line for %s, which is not there", name)
			continue
		}
		for _, a := range allowed {
			if !strings.HasSuffix(a, "...") && !used[name][a] {
				t.Errorf("%s may import %s, and does not: take it out of the table", name, a)
			}
		}
	}
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	for _, p := range list(t, "linux/amd64", "./...") {
		if len(p.GoFiles) > 0 && len(p.Doc) < 30 {
			t.Errorf("%s has no doc comment that says what it is for", p.ImportPath)
		}
	}
}

func TestAgentLinksNoService(t *testing.T) {
	for _, platform := range platforms {
		for _, p := range list(t, platform, "./cmd/assay-agent") {
			for _, dep := range p.Deps {
				for _, never := range neverInAgent {
					if strings.HasPrefix(dep, never) {
						t.Errorf("%s: the agent links %s", platform, dep)
					}
				}
			}
		}
	}
}

func TestProgramsBuildWithinTheirBudgets(t *testing.T) {
	if testing.Short() {
		t.Skip("builds six programs")
	}
	for _, platform := range platforms {
		dir := t.TempDir()
		goCommand(t, platform, "build", "-trimpath", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), "./cmd/...")
		for name, megabytes := range budgets {
			if strings.HasPrefix(platform, "windows") {
				name += ".exe"
			}
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			t.Logf("%s %s: %.1f MB of %d", platform, name, float64(info.Size())/1e6, megabytes)
			if info.Size() > megabytes*1e6 {
				t.Errorf("%s %s has %d bytes, more than its %d MB", platform, name, info.Size(), megabytes)
			}
		}
	}
}
