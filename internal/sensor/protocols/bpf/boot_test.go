//go:build linux

package bpf_test

import (
	"os"
	"testing"
)

// The test binary is on an island, if it is asked to be.
func TestMain(m *testing.M) {
	if what := os.Getenv("ASSAY_ISLAND"); what != "" {
		live(what)
		os.Exit(0)
	}
	os.Exit(m.Run())
}
