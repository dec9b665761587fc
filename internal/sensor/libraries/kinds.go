package libraries

import (
	"path"
	"strings"

	"assay/internal/sensor/hostfs"
)

// ecosystems are OSV's names (https://ossf.github.io/osv-schema/#defined-ecosystems).
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
	ecosystems []string
	patterns   []string // for people: what Describe says
	is         func(folder, name string, info hostfs.Info) bool
	read       func(*source) error
}

// kinds are asked in this order; a file is of the first that wants it.
var kinds []kind

func kindOf(folder, name string, info hostfs.Info) *kind {
	for i := range kinds {
		if kinds[i].is(folder, name, info) {
			return &kinds[i]
		}
	}
	return nil
}

func reads() []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.patterns...)
	}
	return all
}

func ends(name string, suffixes ...string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

var _ = path.Base
