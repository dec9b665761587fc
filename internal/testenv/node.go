package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// NodeModules returns the folder of the npm packages that the tests use, or ends
// the test. scripts/install-node-clients.sh installs them outside the project.
func NodeModules(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ASSAY_TEST_NODE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			Missing(t, "npm's packages ($ASSAY_TEST_NODE or a home folder)")
		}
		dir = filepath.Join(cache, "assay-test-node")
	}
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err != nil {
		Missing(t, "npm's packages (scripts/install-node-clients.sh)")
	}
	return modules
}
