package pam

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestWaysAgainstLibpam generates stacks and compares the shortest password that
// the engine finds with what the machine's libpam stores: none of the tried ones
// that are shorter is, and one of that length is. The latter takes a user who
// answers every question in the right way; of the stacks with many modules that
// ask, the tries here are too few for that, and only the former is tested.
func TestWaysAgainstLibpam(t *testing.T) {
	o := newOracle(t)
	for seed := range uint64(16) {
		random := rand.New(rand.NewPCG(seed, 7))
		config := generate(random)
		o.layout(config)
		compare(t, o, config, random)
		if t.Failed() {
			t.Logf("seed %d:\n%s", seed, show(config))
			return
		}
	}
}

func show(config map[string]string) string {
	var b strings.Builder
	for name, text := range config {
		fmt.Fprintf(&b, "--- %s\n%s\n", name, text)
	}
	return b.String()
}

func compare(t *testing.T, o *oracle, config map[string]string, random *rand.Rand) {
	t.Helper()
	s := System{Files: etc(config), Debian: true}
	stack, _, err := s.Load("passwd")
	if err != nil {
		t.Fatal(err)
	}
	ways, why, err := s.Ways(stack)
	if err != nil {
		t.Fatal(err)
	}
	decoys := []string{
		"oldPa", "gK7.wq", "", of(Classes{5, 5, 5, 5}, random), "x", of(Classes{3, 2, 1, 1}, random), "oldPass", "oldPass1.kk", oldPassword,
		of(Classes{0, 5, 5, 5}, random), of(Classes{5, 0, 5, 5}, random), of(Classes{5, 5, 0, 5}, random), of(Classes{5, 5, 5, 0}, random),
	}
	least := LongestSearched
	var best Way
	for _, w := range ways {
		if w.Shortest < least {
			least, best = w.Shortest, w
		}
	}
	if text := show(config); len(ways) > 0 && strings.Count(text, "pam_unix") <= 2 && strings.Count(text, "pam_pwquality") <= 3 {
		found := false
		candidates := shortestOf(best)
		for range 8 {
			p := of(candidates[random.IntN(len(candidates))], random)
			if found = o.stores(p, decoys...); found {
				break
			}
		}
		if !found {
			t.Errorf("the engine says that %d characters are enough, by %+v; libpam stores none of them", least, best)
		}
	}
	for length := max(1, least-2); length < least && length < 20; length++ {
		for range 6 {
			c := split(length, random)
			random.Shuffle(len(decoys), func(i, j int) { decoys[i], decoys[j] = decoys[j], decoys[i] })
			if p := of(c, random); o.stores(p, decoys[:4]...) {
				t.Errorf("libpam stores %q (%d characters); the engine says at least %d (%s)", p, length, least, why)
			}
		}
	}
}

// split divides a length among the classes, evenly rather than not.
func split(n int, random *rand.Rand) Classes {
	var c Classes
	counts := []*int{&c.Lower, &c.Upper, &c.Digit, &c.Other}
	random.Shuffle(4, func(i, j int) { counts[i], counts[j] = counts[j], counts[i] })
	use := 1 + random.IntN(4)
	for i := range n {
		*counts[i%use]++
	}
	return c
}

// generate makes a configuration of the password stack.
func generate(random *rand.Rand) map[string]string {
	g := generator{random, map[string]string{}}
	g.files["pam.d/passwd"] = g.stack(2)
	if random.IntN(2) == 0 {
		g.files["security/pwquality.conf"] = g.file()
	}
	if random.IntN(3) == 0 {
		g.files["security/pwquality.conf.d/50-a.conf"] = g.file()
	}
	g.files["pam.d/other"] = pick(random, "password required pam_deny.so\n", "password required pam_unix.so nodelay md5 minlen=9\n")
	return g.files
}

type generator struct {
	random *rand.Rand
	files  map[string]string
}

func pick(random *rand.Rand, from ...string) string { return from[random.IntN(len(from))] }

func (g generator) settings() []string {
	var all []string
	for _, name := range []string{"minlen", "minclass", "lcredit", "ucredit", "dcredit", "ocredit", "enforcing", "dictcheck", "retry"} {
		if g.random.IntN(3) != 0 {
			continue
		}
		n := g.random.IntN(6) - 3
		switch name {
		case "minlen":
			n = 4 + g.random.IntN(9)
		case "minclass":
			n = g.random.IntN(5)
		case "enforcing", "dictcheck":
			n = min(g.random.IntN(4), 1)
		case "retry":
			n = 1 + g.random.IntN(3)
		}
		all = append(all, fmt.Sprintf("%s=%d", name, n))
	}
	return all
}

// file writes settings as libpwquality reads them, and as it does not.
func (g generator) file() string {
	var b strings.Builder
	for _, setting := range g.settings() {
		name, value, _ := strings.Cut(setting, "=")
		switch g.random.IntN(24) {
		case 0:
			fmt.Fprintf(&b, "# %s\n\n \t%s = %s # more\n", setting, name, value)
		case 1:
			fmt.Fprintf(&b, "%s %s\n", strings.ToUpper(name), value)
		case 2:
			fmt.Fprintf(&b, "%s\t=\t%s \t\n", name, value)
		case 3:
			fmt.Fprintf(&b, "%s == %s\n", name, value)
		case 4:
			fmt.Fprintf(&b, "%s = %s more\n", name, value)
		case 5:
			fmt.Fprintf(&b, "nonsense = 1\n%s\n", setting)
		case 6:
			fmt.Fprintf(&b, "%s = 0x7\n", name)
		case 7:
			fmt.Fprintf(&b, "local_users_only\nenforce_for_root = 0\nbadwords = a b c\n%s\n", setting)
		case 8:
			fmt.Fprintf(&b, "%s=\n", name)
		default:
			b.WriteString(setting + "\n")
		}
	}
	return b.String()
}

func (g generator) control() string {
	return pick(g.random, "required", "required", "requisite", "requisite", "optional", "sufficient",
		"[success=1 default=ignore]", "[success=2 default=ignore]", "[success=ok default=die]", "[default=bad success=ok user_unknown=ignore]",
		"[success=done new_authtok_reqd=done default=ignore]", "[success=reset default=ok]", "[authtok_err=1 default=ignore]", "[default=1]",
		"[ success = ok maxtries=ignore  default=bad ]", "[nonsense]")
}

func (g generator) stack(depth int) string {
	var b strings.Builder
	for range 1 + g.random.IntN(4) {
		b.WriteString(g.line(depth) + "\n")
	}
	if g.random.IntN(3) > 0 {
		fmt.Fprintf(&b, "password %s %s\n", g.control(), g.unix())
	}
	return b.String()
}

func (g generator) unix() string {
	return "pam_unix.so nodelay md5" + pick(g.random, "", " obscure", " minlen=7", " minlen=9", " minlen=3") + pick(g.random, "", " use_authtok", " use_authtok", " try_first_pass")
}

func (g generator) line(depth int) string {
	kinds := 9
	if depth == 0 {
		kinds = 6
	}
	switch g.random.IntN(kinds) {
	case 0, 1, 2:
		return fmt.Sprintf("password %s pam_pwquality.so %s %s", g.control(), strings.Join(g.settings(), " "), pick(g.random, "", "use_authtok", "local_users_only"))
	case 3:
		return fmt.Sprintf("password %s %s", g.control(), g.unix())
	case 4:
		return fmt.Sprintf("%s %s %s", pick(g.random, "password", "-password", "PASSWORD", "passwort"), g.control(),
			pick(g.random, "pam_deny.so", "pam_permit.so", "pam_warn.so", "pam_nowhere.so", "pam_env.so", "pam_pwhistory.so", "pam_pwhistory.so use_authtok", ""))
	case 5:
		return pick(g.random, "# a comment \\", "", "password", "auth required pam_deny.so", "password required \\\n\tpam_permit.so # more", "password [success=ok \\\n default=ignore] pam_permit.so")
	}
	name := fmt.Sprintf("part%d", len(g.files))
	g.files["pam.d/"+name] = ""
	g.files["pam.d/"+name] = g.stack(depth - 1)
	if g.random.IntN(10) == 0 {
		name = "nothing"
	}
	return pick(g.random, "password include "+name, "password substack "+name, "@include "+name)
}
