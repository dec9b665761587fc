package conformance

import (
	"os/exec"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// AWS's JavaScript clients of both generations, on Node.
func TestJavaScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		testenv.Missing(t, "node (apt-get install nodejs)")
	}
	modules := testenv.NodeModules(t)
	for _, generation := range []string{"v2", "v3"} {
		t.Run(generation, func(t *testing.T) {
			w := newWorld(t)
			env := w.environment("NODE_PATH="+modules, "NODE_NO_WARNINGS=1")
			if out := w.program(env, node, "testdata/node/client.js", generation); !strings.HasSuffix(out, "ok\n") {
				t.Errorf("it says %s", out)
			}
			w.gone()
		})
	}
}
