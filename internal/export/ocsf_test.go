package export

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ocsfFacts are what OCSF's schema says of the classes and objects that Assay
// uses; testdata/ocsf-facts.py has taken them from the schema's sources.
type ocsfFacts struct {
	Version string
	Types   map[string]struct{ Base, Regex string }
	Classes map[string]ocsfShape
	Objects map[string]ocsfShape
}

type ocsfShape struct {
	UID         int
	Attributes  map[string]ocsfAttribute
	Constraints map[string][]string
}

type ocsfAttribute struct {
	Type            string
	Array, Required bool
	Deprecated      bool
	Enum            []string
}

func readFacts(t *testing.T) *ocsfFacts {
	t.Helper()
	data, err := os.ReadFile("testdata/ocsf-1.8.0.json")
	if err != nil {
		t.Fatal(err)
	}
	facts := &ocsfFacts{}
	if err := json.Unmarshal(data, facts); err != nil {
		t.Fatal(err)
	}
	return facts
}

// Each event is what OCSF's schema says of its class: nothing unknown, nothing
// missing, everything of its type and within its enumeration.
func TestOCSFSchema(t *testing.T) {
	facts := readFacts(t)
	for name, make := range samples() {
		t.Run(name, func(t *testing.T) {
			for line := range strings.Lines(write(t, "ocsf", make(), Options{})) {
				var event map[string]any
				if err := json.Unmarshal([]byte(line), &event); err != nil {
					t.Fatal(err)
				}
				if err := facts.event(event); err != nil {
					t.Errorf("%v\nin %.2000s", err, line)
				}
			}
		})
	}
}

// The checker finds what is wrong.
func TestOCSFFactsBite(t *testing.T) {
	facts := readFacts(t)
	for what, change := range map[string]func(map[string]any){
		"unknown attribute":  func(e map[string]any) { e["nonsense"] = 1 },
		"missing attribute":  func(e map[string]any) { delete(e, "finding_info") },
		"wrong type":         func(e map[string]any) { e["time"] = "noon" },
		"not of the enum":    func(e map[string]any) { e["severity_id"] = 42.0 },
		"another class":      func(e map[string]any) { e["class_uid"] = 2001.0 },
		"deep":               func(e map[string]any) { e["finding_info"].(map[string]any)["nonsense"] = 1 },
		"another version":    func(e map[string]any) { e["metadata"].(map[string]any)["version"] = "1.1.0" },
		"type_uid of others": func(e map[string]any) { e["type_uid"] = 1.0 },
	} {
		line, _, _ := strings.Cut(write(t, "ocsf", sample(), Options{}), "\n")
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		change(event)
		if facts.event(event) == nil {
			t.Errorf("%s is not noticed", what)
		}
	}
}

func (f *ocsfFacts) event(e map[string]any) error {
	for name, class := range f.Classes {
		if e["class_uid"] != float64(class.UID) {
			continue
		}
		if e["type_uid"] != e["class_uid"].(float64)*100+e["activity_id"].(float64) {
			return fmt.Errorf("type_uid is %v", e["type_uid"])
		}
		if m, ok := e["metadata"].(map[string]any); !ok || m["version"] != f.Version {
			return fmt.Errorf("metadata is %v, the schema's version %s", e["metadata"], f.Version)
		}
		return f.shape(name, class, e)
	}
	return fmt.Errorf("there is no class %v", e["class_uid"])
}

func (f *ocsfFacts) shape(path string, s ocsfShape, v map[string]any) error {
	for name, a := range s.Attributes {
		if _, ok := v[name]; a.Required && !ok {
			return fmt.Errorf("%s.%s is required", path, name)
		}
	}
	for kind, names := range s.Constraints {
		n := 0
		for _, name := range names {
			if _, ok := v[name]; ok {
				n++
			}
		}
		if n == 0 || kind == "just_one" && n > 1 {
			return fmt.Errorf("%s has %d of %s %v", path, n, kind, names)
		}
	}
	for name, value := range v {
		a, ok := s.Attributes[name]
		if !ok || a.Deprecated {
			return fmt.Errorf("%s.%s is unknown or deprecated", path, name)
		}
		if err := f.value(path+"."+name, a, value); err != nil {
			return err
		}
	}
	return nil
}

func (f *ocsfFacts) value(path string, a ocsfAttribute, v any) error {
	if list, ok := v.([]any); ok != a.Array {
		return fmt.Errorf("%s is %v; an array: %t", path, v, a.Array)
	} else if ok {
		a.Array = false
		for i, entry := range list {
			if err := f.value(path+"["+strconv.Itoa(i)+"]", a, entry); err != nil {
				return err
			}
		}
		return nil
	}
	if text := fmt.Sprint(v); len(a.Enum) > 0 && !slices.Contains(a.Enum, text) {
		return fmt.Errorf("%s is %s, none of %v", path, text, a.Enum)
	}
	t, primitive := f.Types[a.Type]
	if !primitive {
		object, isObject := v.(map[string]any)
		shape, known := f.Objects[a.Type]
		switch {
		case !isObject || !known:
			return fmt.Errorf("%s is %v, want an object %s that is among the facts", path, v, a.Type)
		case a.Type == "object": // whatever the event's source had
			return nil
		}
		return f.shape(path, shape, object)
	}
	base := a.Type
	if t.Base != "" {
		base = t.Base
	}
	if !ofType(base, v) {
		return fmt.Errorf("%s is %v (%T), not of type %s", path, v, v, a.Type)
	}
	if t.Regex != "" && !regexp.MustCompile(t.Regex).MatchString(fmt.Sprint(v)) {
		return fmt.Errorf("%s is %q, which does not match %s", path, v, t.Regex)
	}
	return nil
}

func ofType(base string, v any) bool {
	switch base {
	case "string_t":
		_, ok := v.(string)
		return ok
	case "integer_t", "long_t":
		n, ok := v.(float64)
		return ok && n == float64(int64(n))
	case "float_t":
		_, ok := v.(float64)
		return ok
	case "boolean_t":
		_, ok := v.(bool)
		return ok
	case "json_t":
		return true
	}
	return false
}
