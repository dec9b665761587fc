package settings_test

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/settings"
)

func parse(t *testing.T, args []string, env map[string]string, file string) (data, addr string, jobs int, err error) {
	t.Helper()
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&data, "data-folder", "default", "")
	set.StringVar(&addr, "addr", "default", "")
	set.IntVar(&jobs, "jobs", 1, "")
	from := settings.Source{Prefix: "ASSAY", Getenv: func(name string) string { return env[name] }}
	if file != "" {
		from.File = filepath.Join(t.TempDir(), "assay.cfg")
		if err := os.WriteFile(from.File, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err = settings.Parse(set, args, from)
	return data, addr, jobs, err
}

func TestPrecedence(t *testing.T) {
	data, addr, jobs, err := parse(t,
		[]string{"-data-folder=flag"},
		map[string]string{"ASSAY_DATA_FOLDER": "env", "ASSAY_ADDR": "env"},
		"# a comment\n\naddr = file\n jobs=7 \ndata-folder = file\n")
	if data != "flag" || addr != "env" || jobs != 7 || err != nil {
		t.Errorf("%q %q %d %v", data, addr, jobs, err)
	}
	if data, addr, jobs, err := parse(t, nil, nil, ""); data != "default" || addr != "default" || jobs != 1 || err != nil {
		t.Errorf("%q %q %d %v", data, addr, jobs, err)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		file string
		want string
	}{
		"unknown name":     {nil, "addr = x\ndata-foldr = y", `assay.cfg:2: there is no setting "data-foldr"`},
		"no value":         {nil, "addr", "assay.cfg:1: a line is"},
		"twice":            {nil, "addr=1\naddr=2", "already set at"},
		"a bad number":     {nil, "jobs = many", "assay.cfg:1: that is no value for -jobs"},
		"a bad number env": {map[string]string{"ASSAY_JOBS": "many"}, "", "$ASSAY_JOBS"},
		"a huge line":      {nil, strings.Repeat("x", 1<<20), "read the settings"},
	} {
		if _, _, _, err := parse(t, nil, c.env, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestNamedFile(t *testing.T) {
	dir := t.TempDir()
	there, missing := filepath.Join(dir, "there"), filepath.Join(dir, "missing")
	if err := os.WriteFile(there, []byte("addr = named"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		env  string
		want string
		fail bool
	}{
		"by flag":        {[]string{"-config", there}, "", "named", false},
		"by environment": {nil, there, "named", false},
		"flag wins":      {[]string{"-config", there}, missing, "named", false},
		"missing":        {[]string{"-config", missing}, "", "", true},
		"missing by env": {nil, missing, "", true},
		"default only":   {nil, "", "", false},
	} {
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		set.String(settings.FileFlag, "", "")
		addr := set.String("addr", "", "")
		getenv := func(name string) string { return map[string]string{"ASSAY_CONFIG": c.env}[name] }
		err := settings.Parse(set, c.args, settings.Source{Prefix: "ASSAY", Getenv: getenv, File: missing})
		if *addr != c.want || (err != nil) != c.fail {
			t.Errorf("%s: %q, %v", name, *addr, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("server = https://x\n# c\nca=/a=b\n")
	f.Add("=\nserver")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(dir, "fuzz.cfg")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		set := flag.NewFlagSet("fuzz", flag.ContinueOnError)
		server := set.String("server", "", "")
		from := settings.Source{Prefix: "X", Getenv: func(string) string { return "" }, File: name, Known: []string{"ca"}}
		if err := from.Fill(set); err == nil && *server != "" && !strings.Contains(text, "server") {
			t.Errorf("%q became the server of %q", *server, text)
		}
	})
}
