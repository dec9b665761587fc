//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// works are what a host does that observing it may make dearer. Each is done in a
// process of its own, so that the kernel tells what it cost, its children included.
var works = map[string]func(n int) error{
	"null":    nullCalls,
	"open":    opens,
	"exec":    executions,
	"connect": connections,
	"build":   build,
	"sights":  firstSights,
	"churn":   churn,
}

// runWork does one of the works: "work NAME TIMES".
func runWork(args []string) {
	n, err := strconv.Atoi(args[1])
	if err == nil {
		err = works[args[0]](n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, args[0]+":", err)
		os.Exit(1)
	}
}

// nullCalls asks for what the kernel knows without looking: getppid(2).
func nullCalls(n int) error {
	for range n {
		syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	}
	return nil
}

func opens(n int) error {
	for range n {
		fd, err := unix.Open("/etc/hostname", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		unix.Close(fd)
	}
	return nil
}

func executions(n int) error {
	for range n {
		pid, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
		if err != nil {
			return err
		}
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			return err
		}
	}
	return nil
}

// connections connects to a listener of its own and accepts. What is closed is reset, so
// that no port waits.
func connections(n int) error {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	if err := unix.Listen(listener, 16); err != nil {
		return err
	}
	address, err := unix.Getsockname(listener)
	if err != nil {
		return err
	}
	for range n {
		if err := connection(listener, address); err != nil {
			return err
		}
	}
	return nil
}

func connection(listener int, address unix.Sockaddr) error {
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(client)
	if err := unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := unix.Connect(client, address); err != nil {
		return err
	}
	server, _, err := unix.Accept(listener)
	if err != nil {
		return err
	}
	return unix.Close(server)
}

// build compiles packages of Go's library again: a compiler for each, and a linker's
// share of what a build is.
func build(n int) error {
	for range n {
		cmd := exec.Command("go", "build", "-a", "fmt")
		cmd.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, tail(string(out)))
		}
	}
	return nil
}

// firstSights connects to so many addresses of loopback on which nobody listens: each is
// another one for whoever counts them.
func firstSights(n int) error {
	for i := range n {
		if err := firstSight(i); err != nil {
			return err
		}
	}
	return nil
}

func firstSight(i int) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	to := &unix.SockaddrInet4{Port: 1, Addr: [4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)}}
	if err := unix.Connect(s, to); err != unix.ECONNREFUSED {
		return fmt.Errorf("a connection to %v was to be refused: %v", net.IP(to.Addr[:]), err)
	}
	return nil
}

// churn starts programs that are new to the host, some 60 a second, each a file of its
// own, and executes each once; it makes as many connections. A thousand files are kept.
func churn(n int) error {
	folder, err := os.MkdirTemp("", "assay-churn-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		return err
	}
	for i := range n {
		name := filepath.Join(folder, fmt.Sprintf("p%d", i))
		time.Sleep(10 * time.Millisecond)
		if err := os.WriteFile(name, program, 0o700); err != nil {
			return err
		}
		if err := exec.Command(name).Run(); err != nil {
			return err
		}
		if err := firstSight(i); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(folder, fmt.Sprintf("p%d", i-1000))); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
