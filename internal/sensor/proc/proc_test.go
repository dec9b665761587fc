package proc

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A process may call itself anything.
func TestParseStat(t *testing.T) {
	tail := " S 7 811 811 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 0 0\n"
	for name, want := range map[string]string{
		"811 (sshd)" + tail:            "sshd",
		"811 (a) S 1 (b)" + tail:       "a) S 1 (b",
		"811 (line\nbreak\xff)" + tail: "line\nbreak\xff",
		"811 ()" + tail:                "",
	} {
		s, err := parseStat([]byte(name))
		if err != nil || s != (Stat{PID: 811, Parent: 7, Name: want, Started: 4242}) {
			t.Errorf("%q: %+v, %v", name, s, err)
		}
	}
	for _, bad := range []string{"", "811", "811 (x", "811 x) S", "811 (x) S 1", "(x)" + tail, "811 (x) S y" + tail} {
		if s, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, s)
		}
	}
}

func TestParseMaps(t *testing.T) {
	got, err := parseMaps(strings.NewReader(`55d0c0000000-55d0c0002000 r--p 00000000 fe:01 131090                     /usr/bin/cat
55d0c0002000-55d0c0007000 r-xp 00002000 fe:01 131090                     /usr/bin/cat
7f1c00000000-7f1c00001000 r-xp 00000000 fe:01 131090                     /usr/bin/cat
7f1c10000000-7f1c10001000 r-xp 00000000 fe:01 77                         /tmp/with a space\012and a line (deleted)
7f1c20000000-7f1c20001000 rwxp 00000000 00:00 0 
7f1c30000000-7f1c30001000 r-xp 00000000 00:00 0                          [vdso]
7f1c34000000-7f1c34001000 rwxs 00000000 fe:01 131090                     /usr/bin/cat
7f1c40000000-7f1c40001000 rw-p 00000000 fe:01 99                         /var/lib/data
garbage
`))
	want := Mapped{Open: 2, Files: []Mapping{
		{Path: "/usr/bin/cat", Device: makeDevice(0xfe, 1), Inode: 131090, Range: "55d0c0002000-55d0c0007000"},
		{Path: "/tmp/with a space\nand a line", Device: makeDevice(0xfe, 1), Inode: 77, Deleted: true, Range: "7f1c10000000-7f1c10001000"},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s %v", diff, err)
	}
	endless := strings.Repeat("55d0c0000000-55d0c0002000 r--p 00000000 00:00 0\n", MaxMappings+1)
	if got, _ := parseMaps(strings.NewReader(endless)); !got.More {
		t.Error("a list without end was read to its end")
	}
}

func TestContainerID(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for line, want := range map[string]string{
		"0::/system.slice/docker-" + id + ".scope":                                    id,
		"12:pids:/docker/" + id:                                                       id,
		"0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-" + id + ".scope": id,
		"1:name=systemd:/kubepods/besteffort/pod1/" + id:                              id,
		"0::/machine.slice/libpod-" + id + ".scope/container":                         id,
		"0::/lxc.payload.web/init.scope":                                              "web",
		"0::/system.slice/ssh.service":                                                "",
		"0::/":                                                                        "",
		"0::/user.slice/" + id[:63]:                                                   "",
	} {
		if got := container(line); got.ID != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestContainerRuntime(t *testing.T) {
	id, inner := strings.Repeat("0123456789abcdef", 4), strings.Repeat("ab", 32)
	for line, want := range map[string]Container{
		"0::/system.slice/docker-" + id + ".scope": {id, "docker"},
		"12:pids:/docker/" + id:                    {id, "docker"},
		"0::/docker/" + id + "/docker/" + inner:    {inner, "docker"},
		"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/crio-" + id + ".scope": {id, "crio"},
		"0::/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:" + id:           {id, "containerd"},
		"0::/kubepods/burstable/pod9d1b/" + id:                                                              {id, ""},
		"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope":               {id, "podman"},
		"0::/machine.slice/libpod-conmon-" + id + ".scope":                                                  {},
		"0::/lxc.payload.web/system.slice/docker-" + id + ".scope":                                          {id, "docker"},
		"0::/lxc.payload.\xff/x": {"\uFFFD", "lxc"},
	} {
		if got := container(line); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:0016":                         "127.0.0.1:22",
		"00000000:0000":                         "0.0.0.0:0",
		"00000000000000000000000001000000:1F90": "[::1]:8080",
		"B80D0120000000000000000007000000:0035": "[2001:db8::7]:53",
	} {
		if got, err := parseAddress(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "0100007F", "zz:1", "01:16", "0100007F:10000"} {
		if got, err := parseAddress(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

// The test's own process, and one that ends, against what is known of them.
func TestOwnProcess(t *testing.T) {
	f := New("/proc")
	s, err := f.Stat(os.Getpid())
	if err != nil || s.Parent != os.Getppid() || s.UID != uint32(os.Geteuid()) || s.GID != uint32(os.Getegid()) || s.Kernel {
		t.Errorf("%+v, %v", s, err)
	}
	self, _ := os.Executable()
	self, _ = filepath.EvalSymlinks(self)
	if exe, deleted, err := f.Exe(os.Getpid()); err != nil || exe != self || deleted {
		t.Errorf("the executable is %q, %t, %v; want %q", exe, deleted, err, self)
	}
	mapped, err := f.Mappings(os.Getpid())
	if err != nil || !slices.ContainsFunc(mapped.Files, func(m Mapping) bool { return m.Path == self }) {
		t.Errorf("%s is not among the mappings %v, %v", self, mapped.Files, err)
	}

	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if _, err := f.Stat(cmd.Process.Pid); !errors.Is(err, ErrGone) {
		t.Errorf("a process that has ended: %v", err)
	}
	if _, err := f.SocketInodes(cmd.Process.Pid); !errors.Is(err, ErrGone) {
		t.Errorf("the sockets of a process that has ended: %v", err)
	}
}

func TestKernelThreads(t *testing.T) {
	f := New("/proc")
	s, err := f.Stat(2)
	if err != nil || s.Name != "kthreadd" {
		t.Skip("process 2 is not the kernel's: " + strconv.Quote(s.Name))
	}
	if !s.Kernel {
		t.Errorf("%+v is not told as a kernel thread", s)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 0 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseStat(data)
		if err == nil && !strings.Contains(string(data), s.Name) {
			t.Errorf("the name %q is not in %q", s.Name, data)
		}
		s.parseStatus(data)
	})
}

func FuzzParseMaps(f *testing.F) {
	f.Add("55d0c0002000-55d0c0007000 r-xp 00002000 fe:01 131090 /usr/bin/cat\n")
	f.Fuzz(func(t *testing.T, text string) { parseMaps(strings.NewReader(text)) })
}

func FuzzParseSockets(f *testing.F) {
	f.Add("heading\n   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		parseSockets(strings.NewReader(text), false, func(Socket) error { return nil })
	})
}

func FuzzContainer(f *testing.F) {
	f.Add("0::/system.slice/docker-" + strings.Repeat("0123456789abcdef", 4) + ".scope")
	f.Add("0::/lxc.payload.web/init.scope")
	f.Fuzz(func(t *testing.T, line string) {
		if c := container(line); c.ID == "" && c.Runtime != "" || !utf8.ValidString(c.ID) || strings.Contains(c.ID, "/") {
			t.Errorf("%q: %+v", line, c)
		}
	})
}
