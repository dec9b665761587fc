//go:build !linux

package store_test

import (
	"testing"

	"assay/internal/testenv"
)

func readOnlyMount(t *testing.T, _ string) {
	testenv.Missing(t, "Linux, to make a folder read-only for root")
}
