package feeds

import (
	"strings"
	"testing"
)

// TestPlausible: an edition that has lost what the one before had is not taken over.
func TestPlausible(t *testing.T) {
	two := []string{"Debian:11", "Debian:12"}
	old := Contents{Records: 1000, Ecosystems: two, Each: map[string]int{"Debian:11": 900, "Debian:12": 100}}
	for name, test := range map[string]struct {
		next Contents
		want string
	}{
		"the same":                    {old, ""},
		"everything is withdrawn":     {Contents{Records: 1000, Withdrawn: 999, Ecosystems: two[:1], Each: map[string]int{"Debian:11": 1}}, "1 records that are not withdrawn, and the edition that is here has 1000"},
		"one release has lost most":   {Contents{Records: 990, Ecosystems: two, Each: map[string]int{"Debian:11": 940, "Debian:12": 49}}, "49 records about Debian:12, and the edition that is here has 100"},
		"one release has lost some":   {Contents{Records: 990, Ecosystems: two, Each: map[string]int{"Debian:11": 900, "Debian:12": 50}}, ""},
		"one release is at its end":   {Contents{Records: 900, Ecosystems: two[:1], Each: map[string]int{"Debian:11": 900}}, ""},
		"from before these were told": {Contents{Records: 900, Ecosystems: two}, ""},
	} {
		err := plausible(&old, &test.next)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
