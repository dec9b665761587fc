package version

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// random makes versions of the characters that mean something to dpkg and rpm.
func random(r *rand.Rand, alphabet string) string {
	parts := strings.Fields(alphabet)
	var b strings.Builder
	b.WriteString([]string{"", "", "0:", "1:"}[r.IntN(4)])
	fmt.Fprint(&b, r.IntN(3))
	for range r.IntN(7) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	if r.IntN(2) == 0 {
		fmt.Fprintf(&b, "-%d%s", r.IntN(3), []string{"", "~1", ".el8", "a1", "+b1"}[r.IntN(5)])
	}
	return b.String()
}

// relative makes a version that is like another but for one place.
func relative(r *rand.Rand, v, alphabet string) string {
	parts := strings.Fields(alphabet)
	i := 1 + r.IntN(len(v))
	return v[:i] + parts[r.IntN(len(parts))] + v[i:]
}

// TestDpkg asks dpkg itself.
func TestDpkg(t *testing.T) {
	dpkg := testenv.Need(t, "dpkg", "dpkg")
	r := rand.New(rand.NewPCG(1, 2))
	const alphabet = "0 1 9 10 00 a b . . + ~ ~~ dfsg A Z -1"
	compare := func(a, relation, b string) bool {
		err := exec.Command(dpkg, "--compare-versions", a, relation, b).Run()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			t.Fatalf("dpkg --compare-versions %q %s %q: %v", a, relation, b, err)
		}
		return err == nil
	}
	for range 400 {
		a := random(r, alphabet)
		b := relative(r, a, alphabet)
		if r.IntN(3) == 0 {
			b = random(r, alphabet)
		}
		if Deb.Check(a) != nil || Deb.Check(b) != nil {
			continue
		}
		relation := [...]string{"lt", "eq", "gt"}[1+Deb.Compare(a, b)]
		if !compare(a, relation, b) {
			t.Errorf("%q %s %q: dpkg does not think so", a, relation, b)
		}
	}
}

// TestRPM asks rpm itself, some hundred pairs at a time.
func TestRPM(t *testing.T) {
	rpm := testenv.Need(t, "rpm", "rpm")
	r := rand.New(rand.NewPCG(3, 4))
	const alphabet = "0 1 9 10 00 a b . _ + ~ ^ ~rc el A Z"
	for range 10 {
		var script strings.Builder
		var want []string
		for len(want) < 300 {
			a := random(r, alphabet)
			b := relative(r, a, alphabet)
			if RPM.Check(a) != nil || RPM.Check(b) != nil {
				continue
			}
			fmt.Fprintf(&script, "print(rpm.vercmp('%s','%s')..' ') ", a, b)
			want = append(want, fmt.Sprintf("%d %s %s", RPM.Compare(a, b), a, b))
		}
		out, err := exec.Command(rpm, "--eval", "%{lua: "+script.String()+"}").Output()
		if err != nil {
			t.Fatalf("rpm: %v", err)
		}
		got := strings.Fields(string(out))
		if len(got) != len(want) {
			t.Fatalf("rpm gave %d answers to %d questions", len(got), len(want))
		}
		for i, answer := range got {
			if ours, versions, _ := strings.Cut(want[i], " "); ours != answer {
				t.Errorf("%s: %s, rpm says %s", versions, ours, answer)
			}
		}
	}
}
