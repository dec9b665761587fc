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
	modules := filepath.Join(cached(t, "ASSAY_TEST_NODE", "assay-test-node"), "node_modules")
	if _, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err != nil {
		Missing(t, "npm's packages (scripts/install-node-clients.sh)")
	}
	return modules
}

// SPDXSchema returns the file of SPDX 2.3's JSON schema, or ends the test.
// scripts/install-spdx-schema.sh installs it outside the project.
func SPDXSchema(t testing.TB) string {
	t.Helper()
	path := cached(t, "ASSAY_TEST_SPDX_SCHEMA", "assay-test-spdx/spdx-schema-2.3.json")
	if _, err := os.Stat(path); err != nil {
		Missing(t, "SPDX's JSON schema (scripts/install-spdx-schema.sh)")
	}
	return path
}

// cached is where an install script has put something: where the variable says, or
// in the user's cache.
func cached(t testing.TB, variable, name string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		Missing(t, "$"+variable+", or a home folder")
	}
	return filepath.Join(cache, name)
}
