package logindefs

import "testing"

func TestLookup(t *testing.T) {
	for name, c := range map[string]struct {
		text, value string
		line        int
	}{
		"plain":            {"PASS_MAX_DAYS\t90\n", "90", 1},
		"the last counts":  {"PASS_MAX_DAYS 1\n# PASS_MAX_DAYS 2\nPASS_MAX_DAYS 3\n", "3", 3},
		"blanks around it": {"\n \tPASS_MAX_DAYS \t 90  \n", "90", 2},
		"comment after it": {"PASS_MAX_DAYS 90 # days\n", "90 # days", 1},
		"quotes":           {"PASS_MAX_DAYS \"90\"\n", "90", 1},
		"no value":         {"PASS_MAX_DAYS\n", "", 0},
		"other case":       {"pass_max_days 90\n", "", 0},
		"no line end":      {"PASS_MAX_DAYS 90", "90", 1},
		"equals sign":      {"PASS_MAX_DAYS=90\n", "", 0},
	} {
		got, ok := Lookup(c.text, "PASS_MAX_DAYS")
		if ok != (c.line > 0) || got.Value != c.value || got.Line != c.line {
			t.Errorf("%s: got %+v %v", name, got, ok)
		}
	}
}

func TestNumber(t *testing.T) {
	for value, want := range map[string]int{
		"90": 90, "0132": 90, "0x5a": 90, "0X5A": 90, "-1": -1, "+7": 7, "0": 0, "99999": 99999, "2147483647": 2147483647,
	} {
		if got, ok := Number(value); !ok || got != want {
			t.Errorf("Number(%q) = %d, %v", value, got, ok)
		}
	}
	for _, value := range []string{"", "ninety", "90 # days", "0x", "08", "2147483648", "99999999999999999999", "--1", "1_0", "-", "+-1"} {
		if got, ok := Number(value); ok {
			t.Errorf("Number(%q) = %d", value, got)
		}
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("PASS_MAX_DAYS 0x16d\n#\n\"", "PASS_MAX_DAYS")
	f.Fuzz(func(t *testing.T, text, name string) {
		if e, ok := Lookup(text, name); ok {
			Number(e.Value)
			if e.Line < 1 {
				t.Errorf("no line in %+v", e)
			}
		}
	})
}
