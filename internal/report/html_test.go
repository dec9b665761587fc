package report

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nethtml "golang.org/x/net/html"

	"assay/internal/inspector"
)

func written(t testing.TB, r Report, format inspector.ReportFormat) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r, format); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var update = flag.Bool("update", false, "write the golden files")

// A small report is what a reader has found good. -update replaces it: then look
// at it again.
func TestGoldenHTML(t *testing.T) {
	const path = "testdata/one.golden.html"
	got := bytes.Replace(written(t, one(inspector.ReportFull), inspector.ReportHTML), []byte(style), []byte("/* style.css */\n"), 1)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// A document about a re-match says so on its cover and in its summary.
func TestRematchIsTold(t *testing.T) {
	for _, rematch := range []bool{true, false} {
		r := one(inspector.ReportFull)
		r.Run.Rematch = rematch
		text := string(written(t, r, inspector.ReportHTML))
		if got, want := strings.Count(text, "Stored telemetry was judged, and no host was asked."), map[bool]int{true: 2}[rematch]; got != want {
			t.Errorf("rematch %v: it is told %d times, want %d", rematch, got, want)
		}
	}
}

// parsed is what a browser sees of a document.
type parsed struct {
	text     string
	elements map[string]bool
	faults   []string
	ids      map[string]bool
	links    []string
}

// allowed are the elements of a report with their attributes.
var allowed = map[string][]string{
	"html": {"lang"}, "head": nil, "meta": {"charset", "name", "content"}, "title": nil, "style": nil, "body": nil, "header": nil, "nav": nil,
	"main": nil, "footer": nil, "h1": nil, "h2": {"id"}, "h3": {"id"}, "h4": nil, "p": {"class"}, "b": nil, "span": {"class"}, "ul": {"class"}, "ol": nil,
	"li": {"class"}, "a": {"href"}, "dl": nil, "dt": nil, "dd": nil, "code": {"class"}, "table": nil, "colgroup": nil, "col": {"style"}, "thead": nil,
	"tbody": nil, "tr": nil, "th": {"scope", "class"}, "td": {"class", "colspan"}, "div": {"class"},
}

func parse(data []byte) parsed {
	p := parsed{elements: map[string]bool{}, ids: map[string]bool{}}
	root, err := nethtml.Parse(bytes.NewReader(data))
	if err != nil {
		p.faults = append(p.faults, err.Error())
		return p
	}
	var text strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case nethtml.TextNode:
			if n.Parent.Data != "style" {
				text.WriteString(n.Data)
			} else if n.Data != "\n"+style {
				p.faults = append(p.faults, "the style is another")
			}
		case nethtml.CommentNode:
			p.faults = append(p.faults, "a comment")
		case nethtml.ElementNode:
			p.element(n)
		}
	}
	p.text = text.String()
	return p
}

func (p *parsed) element(n *nethtml.Node) {
	attributes, ok := allowed[n.Data]
	if !ok {
		p.faults = append(p.faults, "an element "+n.Data)
	}
	for _, a := range n.Attr {
		if !slices.Contains(attributes, a.Key) {
			p.faults = append(p.faults, "an attribute "+a.Key+" of "+n.Data)
		}
		switch a.Key {
		case "id":
			if p.ids[a.Val] {
				p.faults = append(p.faults, "the id "+a.Val+" twice")
			}
			p.ids[a.Val] = true
		case "href":
			p.links = append(p.links, a.Val)
			if !strings.HasPrefix(a.Val, "#") {
				p.faults = append(p.faults, "a link to "+a.Val)
			}
		case "style":
			if strings.Trim(a.Val, "width:0123456789 %") != "" {
				p.faults = append(p.faults, "a style "+a.Val)
			}
		}
	}
	p.elements[n.Data] = true
}

// plain is text with single blanks, to be looked for.
func plain(s string) string { return strings.Join(strings.Fields(s), " ") }

// A document loads nothing, runs nothing, has no markup from hosts, and its
// contents lead somewhere.
func TestHTMLIsSafeAndWhole(t *testing.T) {
	for name, make := range samples {
		for _, kind := range []inspector.ReportType{inspector.ReportFinding, inspector.ReportFull} {
			data := written(t, make(kind), inspector.ReportHTML)
			p := parse(data)
			for _, fault := range p.faults {
				t.Errorf("%s %s: %s", name, kind, fault)
			}
			for _, link := range p.links {
				// A package of the sample may have counts and no findings.
				if !p.ids[link[1:]] && !strings.HasPrefix(link, "#findings-") {
					t.Errorf("%s %s: the link %s leads nowhere", name, kind, link)
				}
			}
			if bytes.Contains(data, []byte("http:")) || bytes.Contains(data, []byte("https:")) || bytes.Contains(data, []byte("url(")) || bytes.Contains(data, []byte("@import")) {
				t.Errorf("%s %s: the document loads something", name, kind)
			}
			for _, want := range wanted(name, kind) {
				if !strings.Contains(plain(p.text), plain(want)) {
					t.Errorf("%s %s does not say %q", name, kind, want)
				}
			}
		}
	}
}

var samples = map[string]func(inspector.ReportType) Report{"empty": empty, "one": one, "large": large}

// wanted is text that a sample has to have in whatever form.
func wanted(name string, kind inspector.ReportType) []string {
	want := []string{"Web servers of production", "arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT/template/0-PPPPPPPP", "20 November 2026, 12:07:31 UTC", "7 minutes 29 seconds", "at most 1 hour"}
	switch name {
	case "empty":
		want = append(want, "No host was assessed.", "The run has no findings", "There are no exclusions", "The run has no rules packages.")
	case "one":
		want = append(want, "Security Best Practices, version 1.4", "web-0.example.com", hostID(0), "Debian GNU/Linux 12 (bookworm)", "192.0.2.1", "Root is a name that every attacker knows.",
			"The host is configured to allow users to log in", "Set \"PermitRootLogin no\"", "/etc/ssh/sshd_config:33", "PermitRootLogin yes", "Every rule was evaluated on every host")
	case "large":
		for i := range 13 {
			want = append(want, hostID(i))
		}
		want = append(want, "version 2026-11-19 and 2026-11-20", "1 host was not evaluated", "14 results could not be told", "CVE-2023-38408", "openssh-server 1:9.2p1-2+deb12u2",
			"Agent unhealthy", "the agent may not read", "SEC-1234", "<script>alert(1)</script>", "[U+001B][31mred[U+0007]", "[U+202E]exe.gpj[U+202C]", "[0xFF]", "a[U+0000]b", "дом, Ελλάδα, naïve", "Ограничение прав на файлы")
	}
	if kind == inspector.ReportFull {
		want = append(want, "Rules that were checked", "Results by host")
		if name == "large" {
			want = append(want, "Check number 39", "The folder /srv/data could not be read.", "What to do: Let the agent read it.", "evaluated 20 November 2026, 12:06:00 UTC")
		}
	}
	return want
}

// FuzzHTML puts strings into every place for text: none becomes markup, none is
// lost.
func FuzzHTML(f *testing.F) {
	for _, s := range hostileStrings {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := parse(written(t, filled(s), inspector.ReportHTML))
		for _, fault := range p.faults {
			t.Errorf("%q: %s", s, fault)
		}
		if want := plain(visible(s)); !strings.Contains(plain(p.text), want) {
			t.Errorf("%q is not told", s)
		}
	})
}

var hostileStrings = []string{
	"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "</style><script>", "</title><b>", "--><!--", "javascript:alert(1)", "&lt;b&gt;&amp;", "{{.}}{{template \"x\"}}",
	"<![CDATA[x]]>", "\x00\x01\x1b[31m", "\u202Eabc\u202C", "漢字 العربية עברית 😀 e\u0301", "\xff\xfe\xc3", "\r\n\r\n\t x", ") Tj ET Q q (", "> Tj <", "endstream endobj", "%PDF-1.7\nxref\ntrailer", "\\", "(((", strings.Repeat("a/", 400), strings.Repeat("x", 3000), "",
}

// filled is a report whose every text is s.
func filled(s string) Report {
	r := one(inspector.ReportFull)
	r.Service, r.Run.Name, r.Target, r.Template, r.RunARN, r.TargetARN, r.TemplateARN = s, s, s, s, s, s, s
	r.Run.Attributes = []inspector.Attribute{{Key: s, Value: s}}
	r.Run.State = inspector.RunState(s)
	p := Package{ID: inspector.PackageID(s), Name: s, ARN: s, Versions: []string{s}, Text: s, Counts: map[inspector.Severity]int64{inspector.High: 1}}
	p.Rules = []Rule{{s, s, inspector.Severity(s), map[string]int64{"failed": 1, s: 1}}}
	r.Packages = []Package{p}
	r.AllHosts = all(Host{s, s, s, s, s, []string{s}, s, s, s, []Missed{{s, s, s, s}}, nil})
	finding := inspector.Finding{Agent: s, Subject: s, FindingID: s, Title: s, Description: s + "\n\n" + s, Recommendation: s,
		Asset: inspector.Asset{Hostname: s}, Evidence: []inspector.Evidence{{Sensor: s, Record: s, File: s, Line: 1, Found: s, Expected: s}, {Record: s}}}
	r.Groups = all(Group{p.ID, inspector.Severity(s), s, 1, 1, all(finding, finding)})
	r.AllExclusions = all(inspector.Exclusion{Title: s, Description: s, Recommendation: s, Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeType(s), Value: s}, {Type: inspector.ScopeRulesPackage, Value: s}, {Type: inspector.ScopeInstance, Value: s}}})
	r.Results = all(Results{s, s, p.ID, noon, []Verdict{{s, s, s, s, s}}})
	return r
}
