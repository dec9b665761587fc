//go:build !windows

package service

import (
	"fmt"
	"os"
	"syscall"
)

// owned refuses whoever is not the owner of a data folder: files that it would make
// there, the service could not read.
func owned(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the data folder: %w", err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("the data folder %s belongs to the user with the id %d: run this as that user (sudo -u '#%d' ...)", dir, stat.Uid, stat.Uid)
	}
	return nil
}
