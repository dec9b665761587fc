package cli

import (
	"os/exec"
	"syscall"
)

// apart keeps a terminal's Ctrl-C from a program that we start: we tell it when to end.
// Should we end without, it does, too.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
