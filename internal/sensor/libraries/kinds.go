package libraries

import (
	"path"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/libraries/java"
)

// OSV's names of the ecosystems (https://ossf.github.io/osv-schema/#defined-ecosystems),
// which are the parts of the coverage.
const (
	goModules = "Go"
	crates    = "crates.io"
	pypi      = "PyPI"
	npm       = "npm"
	maven     = "Maven"
	rubyGems  = "RubyGems"
	packagist = "Packagist"
	nuget     = "NuGet"
)

var ecosystems = []string{goModules, crates, pypi, npm, maven, rubyGems, packagist, nuget}

// kind is a kind of files that tell of libraries.
type kind struct {
	ecosystems []string // of which something is missing if the file cannot be read
	patterns   []string // for people: what Describe says
	is         func(folder, name string, info hostfs.Info) bool
	read       func(*source) error
}

// kinds are asked in this order; a file is of the first that it is of. Programs
// come last, because a script of any name may be executable.
func kinds() []kind {
	return []kind{
		{[]string{maven}, archives(), isArchive, readArchive},
		{[]string{pypi}, []string{"/**/*.dist-info/METADATA", "/**/*.egg-info", "/**/*.egg-info/PKG-INFO", "/**/EGG-INFO/PKG-INFO"}, isMetadata, readMetadata},
		{[]string{pypi}, []string{"/**/*.egg"}, isEgg, readEgg},
		{[]string{npm}, []string{"/**/node_modules/*/package.json", "/**/node_modules/@*/*/package.json",
			"/usr/share/nodejs/*/package.json", "/usr/share/nodejs/@*/*/package.json",
			"/usr/lib/nodejs/*/package.json", "/usr/lib/nodejs/@*/*/package.json"}, isPackageJSON, readPackageJSON},
		{[]string{rubyGems}, []string{"/**/specifications/*.gemspec", "/**/specifications/default/*.gemspec"}, isGem, readGem},
		{[]string{packagist}, []string{"/**/composer/installed.json"}, isInstalled, readInstalled},
		{[]string{nuget}, []string{"/**/*.deps.json"}, isDeps, readDeps},
		{[]string{goModules, crates}, []string{"/** (of executable files and of shared objects: the sections with build information)"}, isProgram, readProgram},
	}
}

func kindOf(kinds []kind, folder, name string, info hostfs.Info) *kind {
	for i := range kinds {
		if kinds[i].is(folder, name, info) {
			return &kinds[i]
		}
	}
	return nil
}

func reads() []string {
	var all []string
	for _, k := range kinds() {
		all = append(all, k.patterns...)
	}
	return all
}

func archives() (patterns []string) {
	for _, e := range java.Extensions() {
		patterns = append(patterns, "/**/*"+e)
	}
	return patterns
}

func isArchive(_, name string, _ hostfs.Info) bool { return java.Archive(name) }

func isMetadata(folder, name string, _ hostfs.Info) bool {
	switch name {
	case "METADATA":
		return strings.HasSuffix(folder, ".dist-info")
	case "PKG-INFO":
		return strings.HasSuffix(folder, ".egg-info") || path.Base(folder) == "EGG-INFO"
	}
	return strings.HasSuffix(name, ".egg-info")
}

func isEgg(_, name string, _ hostfs.Info) bool { return strings.HasSuffix(name, ".egg") }

// isPackageJSON tells the package.json of an installed package from those of
// projects, and from those that packages have in their subfolders.
func isPackageJSON(folder, name string, _ hostfs.Info) bool {
	if name != "package.json" {
		return false
	}
	parent := path.Dir(folder)
	if strings.HasPrefix(path.Base(parent), "@") {
		parent = path.Dir(parent)
	}
	// Debian's packages of libraries of Node lie in folders of their own.
	return path.Base(parent) == "node_modules" || parent == "/usr/share/nodejs" || parent == "/usr/lib/nodejs"
}

func isGem(folder, name string, _ hostfs.Info) bool {
	return strings.HasSuffix(name, ".gemspec") &&
		(path.Base(folder) == "specifications" || strings.HasSuffix(folder, "/specifications/default"))
}

func isInstalled(folder, name string, _ hostfs.Info) bool {
	return name == "installed.json" && path.Base(folder) == "composer"
}

func isDeps(_, name string, _ hostfs.Info) bool { return strings.HasSuffix(name, ".deps.json") }

// isProgram tells what may be a program, or is a shared object, which need not be
// executable.
func isProgram(_, name string, info hostfs.Info) bool {
	const leastELF = 52
	return info.Size >= leastELF && (info.Perm&0o111 != 0 || strings.HasSuffix(name, ".so") || strings.Contains(name, ".so."))
}
