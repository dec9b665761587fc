// Package ruby reads the specification of an installed gem,
// specifications/NAME-VERSION.gemspec, which RubyGems writes as a Ruby program. It
// is not run: what is wanted of it is written in a few fixed ways.
package ruby

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strings"
)

// maxLines bounds how far name and version are looked for; they come first.
const maxLines = 400

var (
	// "# stub: rake 13.0.6 ruby lib", which RubyGems itself goes by.
	stub    = regexp.MustCompile(`^# stub: (\S+) (\S+) `)
	name    = regexp.MustCompile(`^\s*\w+\.name\s*=\s*(?:"([^"#\\]+)"|'([^'\\]+)')(?:\.freeze)?\s*$`)
	version = regexp.MustCompile(`^\s*\w+\.version\s*=\s*(?:Gem::Version\.new\(?\s*)?(?:"([^"#\\]+)"|'([^'\\]+)')(?:\.freeze)?\s*\)?\s*$`)

	// What follows a hyphen behind the version is the platform.
	fileName    = regexp.MustCompile(`^(.+?)-(\d[0-9A-Za-z.]*)(?:-.+)?\.gemspec$`)
	versionName = regexp.MustCompile(`^-(\d[0-9A-Za-z.]*)(?:-.+)?\.gemspec$`)
)

// ErrNone says that neither a specification nor its file's name tells which gem it
// is of.
var ErrNone = errors.New("it does not name a gem and its version")

// Read returns the name and version of the gem of a specification in the file
// base. A version that the specification computes is taken from the file's name.
func Read(r io.Reader, base string) (gem, release string, err error) {
	lines := bufio.NewReaderSize(r, 16<<10)
	for range maxLines {
		line, err := lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return "", "", err
		}
		if m := stub.FindSubmatch(line); m != nil {
			return string(m[1]), string(m[2]), nil
		}
		gem, release = first(gem, name, line), first(release, version, line)
		if gem != "" && release != "" || errors.Is(err, io.EOF) {
			break
		}
	}
	if gem != "" && release != "" {
		return gem, release, nil
	}
	if gem == "" {
		if m := fileName.FindStringSubmatch(base); m != nil {
			return m[1], m[2], nil
		}
	} else if m := versionName.FindStringSubmatch(strings.TrimPrefix(base, gem)); m != nil {
		return gem, m[1], nil
	}
	return "", "", ErrNone
}

func first(known string, form *regexp.Regexp, line []byte) string {
	m := form.FindSubmatch(line)
	if known != "" || m == nil {
		return known
	}
	return string(m[1]) + string(m[2])
}
