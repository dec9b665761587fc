package cli_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// ours is what the agent may be made of, of this module.
var ours = regexp.MustCompile(`^assay/(cmd/assay-agent|support|internal/(agent|sensor)(/.*)?|internal/(telemetry|wire|durable|settings|release))$`)

// TestTheAgentLinksNoService runs go list for every system that the agent is
// built for: no package of the service, no database, no server's library.
func TestTheAgentLinksNoService(t *testing.T) {
	goTool := testenv.Need(t, "go", "golang-go")
	others := []string{"golang.org/x/sys", "github.com/klauspost/compress", "github.com/go-json-experiment/json", "golang.org/x/term", "golang.org/x/sync", "github.com/cilium/ebpf"}
	for _, target := range []string{"linux/amd64", "linux/arm64", "windows/amd64"} {
		system, processor, _ := strings.Cut(target, "/")
		c := exec.Command(goTool, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}{{end}}", "assay/cmd/assay-agent")
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		n := 0
		for line := range strings.Lines(string(out)) {
			pkg, module, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case pkg == "":
			case module == "assay" && ours.MatchString(pkg):
				n++
			case module == "assay":
				t.Errorf("%s: the agent links %s", target, pkg)
			default:
				known := false
				for _, o := range others {
					known = known || module == o
				}
				if !known {
					t.Errorf("%s: the agent links %s", target, module)
				}
			}
		}
		if n < 10 {
			t.Errorf("%s: only %d packages of ours were looked at", target, n)
		}
	}
}

// maxProgram is the size budget of the stripped program, in bytes.
const maxProgram = 16 << 20

func TestTheAgentIsSmall(t *testing.T) {
	info, err := os.Stat(build(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxProgram {
		t.Errorf("the program has %d bytes, more than %d", info.Size(), maxProgram)
	}
}
