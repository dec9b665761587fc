package inventory

import (
	"regexp"
	"strings"

	"assay/internal/telemetry"
)

// What starts a machine comes signed, from source packages that hold signatures only.
// The code and its advisories are those of the unsigned sources.

// kernelArch ends the names of Debian's signed sources; Ubuntu's have none.
var kernelArch = regexp.MustCompile(`-(?:amd64|arm64|i386|armhf|ppc64el|riscv64|s390x)$`)

// unsignedKernel is the source of a signed kernel: "linux" of "linux-signed-amd64",
// "linux-hwe-6.8" of "linux-signed-hwe-6.8". The signed binaries have the versions of
// the unsigned source, while the signed source has another: "6.1.76+1".
func unsignedKernel(source string) string {
	rest := strings.TrimPrefix(kernelArch.ReplaceAllString(source, ""), "linux-signed")
	return "linux" + rest
}

// signedSources are Debian's other signed sources, with how their versions begin, and the
// sources that they sign. Their versions are those of what they sign, with a plus in place
// of the hyphen; grub and shim have a number in front. (Debian's archive says it in
// Built-Using, with which a wide test compares; dpkg's database has no such field.)
// Ubuntu publishes about its signed sources by their own names.
var signedSources = []struct {
	source   *regexp.Regexp // of the name and version
	unsigned string
	skip     *regexp.Regexp // in front of the version
}{
	{regexp.MustCompile(`^grub-efi-[a-z0-9]+-signed `), "grub2", regexp.MustCompile(`^\d+\+`)},
	{regexp.MustCompile(`^shim-helpers-[a-z0-9]+-signed `), "shim", regexp.MustCompile(`^\d+\+`)},
	{regexp.MustCompile(`^fwupd-[a-z0-9]+-signed 1:`), "fwupd-efi", nil}, // since Debian 12
	{regexp.MustCompile(`^fwupd-[a-z0-9]+-signed `), "fwupd", nil},
	{regexp.MustCompile(`^systemd-boot-efi-[a-z0-9]+-signed `), "systemd", nil},
}

// unsigned is the source package that advisories go by, of Debian.
func unsigned(p *telemetry.Package, name, version string) (string, string) {
	if rest, ok := strings.CutPrefix(p.Version, version+"+"); ok && name == "shim-signed" && rest != "" {
		return "shim", rest // "1.44~1+deb12u1" signs "15.8-1~deb12u1"
	}
	if !strings.HasSuffix(name, "-signed") {
		return name, version
	}
	for _, s := range signedSources {
		if !s.source.MatchString(name + " " + version) {
			continue
		}
		if s.skip != nil {
			version = s.skip.ReplaceAllString(version, "")
		}
		if !strings.Contains(version, "-") {
			version = strings.Replace(version, "+", "-", 1)
		}
		return s.unsigned, version
	}
	return name, version
}
