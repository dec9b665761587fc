package dump

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/migrate"
)

const (
	arn    = "arn:aws:inspector:us-west-2:123456789012:"
	target = `{"arn":"` + arn + `target/0-0kFIPusq","name":"t","createdAt":1458074191.459,"updatedAt":"2016-03-15T20:36:31.459000+00:00"}`
)

// open opens a dump of files that have these texts.
func open(t *testing.T, texts ...string) (*Dump, error) {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Open([]string{dir}, nil)
}

func all(t *testing.T, d *Dump, kind migrate.Kind) (items []Item) {
	t.Helper()
	if err := d.Each(kind, func(i Item) error {
		i.Object.Object = append(json.RawMessage{}, i.Object.Object...)
		items = append(items, i)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return items
}

// However aws-cli prints it, an object becomes what the API writes.
func TestNormal(t *testing.T) {
	d, err := open(t, `{"assessmentTargets":[`+target+`],"failedItems":{"x":{"failureCode":"ITEM_DOES_NOT_EXIST"}}}{"assessmentTargets":[]}
{"nextToken":"1","assessmentTargets":[{"arn":"`+arn+`target/0-nvgVhaxX","name":"u","createdAt":"1458074191.459","colour":{"red":1},"updatedAt":null}]}`,
		`{"tags":[{"key":"k","value":"v","z":1}],"resourceArn":"`+arn+`target/0-0kFIPusq/template/0-4r1V2mAw"}{"subscriptions":[[[1]]],"tags":[]}`)
	if err != nil {
		t.Fatal(err)
	}
	targets := all(t, d, migrate.Targets)
	if len(targets) != 2 || targets[0].Where != "assessmentTargets[0]" || targets[1].Where != "assessmentTargets[1]" || d.Failed != 1 || d.Ignored[`"subscriptions"`] != 1 {
		t.Fatalf("the dump is %+v with %+v", d, targets)
	}
	want := `{"arn":"` + arn + `target/0-0kFIPusq","createdAt":1458074191.459,"name":"t","updatedAt":1458074191.459}`
	if got := string(targets[0].Object.Object); got != want {
		t.Errorf("it is %s", got)
	}
	want = `{"arn":"` + arn + `target/0-nvgVhaxX","createdAt":1458074191.459,"name":"u","updatedAt":null}`
	if got := string(targets[1].Object.Object); got != want || !cmp.Equal(targets[1].Unknown, []string{"colour"}) {
		t.Errorf("it is %s, unknown %v", got, targets[1].Unknown)
	}
	tags := all(t, d, migrate.Tags)
	if len(tags) != 2 || tags[0].ARN != arn+"target/0-0kFIPusq/template/0-4r1V2mAw" || !cmp.Equal(tags[0].Unknown, []string{"tags.z"}) || tags[1].Err == nil {
		t.Errorf("the tags are %+v", tags)
	}
	if d.Scope != (inspector.Scope{Region: "us-west-2", Account: "123456789012"}) || d.Counts[migrate.Targets] != 2 {
		t.Errorf("the dump is %+v", d)
	}
}

// A file that is damaged, or too large in a place, is left out as a whole, and the
// others are not.
func TestDamagedFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty":            "",
		"spaces":           " \n ",
		"no JSON":          "assessmentTargets:\n- arn",
		"a list":           "[" + target + "]",
		"a text":           `"x"`,
		"cut off":          `{"assessmentTargets":[` + target + `,`,
		"cut in an object": `{"assessmentTargets":[` + target[:50],
		"garbage behind":   `{"assessmentTargets":[` + target + `]} x`,
		"a name twice":     `{"assessmentTargets":[` + target + `],"assessmentTargets":[]}`,
		"a member twice":   `{"assessmentTargets":[{"arn":"a","arn":"b"}]}`,
		"invalid UTF-8":    "{\"assessmentTargets\":[{\"arn\":\"\xff\"}]}",
		"huge object":      `{"findings":[{"title":"` + strings.Repeat("x", MaxObject*2) + `"}]}`,
		"huge unknown":     `{"junk":"` + strings.Repeat("x", MaxObject*2) + `"}`,
		"deep":             `{"junk":` + strings.Repeat("[", 20_000),
	} {
		d, err := open(t, text, `{"assessmentTargets":[`+target+`]}`)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(d.Refused) != 1 || d.Refused[0].Err == nil || !strings.HasSuffix(d.Refused[0].File, "a.json") || d.Counts[migrate.Targets] != 1 || len(all(t, d, migrate.Targets)) != 1 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// What is wrong with one object is the object's: the rest of its file is read.
func TestBadObjects(t *testing.T) {
	d, err := open(t, `{"assessmentTargets":[{"createdAt":"yesterday"},null,7,{"x":`+strings.Repeat(`{"y":`, 100)+`1`+strings.Repeat(`}`, 100)+`},"`+strings.Repeat("x", MaxObject+1000)+`",`+target+`]}`)
	if err != nil || len(d.Refused) > 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	items := all(t, d, migrate.Targets)
	if len(items) != 6 || items[0].Err == nil || !strings.Contains(items[0].Err.Error(), "not a time") || items[4].Err == nil || items[5].Err != nil || items[5].ARN == "" {
		for _, i := range items {
			t.Errorf("%.100s: %v", i.Object.Object, i.Err)
		}
	}
}

// A list of any length is read in little memory, also where it is skipped.
func TestLongFiles(t *testing.T) {
	const n = 20_000
	long := `{"findings":[` + strings.Repeat(`{"title":"`+strings.Repeat("x", 100)+`"},`, n) + `{}],"junk":[` + strings.Repeat(`"x",`, n) + `1]}`
	d, err := open(t, long+`{"assessmentTargets":[`+target+`]}`)
	if err != nil || len(d.Refused) > 0 || d.Counts[migrate.Findings] != n+1 || len(all(t, d, migrate.Targets)) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestSources(t *testing.T) {
	d, err := Open([]string{"-"}, strings.NewReader(`{"assessmentTargets":[`+target+`]}`))
	if err != nil || len(all(t, d, migrate.Targets)) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	kept := d.files[0].path
	d.Close()
	if _, err := os.Stat(kept); err == nil {
		t.Errorf("%s stays behind", kept)
	}
	for _, paths := range [][]string{{filepath.Join(t.TempDir(), "nothing")}, {t.TempDir()}} {
		if _, err := Open(paths, nil); err == nil {
			t.Errorf("%v can be opened", paths)
		}
	}
	if _, err := Open([]string{"-"}, io.MultiReader(strings.NewReader("{"), failing{})); err == nil {
		t.Error("a stream that fails can be opened")
	}
	other := strings.ReplaceAll(target, "us-west-2", "eu-west-1")
	if _, err := open(t, `{"assessmentTargets":[`+target+`]}`, `{"assessmentTargets":[`+other+`]}`); err == nil || !strings.Contains(err.Error(), "each into a service of its own") {
		t.Errorf("two regions: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("gone") }

func FuzzDump(f *testing.F) {
	f.Add([]byte(`{"assessmentTargets":[` + target + `],"failedItems":{"a":{}}}`))
	f.Add([]byte(`{"tags":[{"key":"k"}],"resourceArn":"x"}{"exclusions":{"a":{"arn":"a","scopes":[{"key":1}]}}}`))
	f.Add([]byte(`{"findings":[{"createdAt":"2016-03-15T20:36:31.459Z","assetAttributes":{"networkInterfaces":[{"x":[]}]}},null]}`))
	f.Add([]byte(`{"assessmentRuns":[{"findingCounts":{"High":1},"stateChanges":[{"stateChangedAt":1e3}]}],"x":[[{}]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open([]string{dir}, nil)
		if err != nil {
			return
		}
		for _, kind := range migrate.Kinds() {
			n := 0
			err := d.Each(kind, func(i Item) error {
				n++
				if (i.Err == nil) != json.Valid(i.Object.Object) {
					t.Errorf("%s: %q, %v", i.Where, i.Object.Object, i.Err)
				}
				return nil
			})
			if err != nil || n != d.Counts[kind] {
				t.Errorf("%s: %d, %v, but %d when it was looked through", kind, n, err, d.Counts[kind])
			}
		}
	})
}
