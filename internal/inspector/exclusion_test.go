package inspector

import (
	"os"
	"strings"
	"testing"
)

// docs/exclusions.md has a line for every kind and no other, and tells rightly
// whether it is an error.
func TestExclusionsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/exclusions.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{} // whether it is an error, by title
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if strings.HasPrefix(line, "| ") && len(cells) == 6 && strings.TrimSpace(cells[0]) != "title" {
			documented[strings.TrimSpace(cells[0])] = cells[4]
		}
	}
	titles, kinds := map[string]bool{}, map[ExclusionKind]bool{}
	for _, c := range Causes() {
		if titles[c.Title] || kinds[c.Kind] || c.Title == "" || c.Description == "" || c.Recommendation == "" {
			t.Errorf("the kind %q is not worded, or twice: %+v", c.Kind, c)
		}
		titles[c.Title], kinds[c.Kind] = true, true
		want := map[bool]string{true: "yes", false: "no"}[c.Error]
		if documented[c.Title] != want {
			t.Errorf("%q: documented as error %q, want %q", c.Title, documented[c.Title], want)
		}
		if c.Kind.Cause() != c || c.Kind.Title() != c.Title {
			t.Errorf("the kind %q is found as %+v", c.Kind, c.Kind.Cause())
		}
		if strings.Count(c.Description, "%s") > 1 || strings.Count(c.Description, "%") != strings.Count(c.Description, "%s") {
			t.Errorf("%q", c.Description)
		}
	}
	for title := range documented {
		if !titles[title] {
			t.Errorf("there is no exclusion %q", title)
		}
	}
	if (ExclusionKind("nonsense").Cause() != Cause{}) {
		t.Error("nonsense has a cause")
	}
}
