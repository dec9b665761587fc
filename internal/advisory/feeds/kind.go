package feeds

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/advisory/alpine"
	"assay/internal/advisory/csaf"
	"assay/internal/advisory/debian"
	"assay/internal/advisory/epss"
	"assay/internal/advisory/feed"
	"assay/internal/advisory/kev"
	"assay/internal/advisory/osv"
	"assay/internal/advisory/updateinfo"
	"assay/internal/advisory/vex"
)

// Kind is the form that a feed is in.
type Kind string

// The kinds.
const (
	OSV        Kind = "osv"
	Debian     Kind = "debian"     // the security tracker
	CSAF       Kind = "csaf"       // as advisories
	CSAFVEX    Kind = "csaf-vex"   // as statements
	Updateinfo Kind = "updateinfo" // rpm repositories
	Alpine     Kind = "alpine"     // secdb
	KEV        Kind = "kev"
	EPSS       Kind = "epss"
	OpenVEX    Kind = "openvex"
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{OSV, Debian, CSAF, CSAFVEX, Updateinfo, Alpine, KEV, EPSS, OpenVEX}
}

// KindNames are the kinds for people: "osv, debian, csaf".
func KindNames() string {
	var all []string
	for _, k := range Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

func (k Kind) check() error {
	if !slices.Contains(Kinds(), k) {
		return fmt.Errorf("there is no kind %.40q: %s", string(k), KindNames())
	}
	return nil
}

// reader reads one file of a kind.
func (f *Feed) reader() feed.Reader {
	switch f.Kind {
	case Debian:
		return debian.Read
	case CSAF:
		return csaf.Read
	case CSAFVEX:
		return csaf.Statements
	case Updateinfo:
		return updateinfo.Reader{Ecosystem: f.Ecosystem}.Read
	case Alpine:
		return alpine.Read
	case KEV:
		return kev.Read
	case EPSS:
		return epss.Read
	case OpenVEX:
		return vex.Read
	}
	return osv.Read
}

// maxBytes bounds an original, as it is fetched: some times what it has today.
func (k Kind) maxBytes() int64 {
	switch k {
	case KEV, Alpine:
		return 64 << 20
	case EPSS, Updateinfo:
		return 512 << 20
	case CSAF, CSAFVEX:
		return 8 << 30
	}
	return 4 << 30
}

// Unfixed tells whether feeds of a kind usually tell what has no fix.
func (k Kind) Unfixed() bool { return k == Debian || k == CSAF }
