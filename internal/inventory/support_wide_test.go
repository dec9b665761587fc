//go:build wide

package inventory

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
)

// TestLifetimesOfDebian compares with Debian's own data, where they are installed. Those
// of another version may differ: a release's end is moved now and then.
func TestLifetimesOfDebian(t *testing.T) {
	for id, file := range map[string]string{"debian": "debian.csv", "ubuntu": "ubuntu.csv"} {
		f, err := os.Open("/usr/share/distro-info/" + file)
		if err != nil {
			t.Skip("the package distro-info-data is not installed: " + err.Error())
		}
		defer f.Close()
		r := csv.NewReader(f)
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		column := map[string]int{}
		for n, name := range rows[0] {
			column[name] = n
		}
		at := func(row []string, name string) string {
			if n, ok := column[name]; ok && n < len(row) {
				return row[n]
			}
			return ""
		}
		compared := 0
		for _, row := range rows[1:] {
			version, _, _ := strings.Cut(at(row, "version"), " ")
			ours, ok := lifetimes[id].releases[version]
			if !ok {
				continue
			}
			compared++
			extended := at(row, "eol-lts")
			if id == "ubuntu" {
				extended = at(row, "eol-esm")
			}
			if ours[0] != at(row, "eol") || ours[1] != extended {
				t.Errorf("%s %s: %v, and distro-info-data says %s and %s", id, version, ours, at(row, "eol"), extended)
			}
		}
		if compared < 7 {
			t.Errorf("only %d releases of %s were compared", compared, id)
		}
	}
}
