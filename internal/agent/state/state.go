// Package state is the layout of the agent's folder, and who may write to it. The
// credential, the spool and the status file are kept in it by their own packages,
// and package durable replaces its files and lets one agent use it.
package state

import (
	"fmt"
	"os"
)

// The layout of the folder. It is mode 0700, its files 0600.
const (
	IdentityFile = "identity.json" // who the agent is: key, certificate, CA, service
	StatusFile   = "status.json"   // what assay-agent status prints
	SpoolFolder  = "spool"         // telemetry that is not acknowledged yet
)

// Prepare makes the folder if it is missing. A folder that others may write to
// is refused: who can replace the agent's files is the agent.
func Prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the state folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the state folder %s is not a folder", dir)
	}
	if writableByOthers(info) {
		return fmt.Errorf("the state folder %s can be written by others than its owner: chmod 700 it, and look at what is in it", dir)
	}
	return nil
}
