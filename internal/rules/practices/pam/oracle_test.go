package pam

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os/exec"
	"testing"

	"assay/internal/testenv"
)

const oldPassword = "oldPass1.kkk"

// oracle is the machine's own libpam with its modules.
type oracle struct {
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

func newOracle(t testing.TB) *oracle {
	testenv.NeedRoot(t)
	unshare := testenv.Need(t, "unshare", "util-linux")
	python := testenv.Need(t, "python3", "python3")
	needModule(t, "pam_pwquality.so", "libpam-pwquality")
	cmd := exec.Command(unshare, "-m", python, "-W", "ignore", "testdata/chauthtok.py", t.TempDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the oracle: %v", err)
		}
	})
	return &oracle{t: t, in: in, out: bufio.NewReader(out)}
}

func needModule(t testing.TB, name, pkg string) {
	if out, _ := exec.Command("sh", "-c", "ls /lib/*/security/"+name+" /lib*/security/"+name+" 2>/dev/null").Output(); len(out) == 0 {
		testenv.Missing(t, name+" (apt-get install "+pkg+")")
	}
}

// ask sends a request and returns the password that was stored, if one was.
func (o *oracle) ask(request map[string]any) string {
	o.t.Helper()
	line, err := json.Marshal(request)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.in.Write(append(line, '\n')); err != nil {
		o.t.Fatal(err)
	}
	reply, err := o.out.ReadBytes('\n')
	if err != nil {
		o.t.Fatalf("the oracle ended: %v", err)
	}
	var stored *string
	if err := json.Unmarshal(reply, &stored); err != nil {
		o.t.Fatal(err)
	}
	if stored == nil {
		return ""
	}
	return *stored
}

func (o *oracle) layout(files map[string]string) { o.ask(map[string]any{"files": files}) }

// stores tells whether a user can make libpam store the password: by giving it
// at every question, or after other answers that a module may refuse.
func (o *oracle) stores(password string, decoys ...string) bool {
	tries := [][]string{{password}}
	for _, d := range decoys {
		tries = append(tries, []string{d, password})
	}
	for _, answers := range tries {
		if o.ask(map[string]any{"old": oldPassword, "answers": answers}) == password {
			return true
		}
	}
	return false
}

// of makes a password of a composition that no check of words or repetitions
// minds.
func of(c Classes, random *rand.Rand) string {
	var chars []byte
	for _, part := range []struct {
		n    int
		from string
	}{{c.Lower, "bcdfghjkmnpqrtvwxz"}, {c.Upper, "BCDFGHJKMNPQRTVWXZ"}, {c.Digit, "0123456789"}, {c.Other, "!%&()*+,-.;<>?@^_~"}} {
		letters := []byte(part.from)
		random.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
		for i := range part.n {
			chars = append(chars, letters[i%len(letters)])
		}
	}
	random.Shuffle(len(chars), func(i, j int) { chars[i], chars[j] = chars[j], chars[i] })
	return string(chars)
}

// shortestOf are the compositions of the shortest passwords of a way.
func shortestOf(w Way) []Classes {
	var demands []Demand
	for _, c := range w.Checks {
		demands = append(demands, c.Demand)
	}
	var found []Classes
	someOf(w.Shortest, func(c Classes) bool {
		if all(demands, c) {
			found = append(found, c)
		}
		return false
	})
	return found
}
