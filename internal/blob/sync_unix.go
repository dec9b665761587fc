//go:build !windows

package blob

import "os"

// syncFolder makes renames and removals in a folder durable (fsync(2) of a file
// says nothing about its name).
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
