package libraries

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"golang.org/x/tools/txtar"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// host makes a tree out of a txtar archive.
func host(t *testing.T, text string) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		put(t, root, f.Name, f.Data)
	}
	return root
}

func put(t *testing.T, root, name string, data []byte) {
	t.Helper()
	full := filepath.Join(root, name)
	must(t, os.MkdirAll(filepath.Dir(full), 0o755))
	must(t, os.WriteFile(full, data, 0o644))
}

// archive is a zip file of one entry.
func archive(t *testing.T, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	must(t, err)
	_, err = f.Write([]byte(text))
	must(t, errors.Join(err, w.Close()))
	return b.Bytes()
}

func collect(t *testing.T, root string, o Options) ([]*telemetry.Library, Outcome) {
	t.Helper()
	fs, err := hostfs.Open(root)
	must(t, err)
	defer fs.Close()
	var all []*telemetry.Library
	out, err := Collect(context.Background(), fs, o, func(l *telemetry.Library) error {
		all = append(all, l)
		return nil
	})
	must(t, err)
	if out.Libraries != len(all) {
		t.Errorf("%d libraries were emitted, not %d", len(all), out.Libraries)
	}
	return all, out
}

func lines(all []*telemetry.Library) (lines []string) {
	for _, l := range all {
		line := fmt.Sprintf("%s %s@%s %s", l.Ecosystem, l.Name, l.Version, l.Path)
		if l.Inside != "" {
			line += "!" + l.Inside
		}
		if l.Package != "" {
			line += " of " + l.Package
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// everything has a file of each kind, and files that look like one and are not.
const everything = `
-- usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO --
Metadata-Version: 1.2
Name: six
Version: 1.16.0
-- usr/lib/python3/dist-packages/distro.egg-info --
Name: distro
Version: 1.8.0
-- opt/venv/lib/python3.11/site-packages/Jinja2-3.1.2.dist-info/METADATA --
Metadata-Version: 2.1
Name: Jinja2
Version: 3.1.2
-- opt/METADATA --
Name: nothing
Version: 1
-- srv/app/package.json --
{"name":"project","version":"1.0.0"}
-- srv/app/node_modules/lodash/package.json --
{"name":"lodash","version":"4.17.20"}
-- srv/app/node_modules/lodash/fp/package.json --
{"name":"fp","version":"1"}
-- srv/app/node_modules/esm/package.json --
{"type":"module"}
-- srv/app/node_modules/@babel/core/package.json --
{"name":"@babel/core","version":"7.0.0"}
-- srv/app/node_modules/@babel/core/node_modules/ms/package.json --
{"name":"ms","version":"2.0.0"}
-- usr/share/nodejs/semver/package.json --
{"name":"semver","version":"7.3.5"}
-- usr/share/rubygems-integration/all/specifications/rake-13.0.6.gemspec --
Gem::Specification.new do |s|
  s.name = "rake".freeze
  s.version = "13.0.6"
-- usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec --
# stub: json 2.6.1 ruby lib
-- srv/www/vendor/composer/installed.json --
{"packages":[{"name":"twig/twig","version":"v3.4.0"}]}
-- srv/net/App.deps.json --
{"libraries":{"Serilog/2.10.0":{"type":"package"},"App/1":{"type":"project"}}}
-- usr/bin/script --
#!/bin/sh
-- usr/bin/text.so --
this is a text that is somewhat longer than the header of a program is
-- var/lib/dpkg/status --
Package: python3-six
-- var/lib/dpkg/info/python3-six.list --
/.
/usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO
-- var/lib/dpkg/info/libdemo:amd64.list --
/usr/share/java/demo.jar
-- var/lib/docker/overlay2/abc/diff/app/node_modules/layer/package.json --
{"name":"layer","version":"1.0.0"}
-- var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/app/node_modules/layer/package.json --
{"name":"layer","version":"1.0.0"}
-- home/bob/.local/share/containers/storage/overlay/abc/diff/app/node_modules/layer/package.json --
{"name":"layer","version":"1.0.0"}
`

var everythingHas = []string{
	"Maven g:demo@1.0 /usr/share/java/demo.jar of libdemo:amd64",
	"NuGet Serilog@2.10.0 /srv/net/App.deps.json",
	"Packagist twig/twig@v3.4.0 /srv/www/vendor/composer/installed.json",
	"PyPI Jinja2@3.1.2 /opt/venv/lib/python3.11/site-packages/Jinja2-3.1.2.dist-info/METADATA",
	"PyPI distro@1.8.0 /usr/lib/python3/dist-packages/distro.egg-info",
	"PyPI zipped@0.1 /opt/zipped-0.1-py3.egg!EGG-INFO/PKG-INFO",
	"PyPI six@1.16.0 /usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO of python3-six",
	"RubyGems json@2.6.1 /usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec",
	"RubyGems rake@13.0.6 /usr/share/rubygems-integration/all/specifications/rake-13.0.6.gemspec",
	"npm @babel/core@7.0.0 /srv/app/node_modules/@babel/core/package.json",
	"npm lodash@4.17.20 /srv/app/node_modules/lodash/package.json",
	"npm ms@2.0.0 /srv/app/node_modules/@babel/core/node_modules/ms/package.json",
	"npm semver@7.3.5 /usr/share/nodejs/semver/package.json",
}

func whole(t *testing.T) string {
	t.Helper()
	root := host(t, everything)
	must(t, os.Chmod(filepath.Join(root, "usr/bin/script"), 0o755))
	put(t, root, "usr/share/java/demo.jar", archive(t, "META-INF/maven/g/demo/pom.properties", "version=1.0\ngroupId=g\nartifactId=demo\n"))
	put(t, root, "opt/zipped-0.1-py3.egg", archive(t, "EGG-INFO/PKG-INFO", "Name: zipped\nVersion: 0.1\n"))
	must(t, os.Symlink("demo.jar", filepath.Join(root, "usr/share/java/link.jar")))
	must(t, os.Symlink("../..", filepath.Join(root, "srv/app/node_modules/loop")))
	return root
}

func TestEverything(t *testing.T) {
	all, out := collect(t, whole(t), Options{})
	want := slices.Sorted(slices.Values(everythingHas))
	if d := cmp.Diff(want, lines(all)); d != "" {
		t.Error(d)
	}
	if out.Coverage.State != telemetry.Complete || len(out.Coverage.Parts) != len(ecosystems) {
		t.Errorf("%+v", out.Coverage)
	}
}

// The sensor itself does the same, of the host and narrowed.
func TestSensor(t *testing.T) {
	fs, err := hostfs.Open(whole(t))
	must(t, err)
	defer fs.Close()
	for _, c := range []struct{ only, want []string }{
		{nil, everythingHas},
		{[]string{"/srv/net/**"}, everythingHas[1:2]},
		{[]string{"/var/**"}, nil},
	} {
		var all []*telemetry.Library
		cover, err := New().Collect(context.Background(), &sensor.Host{FS: fs, Only: c.only}, func(r telemetry.Record) error {
			all = append(all, r.(*telemetry.Library))
			return nil
		})
		must(t, err)
		if d := cmp.Diff(slices.Sorted(slices.Values(c.want)), lines(all)); d != "" {
			t.Errorf("%v: %s", c.only, d)
		}
		if scope := telemetry.Narrow([]string{"/**"}, c.only); cover.State != telemetry.Complete || !slices.Equal(cover.Scope, scope) {
			t.Errorf("%v: %+v", c.only, cover)
		}
	}
}

// Programs: one of Go, and one that has the list that cargo auditable makes.
func TestPrograms(t *testing.T) {
	objcopy := testenv.Need(t, "objcopy", "binutils")
	root := host(t, "-- main.go --\npackage main\n\nfunc main() {}\n-- crates --\n")
	var crateList bytes.Buffer
	z := zlib.NewWriter(&crateList)
	_, err := z.Write([]byte(`{"packages":[{"name":"b","version":"1.1.0"},{"name":"cc","version":"1.0.0","kind":"build"}]}`))
	must(t, errors.Join(err, z.Close()))
	put(t, root, "crates", crateList.Bytes())
	program := filepath.Join(root, "usr/bin/it")
	must(t, os.MkdirAll(filepath.Dir(program), 0o755))
	build := exec.Command("go", "build", "-o", program, filepath.Join(root, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Not executable, but shared objects need not be.
	library := filepath.Join(root, "usr/lib.so")
	out, err := exec.Command(objcopy, "--remove-section=.go.buildinfo", "--add-section", ".dep-v0="+filepath.Join(root, "crates"), program, library).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	must(t, os.Chmod(library, 0o644))
	all, c := collect(t, root, Options{Container: "abc"})
	release := strings.TrimPrefix(goVersion(t), "go")
	want := []string{"Go command-line-arguments@(devel) /usr/bin/it", "Go stdlib@" + release + " /usr/bin/it", "crates.io b@1.1.0 /usr/lib.so"}
	got := lines(all)
	got = slices.DeleteFunc(got, func(l string) bool { return l == want[0] }) // newer releases leave it out
	if d := cmp.Diff(want[1:], got); d != "" || c.Coverage.State != telemetry.Complete {
		t.Errorf("%s %+v", d, c)
	}
	for _, l := range all {
		if l.Container != "abc" {
			t.Errorf("%+v is in no container", l)
		}
	}
	// A damaged list is a gap of its ecosystems, and of no other.
	put(t, root, "crates", []byte("no list"))
	if out, err := exec.Command(objcopy, "--update-section", ".dep-v0="+filepath.Join(root, "crates"), library).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, c = collect(t, root, Options{})
	if p := c.Coverage.Part(crates); p.State != telemetry.Partial || !strings.Contains(p.Reason, "/usr/lib.so: its section .dep-v0") {
		t.Errorf("%+v", p)
	}
	if p := c.Coverage.Part(pypi); p.State != telemetry.Complete || c.Coverage.State != telemetry.Partial {
		t.Errorf("%+v", c.Coverage)
	}
}

func goVersion(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	must(t, err)
	return strings.Fields(string(out))[0]
}

// What somebody has made to be in the way is told, and hides nothing else.
func TestHostileTree(t *testing.T) {
	root := whole(t)
	put(t, root, "a\nb\xff/node_modules/x/package.json", []byte(`{"name":"x","version":"1"}`))
	put(t, root, "tmp/evil.jar", []byte("PK\x03\x04 not a jar"))
	put(t, root, "tmp/node_modules/odd/package.json", []byte(`{"name":"my password is hunter2","version":"1"}`))
	put(t, root, "tmp/node_modules/long/package.json", []byte(`{"name":"`+strings.Repeat("a", maxName+1)+`","version":"1"}`))
	put(t, root, "tmp/node_modules/huge/package.json", bytes.Repeat([]byte(" "), maxText+1))
	sparse := filepath.Join(root, "tmp/sparse.war")
	must(t, os.WriteFile(sparse, nil, 0o644))
	must(t, os.Truncate(sparse, 1<<40))
	sparse = filepath.Join(root, "tmp/sparse.so")
	must(t, os.WriteFile(sparse, []byte("\x7fELF\x02\x01\x01"), 0o755))
	must(t, os.Truncate(sparse, 1<<40))
	must(t, unix.Mkfifo(filepath.Join(root, "tmp/pipe.jar"), 0o777))
	must(t, os.MkdirAll(filepath.Join(root, "tmp/folder.jar/installed.json"), 0o755))
	must(t, os.Symlink("/dev/zero", filepath.Join(root, "tmp/zero.jar")))
	deep := filepath.Join(root, "deep")
	for range 140 {
		deep = filepath.Join(deep, "d")
	}
	must(t, os.MkdirAll(deep, 0o755))

	all, out := collect(t, root, Options{})
	if len(all) != len(everythingHas)+1 {
		t.Errorf("%q", lines(all))
	}
	i := slices.IndexFunc(all, func(l *telemetry.Library) bool { return l.Name == "x" })
	if i < 0 || string(all[i].Raw) != "/a\nb\xff/node_modules/x/package.json" || all[i].Path != "/a\nb\uFFFD/node_modules/x/package.json" {
		t.Errorf("the path that is no UTF-8: %+v", all)
	}
	c := out.Coverage
	for name, want := range map[string]string{
		maven: "2 files could not be read", npm: "3 files could not be read", pypi: "1 folders could not be read", goModules: "/deep/d/",
	} {
		if p := c.Part(name); p.State != telemetry.Partial || !strings.Contains(p.Reason+c.Reason, want) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if text := fmt.Sprintf("%+v", c); strings.Contains(text, "hunter2") || len(text) > 20_000 {
		t.Errorf("the coverage tells too much: %s", text)
	}
}

// The bounds end the collection, and that is told; what was found is emitted.
func TestBounds(t *testing.T) {
	root := whole(t)
	all, out := collect(t, root, Options{Most: 3})
	if len(all) != 3 || out.Coverage.State != telemetry.Partial || !strings.Contains(out.Coverage.Reason, "more than 3 libraries") {
		t.Errorf("%d %+v", len(all), out)
	}
	if p := out.Coverage.Part(nuget); p.State != telemetry.Partial {
		t.Errorf("a part is %+v", p)
	}
	_, out = collect(t, root, Options{Time: time.Nanosecond})
	if out.Coverage.State != telemetry.Partial || !strings.Contains(out.Coverage.Reason, "within 1ns") {
		t.Errorf("%+v", out)
	}
	fs, err := hostfs.Open(root)
	must(t, err)
	defer fs.Close()
	full := errors.New("full")
	if _, err := Collect(context.Background(), fs, Options{}, func(*telemetry.Library) error { return full }); err != full {
		t.Errorf("the error of emit is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Collect(ctx, fs, Options{}, func(*telemetry.Library) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
}

// A normal user is told what could not be looked at.
func TestDenied(t *testing.T) {
	testenv.NeedRoot(t)
	root := whole(t)
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	must(t, os.Chmod(filepath.Join(root, "srv/net/App.deps.json"), 0o600))
	must(t, os.Chmod(filepath.Join(root, "srv/www"), 0o700))
	var all []*telemetry.Library
	var c telemetry.Coverage
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Only this thread, which ends with its goroutine; package syscall
		// would change all of them.
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
			t.Errorf("setresuid: %v", errno)
			return
		}
		var out Outcome
		all, out = collect(t, root, Options{})
		c = out.Coverage
	}()
	<-done
	if len(all) != len(everythingHas)-2 {
		t.Errorf("%q", lines(all))
	}
	for name, want := range map[string]string{
		nuget: "/srv/net/App.deps.json: permission denied", packagist: "1 folders could not be read: the first was /srv/www", pypi: "/srv/www",
	} {
		if p := c.Part(name); p.State != telemetry.Partial || !strings.Contains(p.Reason+c.Reason, want) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
