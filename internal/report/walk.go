package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"assay/internal/inspector"
)

// document writes a report as blocks.
type document struct {
	Report
	sink sink
	err  error
}

func (d *document) put(b block) {
	if d.err == nil {
		d.err = d.sink.put(b)
	}
}

func (d *document) write() error {
	d.put(d.cover())
	d.summary()
	d.packages()
	for _, part := range []func(){d.hosts, d.findings, d.exclusions} {
		if d.err == nil {
			part()
		}
	}
	if d.Type == inspector.ReportFull && d.err == nil {
		d.rules()
		d.results()
	}
	return d.err
}

func (d *document) kind() string {
	if d.Type == inspector.ReportFull {
		return "Full assessment report"
	}
	return "Assessment finding report"
}

// The anchors of the chapters.
const (
	anchorSummary    = "summary"
	anchorPackages   = "packages"
	anchorHosts      = "hosts"
	anchorFindings   = "findings"
	anchorExclusions = "not-checked"
	anchorRules      = "rules"
	anchorResults    = "results"
)

func (d *document) contents() []entry {
	list := []entry{
		{1, "Summary", anchorSummary}, {1, "Rules packages", anchorPackages},
		{1, "Hosts", anchorHosts}, {1, "Findings", anchorFindings},
	}
	for _, p := range d.Packages {
		if total(p.Counts) > 0 {
			list = append(list, entry{2, oneLine(p.Name), anchorFindings + "-" + anchorOf(p.ID)})
		}
	}
	list = append(list, entry{1, "What was not checked", anchorExclusions})
	if d.Type == inspector.ReportFull {
		list = append(list, entry{1, "Rules that were checked", anchorRules}, entry{1, "Results by host", anchorResults})
	}
	return list
}

// anchorOf makes part of an anchor of a package's id.
func anchorOf(id inspector.PackageID) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(string(id)))
}

func total(counts map[inspector.Severity]int64) (n int64) {
	for _, v := range counts {
		n += v
	}
	return n
}

func (d *document) cover() cover {
	c := cover{Kind: d.kind(), Title: oneLine(d.Run.Name), Contents: d.contents()}
	c.Subtitle = "Assessment of the target “" + oneLine(d.Target) + "”"
	c.Facts = facts{
		{"Assessment target", oneLine(d.Target), false},
		{"Assessment template", oneLine(d.Template), false},
		{"State of the run", capital(words(string(d.Run.State))), false},
		{"Started", moment(cmp.Or(d.Run.StartedAt, d.Run.CreatedAt)), false},
		{"Completed", moment(d.Run.CompletedAt), false},
		{"Hosts", number(int64(d.Hosts)), false},
		{"Rules packages", strings.Join(d.packageNames(), "\n"), false},
		{"Report made", moment(d.Made) + " by " + oneLine(d.Service), false},
	}
	c.Facts = append(c.Facts, d.rematched()...)
	for _, s := range inspector.Severities()[:4] {
		c.Counts = append(c.Counts, count{s, number(d.Run.FindingCounts[s])})
	}
	c.Note, c.Alarm = d.note()
	return c
}

// rematched says of a re-match that the hosts were not looked at for it.
func (d *document) rematched() facts {
	if !d.Run.Rematch {
		return nil
	}
	return facts{{"Re-match", "Stored telemetry was judged, and no host was asked. How old it is stands with each host and finding.", false}}
}

func (d *document) packageNames() (names []string) {
	for _, p := range d.Packages {
		name := oneLine(p.Name)
		if len(p.Versions) > 0 {
			name += ", version " + oneLine(strings.Join(p.Versions, " and "))
		}
		names = append(names, name)
	}
	return names
}

// note says how far the findings are the whole truth.
func (d *document) note() (text string, alarm bool) {
	var gaps []string
	if d.Hosts == 0 {
		gaps = append(gaps, "No host was assessed.")
	}
	if d.Unassessed > 0 {
		verb := " were"
		if d.Unassessed == 1 {
			verb = " was"
		}
		gaps = append(gaps, several(int64(d.Unassessed), "host")+verb+" not evaluated.")
	}
	if n := d.Verdicts["not evaluated"] + d.Verdicts["error"]; n > 0 {
		gaps = append(gaps, several(n, "result")+" could not be told for want of telemetry or because of an error.")
	}
	if d.Exclusions > 0 {
		gaps = append(gaps, "The chapter “What was not checked” lists "+several(d.Exclusions, "exclusion")+" with the reasons and what to do.")
	}
	hidden := ""
	if d.Suppressed > 0 {
		hidden = " What somebody has decided to be no finding is not among the findings: " + several(d.Suppressed, "result") + "."
	}
	if len(gaps) == 0 {
		return "Every rule was evaluated on every host of the run. There are no exclusions." + hidden, false
	}
	return "Not everything was checked. " + strings.Join(gaps, " ") + hidden, true
}

func (d *document) summary() {
	d.put(heading{Level: 1, Text: "Summary", Anchor: anchorSummary})
	list := facts{
		{"Assessment run", oneLine(d.Run.Name), false}, {"", oneLine(d.RunARN), true},
		{"Assessment target", oneLine(d.Target), false}, {"", oneLine(d.TargetARN), true},
		{"Assessment template", oneLine(d.Template), false}, {"", oneLine(d.TemplateARN), true},
		{"State", capital(words(string(d.Run.State))), false},
		{"Created", moment(d.Run.CreatedAt), false}, {"Data collection began", moment(d.Run.StartedAt), false},
		{"Completed", moment(d.Run.CompletedAt), false},
		{"Duration", fmt.Sprintf("%s; at most %s of collecting by the template", span(d.Run), human(d.Run.Duration)), false},
		{"Hosts in the run", fmt.Sprintf("%s, of which %s evaluated", number(int64(d.Hosts)), number(int64(d.Hosts-d.Unassessed))), false},
	}
	list = append(list, d.rematched()...)
	for _, a := range d.Run.Attributes {
		list = append(list, fact{oneLine(a.Key), oneLine(a.Value), false})
	}
	d.put(list)
	d.put(heading{Level: 2, Text: "Findings by rules package and severity"})
	severities := inspector.Severities()[:4]
	t := table{Columns: []column{{"Rules package", 32, false}}, Empty: "The run has no rules packages."}
	for _, s := range severities {
		t.Columns = append(t.Columns, column{string(s), 14, true})
	}
	t.Columns = append(t.Columns, column{"Total", 12, true})
	d.put(t)
	for _, p := range d.Packages {
		cells := row{{Text: oneLine(p.Name)}}
		for _, s := range severities {
			cells = append(cells, cell{Text: number(p.Counts[s])})
		}
		d.put(append(cells, cell{Text: number(total(p.Counts))}))
	}
	d.put(tableEnd{})
	d.verdicts()
}

func (d *document) verdicts() {
	d.put(heading{Level: 2, Text: "Results of the rules"})
	d.put(table{Columns: []column{{"Verdict", 20, false}, {"Results", 12, true}, {"Meaning", 68, false}}, Empty: "No rule was evaluated."})
	meanings := map[string]string{
		"failed": "The rule found a fault. Each is a finding of this report.", "error": "The rule itself met an error: nothing is known.",
		"not evaluated": "The telemetry of the host does not allow an answer: nothing is known.",
		"passed":        "The rule was evaluated, and the host conforms.", "not applicable": "There is nothing on the host that the rule is about.",
	}
	if d.Suppressed > 0 {
		meanings["failed"] = "The rule found a fault. Each is a finding of this report, but for " + number(d.Suppressed) + " that somebody has decided to be none: they are suppressed."
	}
	for _, v := range Verdicts() {
		d.put(row{{Text: capital(v), Verdict: v}, {Text: number(d.Verdicts[v])}, {Text: meanings[v]}})
	}
	d.put(tableEnd{})
}

// span is how long a run took.
func span(r inspector.Run) string {
	if r.CompletedAt.IsZero() {
		return "not over"
	}
	return human(r.CompletedAt.Sub(cmp.Or(r.StartedAt, r.CreatedAt)))
}

// human is a duration for people: "1 hour 5 minutes", "12 seconds".
func human(d time.Duration) string {
	if d < time.Second {
		return "less than a second"
	}
	d = d.Round(time.Second)
	var parts []string
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		if n := d / unit.size; n > 0 && len(parts) < 2 {
			parts = append(parts, several(int64(n), unit.name))
		}
		d %= unit.size
	}
	return strings.Join(parts, " ")
}

func (d *document) packages() {
	d.put(heading{Level: 1, Text: "Rules packages", Anchor: anchorPackages})
	for _, p := range d.Packages {
		d.put(heading{Level: 2, Text: oneLine(p.Name)})
		if p.Text != "" {
			d.put(paragraph{Text: visible(p.Text)})
		}
		version := "nothing was evaluated by it"
		if len(p.Versions) > 0 {
			version = oneLine(strings.Join(p.Versions, ", "))
		}
		d.put(facts{{"Version", version, false}, {"ARN", oneLine(p.ARN), true}, {"Findings", bySeverity(p.Counts, "none"), false}})
	}
	if len(d.Packages) == 0 {
		d.put(paragraph{Text: "The run has no rules packages."})
	}
}
