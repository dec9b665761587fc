package cve

import (
	"cmp"
	"fmt"
	"strings"

	"assay/internal/advisory"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// Bounds of what a finding lists.
const (
	maxBinaries   = 8
	maxAdvisories = 5
	maxProcesses  = 3
)

// sensorAdvisories is the sensor that evidence names for what is no telemetry: what
// advisories and catalogues say.
const sensorAdvisories = "advisories"

// finding is the result for a vulnerability.
func (e *evaluation) finding(v *vulnerable) rules.Result {
	r := rules.Result{
		Verdict: rules.Failed, Subject: v.subject(), FindingID: v.ID, Title: "Instance <id> is vulnerable to " + v.ID,
		Severity: v.rating.severity, Reason: e.reason(v), Remedy: e.recommendation(v),
		Evidence: e.evidence(v), Attributes: e.attributes(v),
	}
	if v.suppressed() {
		r.Suppressed = suppression(v.stated)
	}
	return r
}

// subject names what a finding is about, the same in every run, whatever the version.
func (v *vulnerable) subject() string {
	name := v.Name
	if v.Kind == inventory.Library {
		name = v.Ecosystem + ":" + name
	}
	s := v.ID + "/" + name
	if v.place != "" {
		s += "/in/" + v.place
	}
	return s
}

// reason words what was found, for people.
func (e *evaluation) reason(v *vulnerable) string {
	var b strings.Builder
	sentence := func(format string, args ...any) { fmt.Fprintf(&b, format+" ", args...) }
	if text := cmp.Or(v.fact.Summary, v.fact.Description, v.summary()); text != "" {
		sentence("%s", strings.TrimSuffix(cutText(text, 600), ".")+".")
	}
	sentence("%s %s is affected: %s.", v.what(), v.version(), v.Matches[0].Comparison(v.version()))
	switch {
	case v.fixable():
		sentence("%s has the fix.", v.Fixed)
	case v.proOnly != "":
		sentence("There is no fix for everybody; with Ubuntu Pro, which this host is not known to be attached to, %s has it.", v.proOnly)
	default:
		sentence("There is no fix: %s.", v.statusText())
		if v.Fixed != "" {
			sentence("An advisory names %s as a fix, and another leaves the vulnerability open.", v.Fixed)
		}
	}
	sentence("Severity: %s.", v.rating.by)
	sentence("%s.", upper(e.useText(v, true)))
	for _, doubt := range e.doubts(v) {
		sentence("%s.", upper(doubt))
	}
	if s := v.stated; s != nil {
		sentence("%s states in %s that it is %s%s.", cmp.Or(s.Author, "The supplier"), s.Source, strings.ReplaceAll(string(s.Status), "_", " "),
			prefixed(": ", cmp.Or(s.Justification, s.Impact)))
	}
	return strings.TrimSpace(b.String())
}

// what names the item for people.
func (v *vulnerable) what() string {
	text := v.Name
	if v.Kind == inventory.Library {
		text = v.Ecosystem + " library " + v.Name
	}
	if v.place != "" {
		text += " in the container " + v.place
	}
	return text
}

func (v *vulnerable) summary() string {
	for _, m := range v.Matches {
		if m.Advisory.Summary != "" {
			return m.Advisory.Summary
		}
	}
	return ""
}

// statusText words why there is no fix.
func (v *vulnerable) statusText() string {
	text := "the vendor's status is \"" + string(v.status) + "\""
	if v.note != "" {
		text += " (" + v.note + ")"
	}
	return text
}

// doubts are what keeps a match from being certain.
func (e *evaluation) doubts(v *vulnerable) (all []string) {
	if v.Kernel == inventory.UnknownKernel {
		all = append(all, "it is not known which kernel runs: this one was taken to")
	}
	for _, m := range v.Matches {
		if m.Affected().Module != "" && v.Module == "" {
			all = append(all, fmt.Sprintf("the stream of the module that the package is of is not known: the advisory is about %s", m.Affected().Module))
			break
		}
	}
	if owner := e.owners[ownerKey{v.Container, v.Owner}]; v.Owner != "" && owner != nil && !strings.HasPrefix(v.Path, "/opt/") && !strings.HasPrefix(v.Path, "/usr/local/") {
		all = append(all, fmt.Sprintf("it is of the package %s, which is of another vendor than the system's, or of which that has never published anything", v.Owner))
	}
	if e.isForeign(v.Component) {
		all = append(all, fmt.Sprintf("the package is of the vendor %s, and the advisory is the distribution's", v.Vendor))
	}
	if v.Status != "" && v.Status != "installed" {
		all = append(all, fmt.Sprintf("dpkg calls the package %s: it may be there in part only", v.Status))
	}
	return all
}

// recommendation is what to do. It begins with what to type, or to ask for.
func (e *evaluation) recommendation(v *vulnerable) string {
	var text string
	newer := e.newerKernel(v)
	switch {
	case newer != nil:
		text = fmt.Sprintf("Restart the host: the kernel %s, which has the fix, is installed and does not run.", newer.Version)
	case v.place != "" && v.fixable() && v.system.Image == "":
		text = fmt.Sprintf("Give the container %s %s %s or later, from where it came.", v.place, v.Name, v.Fixed)
	case v.place != "" && v.fixable():
		text = fmt.Sprintf("Build the image %s again with %s %s or later, and replace its containers.", v.place, v.Name, v.Fixed)
	case v.Kind == inventory.Library && v.fixable():
		text = fmt.Sprintf("Update %s to %s or later where it is used (%s), and restart what uses it.", v.Name, v.Fixed, v.Path)
	case v.fixable() && v.Kernel != inventory.NoKernel:
		text = fmt.Sprintf("Install %s %s or later, and restart the host.", v.Name, v.Fixed)
	case v.fixable():
		text = fmt.Sprintf("Install %s %s or later%s.", v.Name, v.Fixed, v.command())
	case v.proOnly != "":
		text = fmt.Sprintf("Attach the host to Ubuntu Pro to get %s %s, or mitigate what the advisory describes.", v.Name, v.proOnly)
	case v.status == advisory.EndOfLife:
		text = "Move to a release that is repaired: this one gets no fix."
	default:
		text = fmt.Sprintf("There is nothing to install yet. Mitigate what the advisory describes, or remove %s if it is not needed.", v.Name)
	}
	if s := v.stated; s != nil && s.Action != "" {
		text += " The supplier says: " + s.Action
	}
	return text
}

// command is how the system's package manager installs the fix.
func (v *vulnerable) command() string {
	var names []string
	for _, b := range v.affected() {
		if len(names) < maxBinaries {
			names = append(names, b.Name)
		}
	}
	managers := map[string]string{"dpkg": "apt-get install --only-upgrade ", "rpm": "dnf upgrade ", "apk": "apk upgrade "}
	manager, _, _ := strings.Cut(strings.TrimPrefix(v.Record, string(telemetry.TypePackage)+":"), "/")
	if managers[manager] == "" || len(names) == 0 {
		return ""
	}
	return ": " + managers[manager] + strings.Join(names, " ")
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// cutText shortens a text to about n bytes, at a blank.
func cutText(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= n {
		return text
	}
	if at := strings.LastIndexByte(text[:n], ' '); at > 0 {
		n = at
	}
	return strings.ToValidUTF8(text[:n], "") + " ..."
}
