package groundtruth

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// table is what has to come out by one way to observe: entries, each a line with those
// below it that are indented. It was written by hand from the deeds.
//
// By the ways that only look now and then, what is over soon is seen if a look happens
// to come at its time. So they may tell of whatever the kernel tells of, and of what the
// table marks with "? ", at most as often as it says; all else they have to tell of.
type table struct {
	must []string
	may  map[string]string // by key
}

const exact = "ebpf"

func tables(t *testing.T) map[string]*table {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/expected.txtar")
	must(t, err)
	all, core := map[string]*table{}, (*table)(nil)
	for _, f := range archive.Files {
		all[f.Name] = parse(string(f.Data))
		if f.Name == exact { // which build it is makes no other difference
			core = parse(strings.ReplaceAll(string(f.Data), "(ebpf/direct)", "(ebpf/core)"))
		}
	}
	for name, t := range all {
		if name == exact {
			continue
		}
		for _, e := range slices.Concat(all[exact].must, slices.Collect(maps.Values(all[exact].may))) {
			t.allow(e)
			t.allow(byUser.ReplaceAllString(e, "by somebody"))
		}
	}
	all["ebpf/core"] = core
	return all
}

func parse(text string) *table {
	t := &table{may: map[string]string{}}
	for _, e := range entries(text) {
		if optional, ok := strings.CutPrefix(e, "? "); ok {
			t.may[key(optional)] = optional
		} else {
			t.must = append(t.must, e)
		}
	}
	return t
}

var byUser = regexp.MustCompile(`\bby uid \d+`)

func (t *table) allow(entry string) {
	if _, ok := t.may[key(entry)]; !ok {
		t.may[key(entry)] = entry
	}
}

// entries splits a text into its entries.
func entries(text string) (all []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "":
		case strings.HasPrefix(line, " ") && len(all) > 0:
			all[len(all)-1] += "\n" + line
		default:
			all = append(all, line)
		}
	}
	return all
}

var number = regexp.MustCompile(`\b(\d+) (times|from elsewhere)`)

// key is what an entry is about: its first line without counts.
func key(entry string) string {
	first, _, _ := strings.Cut(entry, "\n")
	return number.ReplaceAllString(first, "N $2")
}

// faults are what differs between a table and what was told.
func (t *table) faults(told []string) (faults []string) {
	for _, e := range t.must {
		if !slices.ContainsFunc(told, func(other string) bool {
			return other == e || t.allows(other) && key(other) == key(e) && fewer(e, other)
		}) {
			faults = append(faults, "- "+e)
		}
	}
	for _, e := range told {
		if !slices.Contains(t.must, e) && !t.allows(e) {
			faults = append(faults, "+ "+e)
		}
	}
	return faults
}

// allows tells whether an entry is one that may be told.
func (t *table) allows(entry string) bool {
	most, ok := t.may[key(entry)]
	return ok && fewer(entry, most)
}

// fewer tells whether the counts in an entry's first line are no higher than in another.
func fewer(entry, most string) bool {
	a, b := counts(entry), counts(most)
	for i := range a {
		if i >= len(b) || a[i] > b[i] {
			return false
		}
	}
	return true
}

func counts(entry string) (all []int) {
	first, _, _ := strings.Cut(entry, "\n")
	for _, m := range number.FindAllStringSubmatch(first, -1) {
		n, _ := strconv.Atoi(m[1])
		all = append(all, n)
	}
	return all
}

// check compares, and shows all that was told if it differs.
func (t *table) check(test *testing.T, told string) {
	test.Helper()
	faults := t.faults(entries(told))
	if len(faults) == 0 {
		return
	}
	if name := os.Getenv("ASSAY_TRUTH_TOLD"); name != "" {
		must(test, os.WriteFile(name, []byte(told), 0o600))
	}
	test.Errorf("not told as the table has it (-), or told besides (+):\n%s", strings.Join(faults, "\n"))
}

// The comparison itself finds what it should.
func TestTable(t *testing.T) {
	table := parse("a: 3 times\n  more\n? b: 5 times\n")
	for told, want := range map[string]int{
		"a: 3 times\n  more\n":               0,
		"a: 3 times\n  more\nb: 5 times\n":   0,
		"a: 3 times\n  more\nb: 6 times\n":   1,
		"a: 3 times\n  less\n":               2,
		"a: 2 times\n  more\n":               2,
		"":                                   1,
		"a: 3 times\n  more\nc: 1 times\n":   1,
		"a: 3 times\n  more\nb: 2 times\n x": 0,
	} {
		if got := table.faults(entries(told)); len(got) != want {
			t.Errorf("%q: %q", told, got)
		}
	}
}
