package ruby

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ text, base, want string }{
		// As RubyGems writes it when it installs a gem.
		{"# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.13.9 x86_64-linux lib\n\nGem::Specification.new do |s|\n  s.name = \"other\".freeze\n", "nokogiri-1.13.9-x86_64-linux.gemspec", "nokogiri 1.13.9"},
		{"Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\n", "rake-13.0.6.gemspec", "rake 13.0.6"},
		{"Gem::Specification.new do |spec|\n  spec.name = 'x-1'\n  spec.version = Gem::Version.new('2.0.pre1')\n", "any.gemspec", "x-1 2.0.pre1"},
		// Computed: the file's name tells.
		{"Gem::Specification.new do |s|\n  s.name = \"debug\"\n  s.version = DEBUGGER__::VERSION\n", "debug-1.4.0.gemspec", "debug 1.4.0"},
		{"Gem::Specification.new do |s|\n  s.name = \"a-2\"\n  s.version = `rm -rf /`\n", "a-2-1.0-java.gemspec", "a-2 1.0"},
		{"", "ruby2_keywords-0.0.5.gemspec", "ruby2_keywords 0.0.5"},
		{"  s.name = \"a#{b}\"\n", "net-http-0.3.0.1.gemspec", "net-http 0.3.0.1"},
	} {
		name, version, err := Read(strings.NewReader(c.text), c.base)
		if err != nil || name+" "+version != c.want {
			t.Errorf("%s: %s %s %v", c.base, name, version, err)
		}
	}
	for _, base := range []string{"x.gemspec", ".gemspec", "-1.gemspec"} {
		if name, version, err := Read(strings.NewReader("s.name = x\n"), base); err == nil {
			t.Errorf("%s: %s %s", base, name, version)
		}
	}
}

// The gems are those that RubyGems lists, in the folders in which it has them.
func TestAgainstGem(t *testing.T) {
	ruby := testenv.Need(t, "ruby", "ruby")
	run := func(code string) []string {
		t.Helper()
		out, err := exec.Command(ruby, "-e", code).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	want := run(`puts Gem::Specification.stubs.map { |s| "#{s.name}@#{s.version}" }.uniq`)
	var got []string
	for _, folder := range run(`puts Gem::Specification.dirs, Gem.default_specifications_dir`) {
		files, err := filepath.Glob(filepath.Join(folder, "*.gemspec"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			in, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			name, version, err := Read(in, filepath.Base(file))
			in.Close()
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			got = append(got, name+"@"+version)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, slices.Compact(got)); d != "" || len(want) == 0 {
		t.Errorf("%d gems: %s", len(want), d)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("# stub: a 1 ruby lib\n", "a-1.gemspec")
	f.Add("s.name = \"a\".freeze\ns.version = \"1\"\n", "a-1.gemspec")
	f.Fuzz(func(t *testing.T, text, base string) {
		name, version, err := Read(strings.NewReader(text), base)
		if err == nil && (name == "" || version == "" || !strings.Contains(text+base, name) || !strings.Contains(text+base, version)) {
			t.Errorf("%q %q", name, version)
		}
	})
}
