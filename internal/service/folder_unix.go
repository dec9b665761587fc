//go:build !windows

package service

import (
	"fmt"
	"os"
)

func private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the data folder: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the data folder %s is open to others (mode %04o), and its keys are in it: chmod 700 it", dir, info.Mode().Perm())
	}
	return nil
}
