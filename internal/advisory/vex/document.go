package vex

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// document is OpenVEX by its names.
type document struct {
	Context    string      `json:"@context"`
	ID         string      `json:"@id"`
	Author     string      `json:"author"`
	Timestamp  string      `json:"timestamp"`
	Updated    string      `json:"last_updated"`
	Statements []statement `json:"statements"`
}

type statement struct {
	Vulnerability vulnerability `json:"vulnerability"`
	Timestamp     string        `json:"timestamp"`
	Updated       string        `json:"last_updated"`
	Products      []product     `json:"products"`
	Subcomponents []product     `json:"subcomponents"` // before 0.2.0
	Status        string        `json:"status"`
	Justification string        `json:"justification"`
	Impact        string        `json:"impact_statement"`
	Action        string        `json:"action_statement"`
}

type vulnerability struct {
	ID      string   `json:"@id"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

func (v *vulnerability) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '"' {
		return json.UnmarshalDecode(dec, &v.Name)
	}
	type plain vulnerability
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// name is the vulnerability's usual one. In documents whose name is missing it is
// the end of the address that identifies it.
func (v *vulnerability) name() string {
	if v.Name != "" {
		return v.Name
	}
	return v.ID[strings.LastIndexByte(v.ID, '/')+1:]
}

type product struct {
	ID          string `json:"@id"`
	Identifiers struct {
		PURL  string `json:"purl"`
		CPE22 string `json:"cpe22"`
		CPE23 string `json:"cpe23"`
	} `json:"identifiers"`
	Subcomponents []product `json:"subcomponents"`
}

func (p *product) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '"' {
		return json.UnmarshalDecode(dec, &p.ID)
	}
	if dec.StackDepth() > 20 {
		return fmt.Errorf("products are one in the other too often")
	}
	type plain product
	return json.UnmarshalDecode(dec, (*plain)(p))
}

// name is a package URL or CPE; empty if there is neither.
func (p *product) name() string {
	for _, id := range []string{p.Identifiers.PURL, p.ID, p.Identifiers.CPE23, p.Identifiers.CPE22} {
		if strings.HasPrefix(id, "pkg:") || strings.HasPrefix(id, "cpe:") {
			return id
		}
	}
	return ""
}
