package support

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Standing is where a kernel stands in a list.
type Standing int

// The standings, best last.
const (
	NotListed   Standing = iota // no kernel of its series is on the list
	SeriesKnown                 // one of its series is, from another distribution or in another flavour, so that they cannot be ordered
	OlderBuild                  // a newer build of the same series is, and no older one
	NewerBuild                  // an older build of the same series is
	Listed                      // this very kernel is
)

// Answer is what a list says of a kernel.
type Answer struct {
	Standing Standing
	Release  string // that was asked for
	Kernel   Kernel // that it is, or that of the list which is nearest to it; zero if NotListed
}

// String says it as a sentence.
func (a Answer) String() string {
	switch a.Standing {
	case Listed:
		return fmt.Sprintf("%s is on the list of tested kernels", a.Release)
	case NewerBuild:
		return fmt.Sprintf("%s is a newer build of %s, which is on the list of tested kernels", a.Release, a.Kernel.Release)
	case OlderBuild:
		return fmt.Sprintf("%s is an older build of %s, which is on the list of tested kernels", a.Release, a.Kernel.Release)
	case SeriesKnown:
		return fmt.Sprintf("%s is not on the list of tested kernels; of the same series, %s of %s is", a.Release, a.Kernel.Release, a.Kernel.Distribution)
	}
	return fmt.Sprintf("%s is not on the list of tested kernels", a.Release)
}

// Lookup tells where a kernel stands, by its release as uname -r says it. Of several
// builds of its series the nearest older one counts, else the nearest newer one.
func (l List) Lookup(release string) Answer {
	answer := Answer{Release: release}
	asked, ok := parseRelease(release)
	if !ok {
		return answer
	}
	for _, k := range l.Kernels {
		listed, ok := parseRelease(k.Release)
		if !ok || listed.series() != asked.series() {
			continue
		}
		if s := asked.against(listed); s > answer.Standing || s == answer.Standing && nearer(listed, answer.Kernel, s) {
			answer.Standing, answer.Kernel = s, k
		}
	}
	return answer
}

// Compare orders kernels by their releases, older ones first, as slices.SortFunc wants it.
func Compare(a, b string) int {
	v, _ := parseRelease(a)
	w, _ := parseRelease(b)
	return cmp.Or(v.compare(w), cmp.Compare(a, b))
}

// nearer tells whether a kernel is nearer to the one asked for than what was found
// before with the same standing.
func nearer(k version, found Kernel, s Standing) bool {
	before, _ := parseRelease(found.Release)
	if s == OlderBuild {
		return k.compare(before) < 0
	}
	return k.compare(before) > 0
}

// version is a release in its parts.
type version struct {
	numbers []int  // 6.1.0-56: 6, 1, 0, 56
	local   string // what a distribution adds to the numbers, as +deb12
	flavour string // cloud-amd64
}

// releases are a kernel's numbers, what a distribution adds to them, and its flavour:
// 6.1.0-56-cloud-amd64, 6.12.117+deb12-cloud-amd64, 5.14.0-687.el9.x86_64.
var releases = regexp.MustCompile(`^(\d{1,6}\.\d{1,6}(?:\.\d{1,6}){0,3}(?:-\d{1,6})?)([+.~][^-]*)?(?:-(.+))?$`)

func parseRelease(release string) (version, bool) {
	m := releases.FindStringSubmatch(release)
	if m == nil {
		return version{}, false
	}
	v := version{local: m[2], flavour: m[3]}
	for _, digits := range strings.FieldsFunc(m[1], func(r rune) bool { return r == '.' || r == '-' }) {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return version{}, false
		}
		v.numbers = append(v.numbers, n)
	}
	return v, true
}

func (v version) series() [2]int { return [2]int{v.numbers[0], v.numbers[1]} }

// debian tells whether it is named as Debian names its kernels.
func (v version) debian() bool {
	return (v.local == "" || strings.HasPrefix(v.local, "+deb")) && strings.HasSuffix(v.flavour, "amd64")
}

// against is how it stands to a kernel of its series. Only builds of one maker, with the
// same configuration, have an order: Debian's, by their numbers.
func (v version) against(listed version) Standing {
	if v.flavour == listed.flavour && v.local == listed.local && slices.Equal(v.numbers, listed.numbers) {
		return Listed
	}
	if !v.debian() || !listed.debian() || v.flavour != listed.flavour {
		return SeriesKnown
	}
	if v.compare(listed) < 0 {
		return OlderBuild
	}
	return NewerBuild
}

func (v version) compare(other version) int {
	return cmp.Or(slices.Compare(v.numbers, other.numbers), cmp.Compare(v.local, other.local))
}
