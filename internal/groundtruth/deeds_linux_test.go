package groundtruth

import (
	"os"
	"os/exec"
	"strings"

	"assay/internal/testenv"
)

// before does what is there when the observation begins, and stays.
func (s *stage) before() {
	s.there.hold(s.program("far", "deed",
		"listen,::,21,220 truth\r\n,221 bye\r\n", "listen,::,23,login: ", "listen,::,80", "listen,::,143", "listen,::,22"))
	s.here.hold(s.program("near", "deed",
		"listen,::,7001", "listen,0.0.0.0,7002", "listen,0.0.0.0,7003", "listen,127.0.0.1,7005", "listen,::,7006", "listen,::,110", "udp,0.0.0.0,161"))

	open, theirs := s.put("open.so", "lib", 0o646), s.put("theirs/lib.so", "lib", 0o755)
	must(s.t, os.Chown(s.path("theirs"), nobody, 0))
	s.here.hold(s.program("loader", "deed", "load,"+open, "load,"+theirs, "load,"+s.put("closed.so", "lib", 0o755), "load,"+s.put("stack.so", "lib-execstack", 0o755)))
	s.here.hold(s.program("stack", "deed-execstack"))
	s.here.hold(s.program("wx", "deed", "wx"))

	// Root by its file's mode; and somebody for whom it is no fault.
	set := s.program("setuid", "deed", "load,"+s.put("set.so", "lib", 0o646))
	must(s.t, os.Chmod(set.Path, 0o755|os.ModeSetuid))
	s.here.hold(as(nobody, set))
	s.here.hold(as(nobody, s.program("user", "deed", "load,"+s.put("user.so", "lib", 0o646))))
}

// fleeting does what is over before anybody could look.
func (s *stage) fleeting() {
	s.put("short", "short", 0o755)
	s.times(200, s.here, "short", "ms,1")
	s.put("blink", "short", 0o755)
	s.times(20, s.here, "blink", "connect,"+there4+",143,1", "ms,1")
	s.put("short-stack", "short-execstack", 0o755)
	s.times(10, s.here, "short-stack", "ms,1")
	s.put("short-open", "short", 0o757)
	s.times(10, s.here, "short-open", "ms,1")
	s.here.run(s.program("flash", "deed", "load,"+s.put("flash.so", "lib", 0o646), "unload"))
	s.here.run(s.program("glimpse", "deed", "load,"+s.put("glimpse.so", "lib", 0o646)))

	s.here.run(s.program("caller", "deed",
		"connect,"+there4+",80,7", "connect,"+there6+",80,5", "connect,"+there4+",22,3", "connect,"+there4+",5900,2", // the last is refused
		"connect,127.0.0.1,7005,2", "connect,"+here4+",7003,4", "connect,"+here6+",110,1"))
	s.there.run(s.program("visitor", "deed",
		"connect,"+here4+",7001,5", "connect,"+here6+",7001,3", "connect,"+here4+",7006,2", "connect,"+here4+",110,1"))

	s.client("inetutils-telnet", there4)
	s.client("inetutils-telnet", there6)
	s.client("tnftp", "-n", there4)

	// Its file is gone when it connects, and so is it soon. Its inode may be another's
	// then, unless somebody has the file open.
	gone := s.program("vanish", "short")
	if s.busy {
		file, err := os.Open(gone.Path)
		must(s.t, err)
		s.t.Cleanup(func() { file.Close() })
	}
	gone.Args = append(gone.Args, "unlink,"+gone.Path, "connect,"+there4+",23,2")
	s.here.run(gone)

	set := s.program("setuid-caller", "deed", "connect,"+there4+",389,2")
	must(s.t, os.Chmod(set.Path, 0o755|os.ModeSetuid))
	s.here.run(as(nobody, set))

	s.put("interpreter", "deed", 0o755)
	must(s.t, os.WriteFile(s.path("script"), []byte("#!"+s.path("interpreter")+" connect,"+there4+",1883,2\n"), 0o755))
	s.here.run(exec.Command(s.path("script")))
}

// lasting does what goes on until the observation ends.
func (s *stage) lasting() {
	s.here.hold(s.program("patient", "deed", "keep,"+there4+",6667", "keep,"+there6+",80", "keep,"+there6+",80", "keep,"+there4+",22"))
	s.here.hold(s.program("late", "deed", "listen,0.0.0.0,7004"))
	s.there.hold(s.program("guest", "deed", "keep,"+here4+",7001"))

	s.put("root"+s.inside(), "short", 0o757)
	contained := s.program("manager", "deed", "pivot,"+s.path("root"), "exec,"+s.inside(), "keep,"+there4+",143")
	s.contain(contained)
	s.here.hold(contained)
}

// harmless does what is there and insecure to nobody: what only the host itself can
// reach, and what a port that is used is.
func (s *stage) harmless() {
	s.there.hold(s.program("far", "deed", "listen,::,22", "listen,::,443"))
	s.here.hold(s.program("near", "deed", "listen,::,7001", "listen,127.0.0.1,23", "listen,::1,80", "udp,127.0.0.1,161", "udp,0.0.0.0,5353"))
	s.here.hold(s.program("loader", "deed", "load,"+s.put("closed.so", "lib", 0o755)))
	s.here.hold(as(nobody, s.program("user", "deed", "load,"+s.put("user.so", "lib", 0o646))))
}

func (s *stage) harmlessMeanwhile() {
	s.put("short", "short", 0o755)
	s.times(20, s.here, "short", "ms,1")
	s.here.run(s.program("caller", "deed", "connect,"+there4+",22,2", "connect,"+there6+",443,2",
		"connect,127.0.0.1,23,3", "connect,::1,80,3", "connect,"+here4+",110,1")) // to nobody, on the host itself
	s.there.hold(s.program("guest", "deed", "connect,"+here4+",7001,3", "keep,"+here6+",7001"))
	s.here.hold(s.program("patient", "deed", "keep,"+there4+",22", "keep,"+there4+",443"))
	s.here.hold(s.program("late", "deed", "listen,0.0.0.0,7004"))
}

func (s *stage) times(n int, at *place, name string, deeds ...string) {
	s.t.Helper()
	for range n {
		at.run(exec.Command(s.path(name), deeds...))
	}
}

// client runs a real one, as people do who have a script.
func (s *stage) client(name string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(testenv.Need(s.t, name, name), args...)
	cmd.Stdin = strings.NewReader("quit\n")
	s.here.enter()
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != 1 { // telnet's, where the other end closes
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
