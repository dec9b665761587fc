//go:build !windows

package vault

import (
	"fmt"
	"os"
)

func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it, and consider what it protects as read", path, info.Mode().Perm())
	}
	return nil
}
