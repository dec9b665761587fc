package access

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// child is set in the process that asks the kernel: "uid:gid,gid".
const child = "ASSAY_ACCESS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	// With the credentials that the parent has given: one line a directory.
	for _, dir := range os.Args[1:] {
		want := uint32(write | execute)
		if strings.HasSuffix(dir, "/f") {
			want = write
		}
		fmt.Println(syscall.Access(dir, want) == nil)
	}
}

// TestWritersAgainstKernel makes directories and files with modes and access control lists
// and compares with access(2), asked by a process of each account.
func TestWritersAgainstKernel(t *testing.T) {
	testenv.NeedRoot(t)
	setfacl := testenv.Need(t, "setfacl", "acl")
	base, err := os.MkdirTemp("", "access")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	accounts := Accounts{
		Users:  []*telemetry.User{{Name: "ann", UID: 61001, GID: 61101}, {Name: "ben", UID: 61002, GID: 61102}, {Name: "cy", UID: 61003, GID: 61103}},
		Groups: []*telemetry.Group{{Name: "a", GID: 61101}, {Name: "b", GID: 61102, Members: []string{"ann"}}, {Name: "c", GID: 61103, Members: []string{"ben", "root"}}},
	}
	random := rand.New(rand.NewPCG(1, 2))
	var dirs []*telemetry.File
	var above []*telemetry.File
	for i := range 150 {
		over := generate(t, random, setfacl, filepath.Join(base, fmt.Sprint(i)), true)
		above = append(above, over)
		dirs = append(dirs, generate(t, random, setfacl, filepath.Join(over.Path, []string{"d", "f"}[i%2]), false))
	}
	for _, u := range accounts.Users {
		allowed := ask(t, u.UID, accounts.gids(u), dirs)
		for i, d := range dirs {
			w := accounts.Writers(d, []*telemetry.File{above[i]})
			got := slices.Contains(w.Names, u.Name)
			// The owner counts in any case: he can change the mode.
			if got != allowed[i] && (d.UID != u.UID || allowed[i]) {
				t.Errorf("%s below %s: %s: got %v, the kernel says %v", show(d), show(above[i]), u.Name, got, allowed[i])
			}
		}
	}
}

func show(f *telemetry.File) string {
	return fmt.Sprintf("mode %o of %d:%d, ACL %v", f.Mode, f.UID, f.GID, f.ACL)
}

// generate makes a directory and describes it as the files sensor would.
func generate(t *testing.T, random *rand.Rand, setfacl, name string, open bool) *telemetry.File {
	t.Helper()
	f := &telemetry.File{Path: name, Kind: telemetry.Directory, Mode: uint32(random.IntN(0o1000))}
	f.UID, f.GID = []uint32{0, 61001, 61002}[random.IntN(3)], []uint32{0, 61101, 61102, 61103}[random.IntN(4)]
	if open && random.IntN(3) > 0 {
		f.Mode = 0o755
	}
	if filepath.Base(name) == "f" {
		f.Kind = telemetry.Regular
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(name, int(f.UID), int(f.GID)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, os.FileMode(f.Mode)); err != nil {
		t.Fatal(err)
	}
	if random.IntN(2) == 0 {
		f.ACL = list(random)
		out, err := exec.Command(setfacl, "--set", text(f.ACL), name).CombinedOutput()
		if err != nil {
			testenv.Missing(t, "a file system with access control lists: "+string(out))
		}
		for _, e := range f.ACL {
			switch e.Tag {
			case "user_obj":
				f.Mode = f.Mode&^0o700 | uint32(e.Perm)<<6
			case "mask":
				f.Mode = f.Mode&^0o070 | uint32(e.Perm)<<3
			case "other":
				f.Mode = f.Mode&^0o007 | uint32(e.Perm)
			}
		}
	}
	return f
}

func list(random *rand.Rand) []telemetry.ACL {
	perm := func() uint8 { return uint8(random.IntN(8)) }
	acl := []telemetry.ACL{{Tag: "user_obj", Perm: perm()}, {Tag: "group_obj", Perm: perm()}, {Tag: "other", Perm: perm()}, {Tag: "mask", Perm: perm()}}
	for _, id := range []uint32{61001, 61002, 61003} {
		if random.IntN(2) == 0 {
			acl = append(acl, telemetry.ACL{Tag: "user", ID: id, Perm: perm()})
		}
		if random.IntN(2) == 0 {
			acl = append(acl, telemetry.ACL{Tag: "group", ID: id + 100, Perm: perm()})
		}
	}
	return acl
}

func text(acl []telemetry.ACL) string {
	var parts []string
	for _, e := range acl {
		id := ""
		if e.ID != 0 {
			id = fmt.Sprint(e.ID)
		}
		perm := ""
		for i, letter := range "rwx" {
			if e.Perm&(4>>i) != 0 {
				perm += string(letter)
			} else {
				perm += "-"
			}
		}
		parts = append(parts, strings.TrimSuffix(e.Tag, "_obj")+":"+id+":"+perm)
	}
	return strings.Join(parts, ",")
}

// ask runs this program with an account's credentials.
func ask(t *testing.T, uid uint32, gids []uint32, dirs []*telemetry.File) []bool {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A copy that every account can run.
	own := filepath.Join(filepath.Dir(filepath.Dir(dirs[0].Path)), fmt.Sprintf("ask%d", uid))
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(own)
	for _, d := range dirs {
		cmd.Args = append(cmd.Args, d.Path)
	}
	cmd.Dir = "/"
	cmd.Env = []string{child + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gids[0], Groups: gids}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask as %d: %v", uid, err)
	}
	var answers []bool
	for _, line := range strings.Fields(string(out)) {
		answers = append(answers, line == "true")
	}
	if len(answers) != len(dirs) {
		t.Fatalf("%d answers for %d directories", len(answers), len(dirs))
	}
	return answers
}

func TestString(t *testing.T) {
	var many Writers
	for i := range 25 {
		many.Names = append(many.Names, fmt.Sprint("u", i))
	}
	for want, w := range map[string]Writers{
		"":                      {},
		"everyone":              {Everyone: true},
		"everyone (ann, uid 7)": {Everyone: true, Names: []string{"ann"}, IDs: []string{"uid 7"}},
		"ann":                   {Names: []string{"ann"}},
	} {
		if got := w.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := many.String(); !strings.HasSuffix(got, "u19, 5 more") {
		t.Errorf("got %q", got)
	}
}
