package sbom_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"assay/internal/inventory"
	"assay/internal/sbom"
	"assay/internal/testenv"
)

// documents are inventories to be valid by the schemas.
func documents() map[string]*inventory.Inventory {
	return map[string]*inventory.Inventory{"server": server(), "empty": {}}
}

// TestCycloneDXSchema validates by OWASP's own schema, which its npm package brings.
func TestCycloneDXSchema(t *testing.T) {
	folder := filepath.Join(testenv.NodeModules(t), "@cyclonedx/cyclonedx-library/res/schema")
	if _, err := os.Stat(folder); err != nil {
		testenv.Missing(t, "the npm package @cyclonedx/cyclonedx-library (scripts/install-node-clients.sh)")
	}
	c := jsonschema.NewCompiler()
	for _, name := range []string{"spdx", "jsf-0.82", "cryptography-defs"} {
		add(t, c, "http://cyclonedx.org/schema/"+name+".schema.json", filepath.Join(folder, name+".SNAPSHOT.schema.json"))
		add(t, c, "http://cyclonedx.org/schema/"+name+".SNAPSHOT.schema.json", filepath.Join(folder, name+".SNAPSHOT.schema.json"))
	}
	add(t, c, "http://cyclonedx.org/schema/bom-1.6.schema.json", filepath.Join(folder, "bom-1.6.SNAPSHOT.schema.json"))
	validate(t, c, "http://cyclonedx.org/schema/bom-1.6.schema.json", "cyclonedx", `"bomFormat": "CycloneDX"`)
}

// TestSPDXSchema validates by SPDX's own schema (schemas/spdx-schema.json of the branch
// support/2.3 of github.com/spdx/spdx-spec), as the Go module of syft brings it.
func TestSPDXSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	add(t, c, "http://spdx.org/rdf/terms/2.3", testenv.SPDXSchema(t))
	validate(t, c, "http://spdx.org/rdf/terms/2.3", "spdx", `"dataLicense": "CC0-1.0"`)
}

func add(t *testing.T, c *jsonschema.Compiler, url, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource(url, doc); err != nil {
		t.Fatal(err)
	}
}

// validate validates documents, and one without a member that has to be there.
func validate(t *testing.T, c *jsonschema.Compiler, url, format, needed string) {
	t.Helper()
	schema, err := c.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
	for name, inv := range documents() {
		for _, about := range []sbom.About{about, {}} {
			text := write(t, format, inv, about)
			if err := check(text); err != nil {
				t.Errorf("%s: %v\nin %.2000s", name, err, text)
			}
			if err := check(strings.Replace(text, needed, `"other": 1`, 1)); err == nil {
				t.Errorf("%s: the schema takes a document without %s", name, needed)
			}
		}
	}
}
