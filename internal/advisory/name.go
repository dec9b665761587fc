package advisory

import "strings"

// Name is the one spelling by which an ecosystem's package is looked up. It
// allocates only if name is not spelled so.
func Name(ecosystem, name string) string {
	family, _, _ := strings.Cut(ecosystem, ":")
	switch family {
	case "PyPI":
		return pypiName(name)
	case "NuGet", "Packagist":
		return strings.ToLower(name)
	}
	return name
}

// pypiName is the normal name of PEP 503: lower case, with one hyphen for every run
// of hyphens, dots and underscores.
func pypiName(name string) string {
	if isPyPIName(name) {
		return name
	}
	normal := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			normal = append(normal, c+'a'-'A')
		case !pypiSeparator(c):
			normal = append(normal, c)
		case i == 0 || !pypiSeparator(name[i-1]):
			normal = append(normal, '-')
		}
	}
	return string(normal)
}

func isPyPIName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' || c == '.' || c == '_' || c == '-' && i > 0 && name[i-1] == '-' {
			return false
		}
	}
	return true
}

func pypiSeparator(c byte) bool { return c == '-' || c == '.' || c == '_' }
