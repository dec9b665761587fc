package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"assay/internal/telemetry"
)

// TestCanaries plants secrets in an overlay of this host and in processes that
// run on it, does a whole assessment, collects with every sensor, and searches
// everything that came of it, in every form that a text can take.
func TestCanaries(t *testing.T) {
	dump := t.TempDir()
	t.Setenv(envDump, dump)
	w := newWorld(t, "")
	w.startService("")
	s := newStage(t)
	c := &canaries{stage: s, marks: map[string][]string{}}
	c.plantFiles()
	c.plantAccounts()
	c.plantMounts()
	c.plantProcesses()
	token := s.startAgent(w, "AGENT_SECRET="+c.needles.plant("the agent's environment"))
	t.Logf("%d canaries in %d files and %d other places", len(c.needles.names), len(places), len(c.needles.names)-c.inFiles)

	w.heard()
	sdk := w.sdk()
	sdk.template() // makes the target
	out, errs := w.assay(-1, "assess", "-json", "all")
	c.clean("what assay assess prints", []byte(out+errs))
	var outcome struct {
		Run, State string
		Findings   []any
	}
	decode(t, out, &outcome)
	if !strings.HasPrefix(outcome.State, "COMPLETED") || len(outcome.Findings) == 0 {
		t.Fatalf("the run is %s with %d findings", outcome.State, len(outcome.Findings))
	}
	for _, args := range [][]string{{"findings"}, {"findings", "-json"}, {"results", outcome.Run}, {"results", "-json", outcome.Run}, {"agents", "-json"}, {"runs", "-json"}} {
		out, errs := w.assay(-1, args...)
		c.clean("what assay "+strings.Join(args, " ")+" prints", []byte(out+errs))
	}
	snapshot := s.collect()
	s.stop(w)
	w.service.kill()
	// The token is in the request that enrols, and nowhere else.
	c.requests(dump)
	c.needles.add("the token with which the agent enrolled", token)
	c.tree("the service's folder", w.config.Data)
	c.tree("the agent's folder", s.path(own, "state"))
	data, err := os.ReadFile(snapshot)
	must(t, err)
	c.clean("the snapshot", unpack(t, data))
	c.clean("the logs", []byte(w.log.String()))
	c.looked(readSnapshot(t, snapshot))
	c.control()
}

// canaries are the secrets on a stage.
type canaries struct {
	*stage
	needles needles
	marks   map[string][]string // by path, what has to be in its text
	inFiles int
	pids    []int
}

func (c *canaries) plantFiles() {
	c.t.Helper()
	links := map[string]string{}
	for i, p := range places {
		if target, ok := strings.CutPrefix(p.text, "-> "); ok {
			links[p.path] = target
			continue
		}
		marks := []string{fmt.Sprintf("looked-%d-a", i), fmt.Sprintf("looked-%d-b", i)}
		content := p.text
		if p.look == text {
			c.marks[p.path] = marks
			if !strings.Contains(content, "{look}") {
				content = "# {look}\n" + content + "# {look}\n"
			}
			for _, mark := range marks {
				content = strings.Replace(content, "{look}", mark, 1)
			}
		}
		for _, make := range []struct {
			mark  string
			plant func(string) string
		}{{"{}", c.needles.plant}, {"{hex}", c.needles.plantHex}} {
			for strings.Contains(content, make.mark) {
				content = strings.Replace(content, make.mark, make.plant(p.path), 1)
			}
		}
		c.write(p.path, content)
	}
	for name, target := range links {
		must(c.t, os.MkdirAll(filepath.Dir(c.path(name)), 0o755))
		must(c.t, os.Symlink(target, c.path(name)))
	}
	c.inFiles = len(c.needles.names)
}

// plantAccounts adds users whose passwords and names are canaries.
func (c *canaries) plantAccounts() {
	c.t.Helper()
	for name, lines := range map[string]string{
		"/etc/passwd": "canary:$6$saltsalt$" + c.needles.plant("a hash in passwd") + ":54321:54321:" + c.needles.plant("a full name in passwd") + ":/home/canary:/bin/sh\n",
		"/etc/shadow": "canary:$y$j9T$saltsalt$" + c.needles.plant("a hash in shadow") + ":19000:0:99999:7:::\n" +
			"plain:" + c.needles.plant("a password in shadow") + ":19000:0:99999:7:::\n",
		"/etc/group": "canary:" + c.needles.plant("a password in group") + ":54321:\n",
	} {
		data, err := os.ReadFile(c.path(name))
		must(c.t, err)
		c.write(name, string(data)+lines)
	}
}

// plantMounts mounts something whose source is a secret, and lets process 1 see
// mounts of file servers that have them among their options.
func (c *canaries) plantMounts() {
	c.t.Helper()
	c.mount("https://bob:"+c.needles.plant("the source of a mount")+"@dav.example/x", "/mnt/dav", "tmpfs", 0, "size=1m")
	table, err := os.ReadFile("/proc/thread-self/mountinfo")
	must(c.t, err)
	lines := strings.NewReplacer(" "+c.root+" ", " / ", c.root, "").Replace(string(table))
	lines += "9001 1 0:900 / /mnt/looked-at-mounts rw,nosuid - cifs //nas/share rw,username=bob,password=" + c.needles.plant("an option of a mount") + ",vers=3.0\n" +
		"9002 1 0:901 / /mnt/ceph rw - ceph 10.0.0.1:/ rw,name=admin,secret=" + c.needles.plant("a key of a mount") + "\n"
	file := filepath.Join(c.hidden, "mountinfo")
	must(c.t, os.WriteFile(file, []byte(lines), 0o444))
	must(c.t, unix.Mount(file, c.path("/proc/1/mountinfo"), "", unix.MS_BIND, ""))
}

// plantProcesses starts programs with secrets in arguments and environment.
func (c *canaries) plantProcesses() {
	c.t.Helper()
	for _, args := range [][]string{
		{"-c", "sleep 600; :", "mysql", "-u", "root", "-p" + c.needles.plant("an argument")},
		{"-c", "sleep 600; :", "app", "--token=" + c.needles.plant("an argument with a name"), c.needles.plant("an argument alone")},
		{"-c", "sleep 600; : " + c.needles.plant("a script in an argument")},
	} {
		cmd := c.command("/bin/sh", args...)
		cmd.Env = append(cmd.Env, "PGPASSWORD="+c.needles.plant("an environment"), c.needles.plant("a name in an environment")+"=1")
		// With a group of its own, so that what the shell starts goes with it: the stage
		// would look like a container to the tests that follow.
		cmd.SysProcAttr.Setpgid = true
		p := &process{cmd, make(chan struct{})}
		must(c.t, cmd.Start())
		go func() { cmd.Wait(); close(p.done) }()
		c.t.Cleanup(p.kill)
		c.t.Cleanup(func() { unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
		c.pids = append(c.pids, c.pid(cmd.Process))
	}
}

// clean searches a text.
func (c *canaries) clean(what string, data []byte) {
	c.t.Helper()
	if len(data) == 0 {
		c.t.Errorf("there is nothing to search in %s", what)
	}
	for _, l := range c.needles.search(data) {
		c.t.Errorf("%s: the secret of %q is in it: ...%q...", what, l.planted, l.around)
	}
}

// requests searches every request that the agent sent, bodies unpacked.
func (c *canaries) requests(dump string) {
	c.t.Helper()
	files, err := os.ReadDir(dump)
	must(c.t, err)
	var uploads, size int
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dump, f.Name()))
		must(c.t, err)
		head, body, _ := bytes.Cut(data, []byte("\r\n\r\n"))
		line, _, _ := strings.Cut(string(head), "\r\n")
		c.clean("the request "+line, data)
		if strings.HasPrefix(line, "PUT ") {
			plain := unpack(c.t, body)
			c.clean("the upload "+line, plain)
			uploads, size = uploads+1, size+len(plain)
		}
	}
	if uploads == 0 {
		c.t.Error("there are no uploads to search")
	}
	c.t.Logf("searched %d requests, of which %d uploads of %d bytes unpacked", len(files), uploads, size)
}

// tree searches every file below a folder.
func (c *canaries) tree(what, folder string) {
	c.t.Helper()
	files, size := 0, 0
	must(c.t, filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		files, size = files+1, size+len(data)
		if len(data) > 0 {
			c.clean(name, data)
		}
		return err
	}))
	if files == 0 {
		c.t.Errorf("%s is empty", what)
	}
	c.t.Logf("searched %s: %d files, %d bytes", what, files, size)
}

func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil)
	must(t, err)
	defer d.Close()
	plain, err := d.DecodeAll(packed, nil)
	must(t, err)
	return plain
}

// looked checks that the agent came by every place: otherwise it is no wonder
// that it tells nothing.
func (c *canaries) looked(records []telemetry.Record) {
	c.t.Helper()
	texts, files, others := map[string]*telemetry.Text{}, map[string]*telemetry.File{}, map[string]bool{}
	for _, r := range records {
		switch r := r.(type) {
		case *telemetry.Text:
			texts[r.Path] = r
		case *telemetry.File:
			files[r.Path] = r
		default:
			others[telemetry.Key(r)] = true
		}
	}
	count := map[look]int{}
	for _, p := range places {
		count[p.look]++
		body, file := texts[p.path], files[p.path]
		switch {
		case p.look != text && body != nil && body.Text != "":
			c.t.Errorf("%q: a text was collected", p.path)
		case p.look == withheld && (body == nil || body.Problem == ""):
			c.t.Errorf("%q: it is not told that its text was withheld", p.path)
		case p.look == listed && file == nil:
			c.t.Errorf("%q was not looked at", p.path)
		case p.look == outside && (body != nil || file != nil):
			c.t.Errorf("%q is outside of what is looked at, and was told", p.path)
		case p.look == text && body == nil:
			c.t.Errorf("%q was not collected", p.path)
		case p.look == text:
			for _, mark := range c.marks[p.path] {
				if !strings.Contains(body.Text, mark) {
					c.t.Errorf("%q: %s is missing in %q", p.path, mark, body.Text)
				}
			}
			if body.Redacted == 0 {
				c.t.Errorf("%q: nothing was redacted", p.path)
			}
		}
	}
	c.t.Logf("%d texts, %d withheld, %d listed, %d outside", count[text], count[withheld], count[listed], count[outside])
	keys := []string{"user:canary", "shadow:canary", "shadow:plain", "group:canary", "mount:/mnt/looked-at-mounts", "mount:/mnt/ceph", "mount:/mnt/dav"}
	for _, l := range []telemetry.Library{
		{Ecosystem: "npm", Name: "canary-lib", Version: "1.0.0", Path: "/srv/app/node_modules/canary-lib/package.json"},
		{Ecosystem: "PyPI", Name: "canary-dist", Version: "1.0", Path: "/srv/app/lib/python3/site-packages/canary_dist-1.0.dist-info/METADATA"},
	} {
		keys = append(keys, telemetry.Key(&l))
	}
	for _, pid := range c.pids {
		keys = append(keys, fmt.Sprintf("process:%d", pid))
	}
	for _, key := range keys {
		if !others[key] {
			c.t.Errorf("%s was not collected", key)
		}
	}
}

// control shows that the search finds.
func (c *canaries) control() {
	c.t.Helper()
	n := needles{}
	canary := n.plant("a")
	for _, form := range formsOf(canary) {
		if got := n.search([]byte("before " + form + " after")); len(got) != 1 {
			c.t.Errorf("the form %q is not found", form)
		}
	}
	if len(n.search([]byte(canary[3:15]))) != 1 || len(n.search([]byte("no secret at all"))) != 0 {
		c.t.Error("a part of a canary is not found, or nothing is")
	}
	for _, p := range []string{"/etc/shadow", "/root/.aws/credentials"} {
		data, err := os.ReadFile(c.path(p))
		must(c.t, err)
		if len(c.needles.search(data)) == 0 {
			c.t.Errorf("the canary in %s is not found there", p)
		}
	}
}
