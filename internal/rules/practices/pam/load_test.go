package pam

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitLines(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		lines []line
		whole bool
	}{
		"comments":                         {"# x\n\n \t# y\na b # c\n", []line{{4, "a b "}}, true},
		"continued":                        {"a \\\n  b\\\nc\nd\n", []line{{1, "a  b c"}, {4, "d"}}, true},
		"blanks after the backslash":       {"a \\ \t\nb\n", []line{{1, "a  b"}}, true},
		"a backslash in a comment":         {"a # b \\\nc\n", []line{{1, "a "}, {2, "c"}}, true},
		"a comment in a continuation":      {"a \\\n# b\nc\n", []line{{1, "a  "}, {3, "c"}}, true},
		"the file ends in a continuation":  {"a\nb \\\n", []line{{1, "a"}}, false},
		"no line end":                      {"a", []line{{1, "a"}}, true},
		"nothing":                          {"", nil, true},
		"a carriage return is not a blank": {"a\\\r\nb\n", []line{{1, "a\\\r"}, {2, "b"}}, true},
	} {
		lines, whole := splitLines(c.text)
		if diff := cmp.Diff(c.lines, lines, cmp.AllowUnexported(line{})); diff != "" || whole != c.whole {
			t.Errorf("%s: %v %s", name, whole, diff)
		}
	}
}

func TestTokens(t *testing.T) {
	for text, want := range map[string][]string{
		"a  b\tc":               {"a", "b", "c"},
		"[a b] c":               {"a b", "c"},
		`[a \] b] c`:            {"a ] b", "c"},
		"x [retry=3 [prompt] y": {"x", "retry=3 [prompt", "y"},
		"x[1 2]":                {"x[1", "2]"},
		"[open":                 {"open"},
		"[] a":                  {"", "a"},
		"":                      nil,
	} {
		tk := tokens{rest: text}
		if diff := cmp.Diff(want, tk.all()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestControl(t *testing.T) {
	for text, want := range map[string]map[code]action{
		"required":                               {success: actOK, authErr: actBad, ignore: actIgnore, newAuthtokNeeded: actOK},
		"REQUISITE":                              {success: actOK, authErr: actDie, ignore: actIgnore},
		"sufficient":                             {success: actDone, authErr: actIgnore, ignore: actIgnore},
		"optional":                               {success: actOK, authErr: actIgnore, ignore: actIgnore},
		"success=1 default=ignore":               {success: 1, authErr: actIgnore},
		"default=die success=ok":                 {success: actOK, authErr: actDie},
		"success = 12  user_unknown=reset":       {success: 12, userUnknown: actReset, authErr: actBad},
		"success=0":                              {success: actBad},
		"success=ok default":                     {success: actBad},
		"nonsense=ok":                            {success: actBad, authErr: actBad},
		"success=99999999999 default=ignore":     {success: actBad, authErr: actBad},
		"success=okdefault=ignore":               {success: actOK, authErr: actIgnore},
		"authtok_err=ok authtok_err=die":         {authtokErr: actDie},
		"default=ignore default=die maxtries=ok": {authErr: actIgnore, maxTries: actOK},
	} {
		c := parseControl(text)
		for value, act := range want {
			if c[value] != act {
				t.Errorf("%q: %s=%d, want %d", text, value, c[value], act)
			}
		}
	}
}

func TestLoad(t *testing.T) {
	for name, c := range map[string]struct {
		config map[string]string
		want   string // "module@level" of each handler, "!" for one that fails
		broken string
	}{
		"own file":              {map[string]string{"pam.d/passwd": "password required pam_unix.so\nauth required pam_x.so\n"}, "pam_unix@0", ""},
		"the rest is other's":   {map[string]string{"pam.d/passwd": "auth required pam_unix.so\n", "pam.d/other": "password required pam_deny.so\n"}, "pam_deny@0", ""},
		"include":               {map[string]string{"pam.d/passwd": "password include a\n", "pam.d/a": "password required pam_a.so\nsession required pam_b.so\n"}, "pam_a@0", ""},
		"substack":              {map[string]string{"pam.d/passwd": "password substack a\npassword required pam_z.so\n", "pam.d/a": "password required pam_a.so\n"}, "(@0 pam_a@1 pam_z@0", ""},
		"@include":              {map[string]string{"pam.d/passwd": "@include a\n", "pam.d/a": "auth required pam_x.so\npassword required pam_a.so\n"}, "pam_a@0", ""},
		"an include of nothing": {map[string]string{"pam.d/passwd": "password include a\n"}, "!@0", ""},
		"@include of nothing":   {map[string]string{"pam.d/passwd": "@include a\npassword required pam_unix.so\n"}, "", "no configuration file a"},
		"an include of itself":  {map[string]string{"pam.d/passwd": "password required pam_a.so\npassword include passwd\n"}, strings.Repeat("pam_a@0 ", 16) + "!@0", ""},
		"no control":            {map[string]string{"pam.d/passwd": "password\n"}, "!@0", ""},
		"no module":             {map[string]string{"pam.d/passwd": "-password required\n"}, "!@0", ""},
		"a wrong type included": {map[string]string{"pam.d/passwd": "password include a\n", "pam.d/a": "passwort required pam_a.so\n"}, "!@0", ""},
		"a wrong type":          {map[string]string{"pam.d/passwd": "passwort required pam_a.so\npassword required pam_b.so\n"}, "pam_b@0", ""},
		"ends too early":        {map[string]string{"pam.d/passwd": "password required pam_b.so\npassword required \\\n"}, "pam_b@0", "middle of a line"},
		"nothing at all":        {map[string]string{"pam.d/login": "auth required pam_a.so\n"}, "", "no PAM configuration"},
		"pam.conf":              {map[string]string{"pam.conf": "login password required pam_l.so\nPASSWD password required pam_p.so x\nother password required pam_o.so\n"}, "pam_p@0", ""},
		"pam.conf is not read":  {map[string]string{"pam.conf": "passwd password required pam_p.so\n", "pam.d/other": "password required pam_deny.so\n"}, "pam_deny@0", ""},
		"with a path":           {map[string]string{"pam.d/passwd": "password required /opt/lib/pam_a.so [x y] z # c\n"}, "pam_a@0", ""},
	} {
		s := System{Files: etc(c.config), Debian: true}
		stack, _, err := s.Load("passwd")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range stack.Handlers {
			word := h.Module
			switch h.kind {
			case alwaysFails:
				word = "!"
			case substackMark:
				word = "("
			}
			got = append(got, word+"@"+string(rune('0'+h.level)))
		}
		if text := strings.Join(got, " "); text != c.want || !strings.Contains(stack.Broken, c.broken) || (stack.Broken == "") != (c.broken == "") {
			t.Errorf("%s: got %q, broken %q", name, text, stack.Broken)
		}
	}
}

func TestVendorFolders(t *testing.T) {
	f := files{texts: map[string]string{
		"/usr/lib/pam.d/passwd": "password required pam_vendor.so\npassword include common\n",
		"/usr/etc/pam.d/common": "password required pam_suse.so\n",
		"/usr/lib/pam.d/other":  "password required pam_deny.so\n",
	}}
	stack, found, err := System{Files: f}.Load("passwd")
	if err != nil || !found || len(stack.Handlers) != 2 || stack.Handlers[1].File != "/usr/etc/pam.d/common" {
		t.Errorf("%+v %v %v", stack, found, err)
	}
	f.texts["/etc/pam.d/passwd"] = "password required pam_own.so\n"
	if stack, _, _ = (System{Files: f}).Load("passwd"); len(stack.Handlers) != 1 || stack.Handlers[0].Module != "pam_own" {
		t.Errorf("%+v", stack)
	}
}

func TestBounds(t *testing.T) {
	bomb := etc(map[string]string{"pam.d/passwd": strings.Repeat("password include passwd\n", 40)})
	if _, _, err := (System{Files: bomb}).Load("passwd"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an include bomb: %v", err)
	}
	hidden := etc(map[string]string{"pam.d/passwd": "<not collected>"})
	if _, _, err := (System{Files: hidden}).Load("passwd"); err == nil || errors.Is(err, ErrTooLarge) {
		t.Errorf("a file that was not collected: %v", err)
	}
}

func FuzzWays(f *testing.F) {
	f.Add("password requisite pam_pwquality.so minlen=9\npassword [success=1 default=ignore] pam_unix.so \\\n use_authtok\n@include b", "minlen = 3\n", "password substack a\n-password [default=1] pam_passwdqc.so config=/etc/b")
	f.Add("password optional pam_cracklib.so lcredit=-9\npassword include b\n", "", "password sufficient pam_pwhistory.so retry=3\n")
	f.Fuzz(func(t *testing.T, passwd, quality, b string) {
		s := System{Debian: true, Files: etc(map[string]string{"pam.d/passwd": passwd, "pam.d/b": b, "b": b, "security/pwquality.conf": quality, "security/pwhistory.conf": quality})}
		stack, _, err := s.Load("passwd")
		if err != nil {
			return
		}
		ways, _, err := s.Ways(stack)
		if err != nil {
			return
		}
		for _, w := range ways {
			if w.Shortest < 1 || w.Shortest > LongestSearched || w.Store.Line < 1 {
				t.Errorf("%+v", w)
			}
		}
	})
}
