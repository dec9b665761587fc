package feeds

import (
	"fmt"
	"regexp"
	"strings"

	"assay/internal/advisory/fetch"
)

// Feed is a feed: what it is, and where it is from.
type Feed struct {
	Name    string `json:"name"`
	Kind    Kind   `json:"kind"`
	Address string `json:"address,omitempty"` // https://..., http://..., or a file's path; empty: it is only imported
	Find    Find   `json:"find,omitempty"`    // how the file is found from the address
	// Ecosystem: of OSV, rows of others are left out ("Debian" has "Debian:12"), since
	// they would pass for all that is known there; of updateinfo, what the packages are
	// of ("Amazon Linux:2023"). Empty: what the file says.
	Ecosystem string `json:"ecosystem,omitempty"`
	Unfixed   bool   `json:"unfixed,omitempty"` // it also tells what has no fix

	Covers  string `json:"-"` // for people
	Size    Size   `json:"-"`
	License string `json:"-"` // as its publisher says
	Hash    string `json:"-"` // what the publisher gives to check a copy with
}

// Find is a way from a feed's address to its file.
type Find string

// The ways.
const (
	Direct  Find = ""        // the address is the file's
	Archive Find = "archive" // a folder with archive_latest.txt, which names the file; beside that its .sha256
	Repo    Find = "repo"    // a repository of rpms, or a list of its mirrors: repodata/repomd.xml names the file and its checksum
)

// Size is what is transferred, roughly.
type Size string

// The sizes.
const (
	Small  Size = "below 10 MB"
	Medium Size = "10 to 100 MB"
	Large  Size = "above 100 MB"
)

const osvBucket = "https://osv-vulnerabilities.storage.googleapis.com/"

// Known are the feeds that are known by name, in the order in which they are listed.
// The addresses are from the publishers' documentation.
func Known() []Feed {
	all := []Feed{
		{Name: "debian-tracker", Kind: Debian, Address: "https://security-tracker.debian.org/tracker/data/json", Unfixed: true,
			Covers: "Debian: every state, also what has no fix", Size: Medium, License: "public, of the Debian project"},
		osvFeed("Debian", Medium, false, "Debian: advisories (DSA, DLA), what was fixed", "public, of the Debian project"),
		osvFeed("Ubuntu", Large, true, "Ubuntu's notices and CVEs, also what has no fix", "CC BY-SA 4.0"),
		osvFeed("AlmaLinux", Medium, false, "AlmaLinux errata", "MIT"),
		osvFeed("Rocky Linux", Medium, false, "Rocky Linux errata", "BSD"),
		osvFeed("SUSE", Medium, false, "SUSE Linux advisories", "CC BY 4.0"),
		osvFeed("openSUSE", Medium, false, "openSUSE advisories", "CC BY 4.0"),
		osvFeed("Red Hat", Medium, false, "Red Hat advisories as OSV has them", "CC BY 4.0"),
		osvFeed("Alpine", Small, false, "Alpine, by its secdb", "as Alpine's"),
		{Name: "redhat-vex", Kind: CSAF, Address: "https://security.access.redhat.com/data/csaf/v2/vex/", Find: Archive, Unfixed: true,
			Covers: "Red Hat: every CVE and product, also what has no fix", Size: Large, License: "CC BY 4.0", Hash: "SHA-256 beside it"},
		{Name: "redhat-advisories", Kind: CSAF, Address: "https://security.access.redhat.com/data/csaf/v2/advisories/", Find: Archive,
			Covers: "Red Hat: what was fixed, by advisory", Size: Large, License: "CC BY 4.0", Hash: "SHA-256 beside it"},
		{Name: "suse-csaf", Kind: CSAF, Address: "https://ftp.suse.com/pub/projects/security/csaf.tar.bz2",
			Covers: "SUSE and openSUSE: what was fixed, by advisory", Size: Large, License: "CC BY 4.0"},
		{Name: "suse-vex", Kind: CSAF, Address: "https://ftp.suse.com/pub/projects/security/csaf-vex.tar.bz2", Unfixed: true,
			Covers: "SUSE and openSUSE: every CVE, also what has no fix", Size: Large, License: "CC BY 4.0"},
		amazon("amazon-2", "Amazon Linux:2", "https://cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list"),
		amazon("amazon-2023", "Amazon Linux:2023", "https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list"),
	}
	for _, release := range []string{"v3.20", "v3.21", "v3.22", "v3.23", "v3.24", "edge"} {
		for _, repository := range []string{"main", "community"} {
			all = append(all, Feed{Name: "alpine-" + release + "-" + repository, Kind: Alpine,
				Address: fmt.Sprintf("https://secdb.alpinelinux.org/%s/%s.json", release, repository),
				Covers:  "Alpine " + release + ", " + repository, Size: Small, License: "as Alpine's"})
		}
	}
	for _, language := range []string{"Go", "PyPI", "npm", "Maven", "RubyGems", "crates.io", "Packagist", "NuGet"} {
		size := Medium
		if language == "npm" {
			size = Large
		}
		all = append(all, osvFeed(language, size, true, language+" packages", "CC BY 4.0, CC0 and others, by database"))
	}
	return append(all,
		Feed{Name: "kev", Kind: KEV, Address: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
			Covers: "which vulnerabilities are exploited", Size: Small, License: "CC0"},
		Feed{Name: "epss", Kind: EPSS, Address: "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
			Covers: "how likely exploitation is", Size: Small, License: "free, with attribution to FIRST"})
}

func osvFeed(ecosystem string, size Size, unfixed bool, covers, license string) Feed {
	return Feed{Name: osvName(ecosystem), Kind: OSV, Address: osvBucket + strings.ReplaceAll(ecosystem, " ", "%20") + "/all.zip",
		Ecosystem: ecosystem, Unfixed: unfixed, Covers: covers, Size: size, License: license}
}

func osvName(ecosystem string) string {
	return "osv-" + strings.ReplaceAll(strings.ToLower(ecosystem), " ", "-")
}

func amazon(name, ecosystem, address string) Feed {
	return Feed{Name: name, Kind: Updateinfo, Address: address, Find: Repo, Ecosystem: ecosystem,
		Covers: ecosystem + ", core", Size: Small, License: "as Amazon's", Hash: "SHA-256 in repomd.xml"}
}

// ByName is a feed that is known.
func ByName(name string) (Feed, bool) {
	for _, f := range Known() {
		if f.Name == name {
			return f, true
		}
	}
	return Feed{}, false
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Check says what is wrong with a feed.
func (f *Feed) Check() error {
	if !validName.MatchString(f.Name) || strings.HasPrefix(f.Name, bundledPrefix) {
		return fmt.Errorf("%.80q cannot be a feed's name: one has lower-case letters, digits, dots and hyphens, at most 64, and does not begin with %q", f.Name, bundledPrefix)
	}
	if err := f.Kind.check(); err != nil {
		return err
	}
	if f.Find != Direct && f.Find != Archive && f.Find != Repo {
		return fmt.Errorf("there is no way %.40q to find a feed's file: archive, repo", string(f.Find))
	}
	if f.remote() && !strings.HasPrefix(f.Address, "https://") && !strings.HasPrefix(f.Address, "http://") {
		return fmt.Errorf("%s cannot be fetched from: https://, http:// or a file's path", f.Where())
	}
	return nil
}

// remote tells addresses from paths.
func (f *Feed) remote() bool { return strings.Contains(f.Address, "://") }

// Where is the address for people, without credentials.
func (f *Feed) Where() string {
	if f.remote() {
		return fetch.Redact(f.Address)
	}
	return f.Address
}
