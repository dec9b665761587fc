package store_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/testenv"
)

// readOnlyMount makes a folder read-only, for root too, until the test ends.
func readOnlyMount(t *testing.T, folder string) {
	t.Helper()
	if err := unix.Mount(folder, folder, "", unix.MS_BIND, ""); err != nil {
		testenv.Missing(t, "the right to mount a folder: "+err.Error())
	}
	t.Cleanup(func() { unix.Unmount(folder, unix.MNT_DETACH) })
	if err := unix.Mount("", folder, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		testenv.Missing(t, "the right to mount a folder read-only: "+err.Error())
	}
}
