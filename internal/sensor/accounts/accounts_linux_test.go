package accounts

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// collect collects from an image with these files.
func collect(t *testing.T, files map[string]string) ([]telemetry.Record, telemetry.Coverage) {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return collectFrom(t, root)
}

func collectFrom(t *testing.T, root string) (records []telemetry.Record, c telemetry.Coverage) {
	t.Helper()
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	c, err = New().Collect(context.Background(), &sensor.Host{FS: fs}, func(r telemetry.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, c
}

func days(n int64) *int64 { return &n }

func TestLines(t *testing.T) {
	const p, s, g = "/etc/passwd", "/etc/shadow", "/etc/group"
	records, c := collect(t, map[string]string{
		"passwd": "root:x:0:0:The Root:/root:/bin/bash\n" +
			"# a comment\n\n" +
			"empty::1:1::/:\n" +
			"  blank:*:2:2::/:/bin/sh\n" +
			"old:abJnggxhB/yWI:3:3::/:/bin/sh\n" +
			"short:x:4\n" +
			"number:x:-1:99999999999::/:/bin/sh\n" +
			"+::::::\n-@bad\n+bob::0:0:::\n" +
			"no colon at all $6$saltsalt$hash\n" +
			"last:x:5:5::/:/bin/sh", // no newline
		"shadow": "root:$y$j9T$saltsalt$hashhash:19000:0:99999:7:::\n" +
			"empty::19000::::::\nlocked:!$6$salt$hashhashhash:19000:0:365:7:30:20000:\n" +
			"never:!*:::::::\nbad:*:x:0:-1:7:::\nshort:*\nx:x:1::::::\n",
		"group": "root:x:0:\nwheel:x:10:alice, bob,\nbad:x:ten:\n+:::\n",
	})
	if c.State != telemetry.Complete || len(c.Parts) != 3 {
		t.Errorf("%+v", c)
	}
	want := []telemetry.Record{
		&telemetry.User{Name: "root", Home: "/root", Shell: "/bin/bash", Password: "shadowed", File: p, Line: 1},
		&telemetry.User{Name: "empty", UID: 1, GID: 1, Home: "/", Password: "empty", File: p, Line: 4},
		&telemetry.User{Name: "blank", UID: 2, GID: 2, Home: "/", Shell: "/bin/sh", Password: "disabled", File: p, Line: 5},
		&telemetry.User{Name: "old", UID: 3, GID: 3, Home: "/", Shell: "/bin/sh", Password: "usable", Algorithm: "des", File: p, Line: 6},
		&telemetry.User{Name: "short", UID: 4, GID: math.MaxUint32, Password: "disabled", File: p, Line: 7, Problem: "it has 3 fields, not 7"},
		&telemetry.User{Name: "number", UID: math.MaxUint32, GID: math.MaxUint32, Home: "/", Shell: "/bin/sh", Password: "shadowed", File: p, Line: 8, Problem: "its user number is not one"},
		&telemetry.User{Name: "+", Password: "disabled", File: p, Line: 9, Problem: "it is an entry for NIS, not an account"},
		&telemetry.User{Password: "disabled", UID: math.MaxUint32, GID: math.MaxUint32, File: p, Line: 10, Problem: "it has no colon"},
		&telemetry.User{Name: "+bob", Password: "disabled", File: p, Line: 11, Problem: "it is an entry for NIS, not an account"},
		&telemetry.User{Password: "disabled", UID: math.MaxUint32, GID: math.MaxUint32, File: p, Line: 12, Problem: "it has no colon"},
		&telemetry.User{Name: "last", UID: 5, GID: 5, Home: "/", Shell: "/bin/sh", Password: "shadowed", File: p, Line: 13},
		&telemetry.Shadow{Name: "root", Password: "usable", Algorithm: "yescrypt", LastChange: days(19000), Min: days(0), Max: days(99999), Warn: days(7), File: s, Line: 1},
		&telemetry.Shadow{Name: "empty", Password: "empty", LastChange: days(19000), File: s, Line: 2},
		&telemetry.Shadow{Name: "locked", Password: "locked", Algorithm: "sha512", LastChange: days(19000), Min: days(0), Max: days(365), Warn: days(7), Inactive: days(30), Expire: days(20000), File: s, Line: 3},
		&telemetry.Shadow{Name: "never", Password: "disabled", File: s, Line: 4},
		&telemetry.Shadow{Name: "bad", Password: "disabled", Min: days(0), Warn: days(7), File: s, Line: 5, Problem: "its field 3 is not a number of days"},
		&telemetry.Shadow{Name: "short", Password: "disabled", File: s, Line: 6, Problem: "it has 2 fields, not 9"},
		&telemetry.Shadow{Name: "x", Password: "disabled", LastChange: days(1), File: s, Line: 7},
		&telemetry.Group{Name: "root", File: g, Line: 1},
		&telemetry.Group{Name: "wheel", GID: 10, Members: []string{"alice", "bob"}, File: g, Line: 2},
		&telemetry.Group{Name: "bad", GID: math.MaxUint32, File: g, Line: 3, Problem: "its group number is not one"},
		&telemetry.Group{Name: "+", File: g, Line: 4, Problem: "it is an entry for NIS, not a group"},
	}
	if d := cmp.Diff(want, records, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

func TestPasswords(t *testing.T) {
	for field, want := range map[string][2]string{
		"":                               {"empty", ""},
		"x":                              {"shadowed", ""},
		"*":                              {"disabled", ""},
		"!":                              {"disabled", ""},
		"!!":                             {"disabled", ""},
		"!*":                             {"disabled", ""},
		"*LK*":                           {"disabled", ""},
		"*NP*":                           {"disabled", ""},
		"NP":                             {"disabled", ""},
		"$6$saltsalt$hash":               {"usable", "sha512"},
		"$5$rounds=9$s$hash":             {"usable", "sha256"},
		"!$5$rounds=9$s$hash":            {"locked", "sha256"},
		"!!$1$salt$hashhash":             {"locked", "md5"},
		"$2b$10$abcdefghijk":             {"usable", "bcrypt"},
		"$y$j9T$salt$hash":               {"usable", "yescrypt"},
		"$gy$j9T$salt$hash":              {"usable", "gost-yescrypt"},
		"$7$CU..../....salt":             {"usable", "scrypt"},
		"$argon2id$v=19$m=1":             {"usable", "argon2"},
		"$new$salt$hash":                 {"usable", "unknown"},
		"abJnggxhB/yWI":                  {"usable", "des"},
		"_J9..rasmBYk8r9AiWNc":           {"usable", "bsdi-des"},
		"*LK*$6$saltsalt$hash":           {"locked", "sha512"},
		"$6$":                            {"disabled", ""},
		"anything but a hash, plaintext": {"disabled", ""},
	} {
		if state, algorithm := password(field); string(state) != want[0] || algorithm != want[1] {
			t.Errorf("%q: %s %s, want %v", field, state, algorithm, want)
		}
	}
}

// What could not be read is told of its part alone.
func TestParts(t *testing.T) {
	_, c := collect(t, map[string]string{"passwd": "root:x:0:0::/:/\n", "group": "root:x:0:\n"})
	if c.State != telemetry.Complete {
		t.Errorf("a host without shadow: %+v", c)
	}
	_, c = collect(t, map[string]string{"shadow": "root:*::::::\n", "group": strings.Repeat("x", maxLine+1) + ":x:1:\n"})
	if c.Part("passwd").State != telemetry.Failed || c.Part("group").State != telemetry.Partial || c.Part("shadow").State != telemetry.Complete || c.State != telemetry.Partial {
		t.Errorf("%+v", c)
	}
}

func TestAgainstThisHost(t *testing.T) {
	records, c := collectFrom(t, "/")
	if c.Part("passwd").State != telemetry.Complete {
		t.Fatalf("%+v", c)
	}
	users, shadows := map[string]*telemetry.User{}, map[string]*telemetry.Shadow{}
	var groups []string
	for _, r := range records {
		switch r := r.(type) {
		case *telemetry.User:
			users[r.Name] = r
		case *telemetry.Shadow:
			shadows[r.Name] = r
		case *telemetry.Group:
			groups = append(groups, r.Name)
		}
	}
	getent := testenv.Need(t, "getent", "libc-bin")
	for _, line := range lines(t, getent, "-s", "files", "passwd") {
		f := strings.Split(line, ":")
		u := users[f[0]]
		if u == nil {
			t.Errorf("%s is missing", f[0])
			continue
		}
		number := func(n uint32) string { b, _ := json.Marshal(n); return string(b) }
		if number(u.UID) != f[2] || number(u.GID) != f[3] || u.Home != f[5] || u.Shell != f[6] {
			t.Errorf("getent: %s\nwe: %+v", line, u)
		}
	}
	var names []string
	for _, line := range lines(t, getent, "-s", "files", "group") {
		names = append(names, strings.Split(line, ":")[0])
	}
	if d := cmp.Diff(names, groups); d != "" {
		t.Error(d)
	}
	testenv.NeedRoot(t)
	states := map[string]string{"L": "locked disabled", "P": "usable", "NP": "empty"}
	for _, line := range lines(t, testenv.Need(t, "passwd", "passwd"), "-S", "-a") {
		f := strings.Fields(line)
		if s := shadows[f[0]]; s == nil || !strings.Contains(states[f[1]], string(s.Password)) {
			t.Errorf("passwd -S: %s\nwe: %+v", line, s)
		}
	}
}

func lines(t *testing.T, program string, args ...string) []string {
	t.Helper()
	out, err := exec.Command(program, args...).Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("%s %v: %v", program, args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// Whatever a file holds, of a password nothing but its state leaves.
func FuzzShadow(f *testing.F) {
	f.Add([]byte("root:$6$saltsalt$hashhashhash:1:2:3:4:5:6:"))
	f.Add([]byte(":::"))
	f.Add([]byte("a:b"))
	f.Add([]byte("+:"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\n") {
			return
		}
		for _, parse := range []func(fields) telemetry.Record{parseUser, parseShadow, parseGroup} {
			telemetry.Key(parse(split("/etc/x", 1, line)))
		}
		const secret = "$6$Zq7Wk9Zq7Wk9$Zq7Wk9Zq7Wk9"
		rest := append([]byte("name:"+secret+":"), line...)
		s := parseShadow(split("/etc/shadow", 1, rest))
		if told, err := json.Marshal(s); err != nil || bytes.Contains(told, []byte("Zq7Wk9")) && !bytes.Contains(line, []byte("Zq7Wk9")) {
			t.Fatalf("%s, %v", told, err)
		}
	})
}
