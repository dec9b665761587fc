package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"assay/internal/assess"
	"assay/internal/inspector"
)

// TestHostileText prints what a host has made up: it rules no terminal and fakes
// no line.
func TestHostileText(t *testing.T) {
	const evil = "x\x1b[2J\u009b31m\u202e\x7f\r\n\n1 host. Findings: none."
	o := outcome{
		Findings: []finding{{
			ARN: "a/0-1", Severity: inspector.High, Host: oneLine(evil), Title: evil, Recommendation: evil,
			Evidence: []inspector.Evidence{{Record: evil, Sensor: evil, File: evil, Found: evil, Expected: evil}},
		}, {
			Severity: inspector.High, Package: "cve", Host: oneLine(evil), Title: evil, Recommendation: evil,
			Attributes: map[string]string{"PRIORITY": "7", "SOURCE_PACKAGE": evil, "package_version": evil, "CVE_ID": evil, "WHY_FIRST": evil, "CONTAINER": evil, "FIXED_VERSION": evil, "ECOSYSTEM": evil},
		}},
		Unchecked: []unchecked{{Title: evil, Recommendation: evil}},
		NotSeen:   []notSeen{{Agent: "i-1", Coverage: assess.Coverage{Sensor: "files", Part: "p", State: "partial", Reason: evil}}},
	}
	var text, doc bytes.Buffer
	o.print(&text)
	if err := printJSON(&doc, o); err != nil {
		t.Fatal(err)
	}
	var back outcome
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil || back.Findings[0].Title != evil {
		t.Errorf("the JSON says %q, error %v", back.Findings[0].Title, err)
	}
	c := Command{Stdout: &text}
	c.printExplanation(finding{Severity: inspector.High, Title: evil, Evidence: o.Findings[0].Evidence})
	printResults(&text, nil)
	for _, out := range []string{text.String(), doc.String()} {
		if strings.ContainsAny(out, "\x1b\u009b\u202e\x7f\r") {
			t.Errorf("a control character is printed: %q", out)
		}
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "1 host.") {
			t.Errorf("a line is faked:\n%s", text.String())
		}
	}
}
