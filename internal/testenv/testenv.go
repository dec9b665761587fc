// Package testenv lets tests say what they need of the machine. Where it is
// missing the test is skipped, and the reason is on the list that `make test`
// prints; with CI=true a missing tool is a failure, so that CI can never pass by
// not looking.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program that the test runs, or ends the test.
// pkg is the Debian package that has it.
func Need(t testing.TB, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		// Debian keeps servers out of a normal user's PATH.
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		Missing(t, program+" (apt-get install "+pkg+")")
	}
	return path
}

// Peer returns the path of a program that Assay is compared with where somebody has
// it: it takes many minutes to build, which no test script does. Without it the test is
// skipped and listed, with CI=true too. from is how to get it.
func Peer(t testing.TB, program, from string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("needs %s, which no script installs (%s)", program, from)
	}
	return path
}

// NeedRoot ends the test unless it runs as root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root")
	}
}

// NeedEnv returns the value of an environment variable that the test script
// sets, such as the address of a server that it has started.
func NeedEnv(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		Missing(t, "$"+name+" (set by make test)")
	}
	return value
}

// Missing skips the test, or fails it where CI=true, saying what it needs.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("needs %s, and CI=true allows no skip", what)
	}
	t.Skipf("needs %s", what)
}
