package osv

import "github.com/go-json-experiment/json/jsontext"

// document has what we use of a record. Members that we do not are not read.
type document struct {
	ID         string           `json:"id"`
	Published  string           `json:"published"`
	Modified   string           `json:"modified"`
	Withdrawn  string           `json:"withdrawn"`
	Aliases    []string         `json:"aliases"`
	Upstream   []string         `json:"upstream"`
	Related    []string         `json:"related"`
	Summary    string           `json:"summary"`
	Details    string           `json:"details"`
	Severity   []severity       `json:"severity"`
	Affected   []affected       `json:"affected"`
	References []reference      `json:"references"`
	Specific   databaseSpecific `json:"database_specific"`

	streams []string // that the summary names, once they were asked for
}

type severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type reference struct {
	URL string `json:"url"`
}

type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
		PURL      string `json:"purl"`
	} `json:"package"`
	Severity  []severity        `json:"severity"`
	Ranges    []ranges          `json:"ranges"`
	Versions  []string          `json:"versions"`
	Ecosystem ecosystemSpecific `json:"ecosystem_specific"`
	Database  databaseSpecific  `json:"database_specific"`
}

type ranges struct {
	Type   string  `json:"type"`
	Events []event `json:"events"`
}

// event has one of its members set.
type event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// databaseSpecific and ecosystemSpecific may hold anything, so each member that
// we know is looked at only if it is what we think it is.
type databaseSpecific struct {
	Severity word `json:"severity"`
}

type ecosystemSpecific struct {
	Urgency  word     `json:"urgency"`         // Debian
	Priority word     `json:"ubuntu_priority"` // Ubuntu, before it had a severity type
	Severity word     `json:"severity"`
	Module   word     `json:"module"`
	RPMMod   word     `json:"rpmmod"`
	Binaries binaries `json:"binaries"` // Ubuntu
}

func (s *databaseSpecific) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain databaseSpecific
	return anything(dec, (*plain)(s))
}

func (s *ecosystemSpecific) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain ecosystemSpecific
	return anything(dec, (*plain)(s))
}
