package version

import "strings"

// compareNuGet is NuGet's VersionComparer.Default: one to four numbers, those that
// are left out being 0, and the labels of a pre-release in the order of semver.org,
// but in any case, and with numbers as far as they fit into 32 bits.
// Source: NuGet.Client, src/NuGet.Core/NuGet.Versioning.
func compareNuGet(a, b string) int {
	aCore, aPre := cutNuGet(a)
	bCore, bPre := cutNuGet(b)
	for aCore != "" || bCore != "" {
		var m, n string
		m, aCore, _ = strings.Cut(aCore, ".")
		n, bCore, _ = strings.Cut(bCore, ".")
		if c := compareIdentifiers(m, n); c != 0 {
			return c
		}
	}
	if aPre == "" || bPre == "" { // a pre-release is older than its release
		return sign(len(bPre) - len(aPre))
	}
	for aPre != "" && bPre != "" {
		var m, n string
		m, aPre, _ = strings.Cut(aPre, ".")
		n, bPre, _ = strings.Cut(bPre, ".")
		if c := compareNuGetLabels(m, n); c != 0 {
			return c
		}
	}
	return sign(len(aPre) - len(bPre))
}

// cutNuGet divides a version into its numbers and the labels of a pre-release.
func cutNuGet(v string) (core, pre string) {
	v, _, _ = strings.Cut(trimBlanks(v), "+")
	core, pre, _ = strings.Cut(v, "-")
	return core, pre
}

func compareNuGetLabels(a, b string) int {
	m, aNumber := nuGetNumber(a)
	n, bNumber := nuGetNumber(b)
	switch {
	case aNumber && bNumber:
		return sign(m - n)
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return compareFold(a, b)
}

// nuGetNumber is the number that .NET's int.TryParse sees in a label: a hyphen can
// be its sign.
func nuGetNumber(label string) (n int, ok bool) {
	digits, negative := strings.CutPrefix(label, "-")
	if digits == "" || !isNumber(digits) {
		return 0, false
	}
	digits = trimZeros(digits)
	limit := "2147483647"
	if negative {
		limit = "2147483648"
	}
	if compareNumbers(digits, limit) > 0 {
		return 0, false
	}
	for i := range len(digits) {
		n = 10*n + int(digits[i]-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// checkNuGet takes what NuGetVersion.TryParse takes, blanks within it left out.
func checkNuGet(v string) string {
	v = trimBlanks(v)
	withoutBuild, build, hasBuild := strings.Cut(v, "+")
	core, pre, hasPre := strings.Cut(withoutBuild, "-")
	switch {
	case strings.Count(core, ".") > 3 || !allIdentifiers(core, digit):
		return "it does not begin with one to four numbers with dots between them"
	case !fitsNuGet(core):
		return "one of its numbers is more than 2147483647"
	case hasPre && !allIdentifiers(pre, alphanumeric|hyphen):
		return "its pre-release is not letters, digits and hyphens with dots between them"
	case hasPre && hasLeadingZero(pre):
		return "a number of its pre-release has a leading zero"
	case hasBuild && !allIdentifiers(build, alphanumeric|hyphen):
		return "its build metadata is not letters, digits and hyphens with dots between them"
	}
	return ""
}

func fitsNuGet(core string) bool {
	for more := true; more; {
		var n string
		n, core, more = strings.Cut(core, ".")
		if compareNumbers(n, "2147483647") > 0 {
			return false
		}
	}
	return true
}
