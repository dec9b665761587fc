package usage

import (
	"path"
	"slices"
	"strings"
)

// An interpreter reads its programs and libraries like any other file: that a process
// has one of them loaded cannot be seen. What can be seen is whether the interpreter
// runs.

// interpreter is a language's.
type interpreter struct {
	name     string
	programs []string // what its programs' names begin with
	library  string   // what the name of its library begins with
	packages []string // what the names of packages for it begin with
	suffix   string   // or end with
	files    []string // what the names of files for it end with
}

var interpreters = []interpreter{
	{"Java", []string{"java"}, "libjvm.so", nil, "-java", []string{".jar", ".war", ".ear", ".jmod", "pom.properties", "pom.xml"}},
	{"Python", []string{"python", "pypy"}, "libpython", []string{"python3-", "python-", "python3."}, "", []string{"METADATA", "PKG-INFO", ".egg-info", ".egg", ".whl", ".py"}},
	{"JavaScript", []string{"node", "nodejs", "bun", "deno"}, "libnode.so", []string{"node-", "nodejs-"}, "", []string{"package.json", "package-lock.json", ".js"}},
	{"Ruby", []string{"ruby", "puma", "passenger"}, "libruby", []string{"ruby-", "rubygem-"}, "", []string{".gemspec", ".gem", ".rb"}},
	{"PHP", []string{"php"}, "libphp", []string{"php-"}, "", []string{"installed.json", "composer.lock", "composer.json", ".php", ".phar"}},
	{"Perl", []string{"perl"}, "libperl.so", []string{"perl-"}, "-perl", []string{".pm", ".pl"}},
	{".NET", []string{"dotnet"}, "libcoreclr.so", []string{"dotnet-", "aspnetcore-"}, "", []string{".deps.json", ".dll", ".nupkg", ".nuspec"}},
}

// interpreterOfPackage is the one that a package is for by its name; nil: none is known.
func interpreterOfPackage(name string) *interpreter {
	name, _, _ = strings.Cut(name, ":")
	for n := range interpreters {
		i := &interpreters[n]
		if i.suffix != "" && strings.HasSuffix(name, i.suffix) {
			return i
		}
		for _, begin := range i.packages {
			if strings.HasPrefix(name, begin) {
				return i
			}
		}
	}
	return nil
}

// interpreterOfFile is the one that a file is for by its name; nil: none, it is a
// program or a shared library.
func interpreterOfFile(name string) *interpreter {
	base := path.Base(name)
	for n := range interpreters {
		for _, end := range interpreters[n].files {
			if strings.HasSuffix(base, end) {
				return &interpreters[n]
			}
		}
	}
	return nil
}

// is tells whether a file is the interpreter.
func (i *interpreter) is(name string) bool {
	base := path.Base(name)
	for _, begin := range i.programs {
		// "python3.11", "php-fpm8.2", but not "javascriptd".
		if rest, ok := strings.CutPrefix(base, begin); ok && (rest == "" || strings.ContainsRune("0123456789-.", rune(rest[0]))) {
			return true
		}
	}
	return strings.HasPrefix(base, i.library)
}

// runs are the loads of an interpreter's own files.
type runs struct {
	of    *interpreter
	loads []load
}

// addInterpreters finds the interpreters that run, by container.
func (u *Usage) addInterpreters() {
	for n := range interpreters {
		i := &interpreters[n]
		found := map[string][]load{}
		for at, loads := range u.files {
			if i.is(at.path) {
				found[at.container] = append(found[at.container], loads...)
			}
		}
		for container, loads := range found {
			u.running[container] = append(u.running[container], runs{i, loads})
		}
		for container := range u.ranBefore(i) {
			u.ran[container] = append(u.ran[container], i)
		}
	}
}

// ranBefore are the containers in which an interpreter ran while the run went on.
func (u *Usage) ranBefore(i *interpreter) map[string]bool {
	all := map[string]bool{}
	for at := range u.executed.files {
		if i.is(at.path) {
			all[at.container] = true
		}
	}
	for at := range u.past.files {
		if i.is(at.path) {
			all[at.container] = true
		}
	}
	return all
}

// nobody is the answer for what no process has mapped, which is for an interpreter
// or, if that is nil, not known to be.
func (u *Usage) nobody(container string, of *interpreter) Answer {
	running, ran := u.running[container], u.ran[container]
	if of == nil {
		switch {
		case len(running) > 0:
			return Answer{State: Installed, Reason: "what " + running[0].of.name + " reads cannot be seen: a script of it may run"}
		case len(ran) > 0:
			return Answer{State: Installed, Reason: "what " + ran[0].name + " reads cannot be seen: a script of it may have run"}
		}
		return Answer{State: Installed}
	}
	for _, r := range running {
		if r.of == of {
			return Answer{State: Unknown, Reason: "what " + of.name + " reads cannot be seen, and processes of it run",
				Processes: cut(u.tell(r.loads), maxProcesses)}
		}
	}
	if slices.Contains(ran, of) {
		return Answer{State: Unknown, Reason: "what " + of.name + " reads cannot be seen, and programs of it ran while the host was observed"}
	}
	return Answer{State: Installed, Reason: "no " + of.name + " was seen to run; a program that has one built in cannot be told from others"}
}
