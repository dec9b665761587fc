package csaf

// document has what we use of CSAF 2.0, by the names of its schema.
type document struct {
	Document struct {
		Category          string `json:"category"`
		Version           string `json:"csaf_version"`
		Title             string `json:"title"`
		AggregateSeverity struct {
			Text string `json:"text"`
		} `json:"aggregate_severity"`
		Publisher struct {
			Name string `json:"name"`
		} `json:"publisher"`
		Tracking struct {
			ID      string `json:"id"`
			Status  string `json:"status"`
			Initial string `json:"initial_release_date"`
			Current string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree            tree            `json:"product_tree"`
	Vulnerabilities []vulnerability `json:"vulnerabilities"`
}

type tree struct {
	Branches      []branch       `json:"branches"`
	Products      []product      `json:"full_product_names"`
	Groups        []group        `json:"product_groups"`
	Relationships []relationship `json:"relationships"`
}

type branch struct {
	Category string   `json:"category"`
	Name     string   `json:"name"`
	Branches []branch `json:"branches"`
	Product  *product `json:"product"`
}

type product struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		PURL string `json:"purl"`
		CPE  string `json:"cpe"`
	} `json:"product_identification_helper"`
}

type group struct {
	ID       string   `json:"group_id"`
	Products []string `json:"product_ids"`
}

type relationship struct {
	Full      product `json:"full_product_name"`
	Component string  `json:"product_reference"`
	Of        string  `json:"relates_to_product_reference"`
}

type vulnerability struct {
	CVE   string `json:"cve"`
	Title string `json:"title"`
	IDs   []struct {
		Text string `json:"text"`
	} `json:"ids"`
	Notes []struct {
		Category string `json:"category"`
		Text     string `json:"text"`
	} `json:"notes"`
	Status struct {
		Fixed         []string `json:"fixed"`
		FirstFixed    []string `json:"first_fixed"`
		Recommended   []string `json:"recommended"`
		Affected      []string `json:"known_affected"`
		FirstAffected []string `json:"first_affected"`
		LastAffected  []string `json:"last_affected"`
		NotAffected   []string `json:"known_not_affected"`
		Investigated  []string `json:"under_investigation"`
	} `json:"product_status"`
	Remediations []remark `json:"remediations"`
	Threats      []remark `json:"threats"`
	Flags        []remark `json:"flags"`
	Scores       []struct {
		V2 *score `json:"cvss_v2"`
		V3 *score `json:"cvss_v3"`
		V4 *score `json:"cvss_v4"`
	} `json:"scores"`
	References []struct {
		URL string `json:"url"`
	} `json:"references"`
}

type score struct {
	Vector string `json:"vectorString"`
}

// remark is what remediations, threats and flags have in common.
type remark struct {
	Category string   `json:"category"`
	Label    string   `json:"label"` // flags have this in the place of a category
	Details  string   `json:"details"`
	URL      string   `json:"url"`
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}
