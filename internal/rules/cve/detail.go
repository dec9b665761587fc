package cve

import (
	"strconv"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/inventory"
)

// Attributes of findings. Those in small letters, and CVE_ID and CVSS..., are as
// Inspector has them.
const (
	attrID       = "CVE_ID"
	attrPackage  = "package_name"
	attrVersion  = "package_version"
	attrSource   = "SOURCE_PACKAGE"
	attrPriority = "PRIORITY"
	attrWhy      = "WHY_FIRST"
	attrState    = "RUNTIME_STATE"
)

// attributes are those of a finding. What is empty is left out by rules.Derive.
func (e *evaluation) attributes(v *vulnerable) []inspector.Attribute {
	var all []inspector.Attribute
	add := func(key, value string) { all = append(all, inspector.Attribute{Key: key, Value: value}) }
	name, installed := e.installed(v)
	if strings.HasPrefix(v.ID, "CVE-") {
		add(attrID, v.ID)
	}
	add(attrPackage, name)
	add(attrVersion, installed)
	if v.Kind == inventory.Package {
		add(attrSource, v.Name)
		add("SOURCE_VERSION", v.version())
	}
	add(attrPriority, strconv.Itoa(v.priority))
	add(attrWhy, v.urgency.why(e.useText(v, false), v.fixText()))
	add("FIXED_VERSION", v.Fixed)
	add("FIXED_VERSION_UBUNTU_PRO", v.proOnly)
	add("STATUS", string(v.status))
	add(attrState, e.stateText(v.item))
	e.observed(v, add)
	add("ADVISORY", strings.Join(v.advisories(), ", "))
	for _, s := range v.scores {
		add("CVSS"+s.Version[:1]+"_SCORE", score(s.Base))
		add("CVSS"+s.Version[:1]+"_SCORE_VECTOR", s.Vector)
	}
	if x := v.fact.Exploited; x != nil {
		add("KEV_ADDED", date(x.Added))
		add("KEV_DUE", date(x.Due))
		add("KEV_RANSOMWARE", map[bool]string{true: "known", false: "not known"}[x.Ransomware])
	}
	if v.fact.EPSS > 0 {
		add("EPSS", strconv.FormatFloat(v.fact.EPSS, 'f', -1, 64))
		add("EPSS_PERCENTILE", strconv.FormatFloat(v.fact.EPSSRank, 'f', -1, 64))
	}
	e.places(v, add)
	for n, url := range v.references() {
		add("REFERENCE_"+strconv.Itoa(n+1), url)
	}
	return all
}

// maxPlaces is how many of the places of an item are looked at for a value, which has
// 256 characters at most.
const maxPlaces = 64

// places are the attributes about where the item is.
func (e *evaluation) places(v *vulnerable, add func(key, value string)) {
	add("ECOSYSTEM", v.Ecosystem)
	add("MODULE", v.Module)
	add("PURL", v.PURL)
	var paths, containers []string
	for _, c := range v.same[:min(len(v.same), maxPlaces)] {
		if c.Path != "" {
			paths = append(paths, c.Path)
		}
		if c.Container != "" {
			containers = append(containers, shortID(c.Container))
		}
	}
	add("PATHS", strings.Join(paths, ", "))
	add("CONTAINER", v.place)
	add("CONTAINERS", strings.Join(unique(containers), ", "))
	var binaries []string
	for _, b := range v.affected() {
		binaries = append(binaries, b.Name)
	}
	add("BINARIES", strings.Join(unique(binaries), ", "))
}

// installed is the package that stands for the item: of a source package the binary
// that is most in use, of several the one with the source's name.
func (e *evaluation) installed(v *vulnerable) (name, installed string) {
	name, installed = v.Name, v.version()
	most := -1
	for _, b := range v.affected() {
		points := 0
		if v.area == ofPackages {
			points = 2 * statePoints(e.usage.Package(qualified(&b)).State)
		}
		if b.Name == v.Name {
			points++
		}
		if points > most {
			name, installed, most = b.Name, b.Version, points
		}
	}
	return name, installed
}

// maxReferences is how many addresses a finding has.
const maxReferences = 5

func (v *vulnerable) references() []string {
	all := append([]string(nil), v.fact.References...)
	for _, m := range v.Matches {
		all = append(all, m.Advisory.References...)
	}
	all = unique(all)
	return all[:min(len(all), maxReferences)]
}

// unique keeps the first of what is there several times.
func unique(all []string) (once []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			once = append(once, s)
		}
	}
	return once
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
