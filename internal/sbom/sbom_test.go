package sbom_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/package-url/packageurl-go"
	"pgregory.net/rapid"

	"assay/internal/host/hosttest"
	"assay/internal/inventory"
	"assay/internal/sbom"
	"assay/internal/telemetry"
)

var about = sbom.About{Host: "web-1", Agent: "0123456789abcdef", At: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Version: "1.2.3"}

// server is the inventory of a host with packages, libraries, containers and gaps.
func server() *inventory.Inventory {
	inv := inventory.Of(hosttest.New().
		Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Codename: "bookworm", OSName: "Debian GNU/Linux 12 (bookworm)", Live: true, Kernel: "6.1.0-18-amd64"}).
		Add(telemetry.SensorPackages,
			&telemetry.Package{Manager: "dpkg", Name: "libssl3", Version: "3.0.11-1", Arch: "amd64", Source: "openssl", SourceVersion: "3.0.11-1", Status: "installed", Vendor: "Debian"},
			&telemetry.Package{Manager: "dpkg", Name: "openssl", Version: "3.0.11-1", Arch: "amd64", Source: "openssl", SourceVersion: "3.0.11-1", Status: "installed", Vendor: "Debian"},
			&telemetry.Package{Manager: "dpkg", Name: "linux-image-6.1.0-18-amd64", Version: "6.1.76-1", Arch: "amd64", Source: "linux-signed-amd64", SourceVersion: "6.1.76+1", Status: "half-installed"}).
		Add(telemetry.SensorLibraries,
			&telemetry.Library{Ecosystem: "Maven", Name: "org.apache.logging.log4j:log4j-core", Version: "2.14.1", Path: "/opt/app.jar", Inside: "lib/log4j-core-2.14.1.jar"},
			&telemetry.Library{Ecosystem: "Go", Name: "example.org/tool", Version: "(devel)", Path: "/usr/local/bin/tool", Main: true},
			&telemetry.Library{Ecosystem: "Unheard", Name: "of", Version: "", Path: "/x"}).
		Add(telemetry.SensorContainers,
			&telemetry.Container{ID: "c2", OS: "alpine", OSVersion: "3.19.1", OSName: "Alpine Linux v3.19", Image: "registry.example/web:1"},
			&telemetry.Container{ID: "c1", Problem: "its root could not be opened"},
			&telemetry.Package{Manager: "apk", Name: "musl", Version: "1.2.4-r4", Arch: "x86_64", Source: "musl", SourceVersion: "1.2.4-r4", Container: "c2"}).
		Partial(telemetry.SensorLibraries).Host())
	return &inv
}

func write(t interface {
	Helper()
	Fatal(...any)
}, format string, inv *inventory.Inventory, about sbom.About) string {
	t.Helper()
	var b bytes.Buffer
	if err := sbom.Write(&b, format, inv, about); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// cyclone is what the test reads of CycloneDX.
type cyclone struct {
	SerialNumber string
	Metadata     struct {
		Component  component
		Properties []struct{ Name, Value string }
	}
	Components   []component
	Dependencies []struct {
		Ref       string
		DependsOn []string
	}
	Compositions []struct {
		Aggregate  string
		Assemblies []string
	}
}

type component struct {
	Type       string
	Ref        string `json:"bom-ref"`
	Name       string
	Version    string
	PURL       string
	Pedigree   struct{ Ancestors []component }
	Components []component
	Evidence   struct {
		Occurrences []struct{ Location string }
	}
}

func TestCycloneDX(t *testing.T) {
	var doc cyclone
	read(t, write(t, "cyclonedx", server(), about), &doc)
	var got []string
	refs := map[string]bool{doc.Metadata.Component.Ref: true}
	var walk func(in string, all []component)
	walk = func(in string, all []component) {
		for _, c := range all {
			line := in + c.Type + " " + c.Name + " " + c.Version
			for _, a := range c.Pedigree.Ancestors {
				line += " of " + a.Name + " " + a.Version
			}
			for _, o := range c.Evidence.Occurrences {
				line += " in " + o.Location
			}
			got = append(got, line)
			if refs[c.Ref] || c.Ref == "" {
				t.Errorf("the name %q is there twice, or empty", c.Ref)
			}
			refs[c.Ref] = true
			if c.PURL != "" {
				if _, err := packageurl.FromString(c.PURL); err != nil {
					t.Error(err)
				}
			}
			walk(in+"  ", c.Components)
		}
	}
	walk("", doc.Components)
	want := []string{
		"operating-system debian 12",
		"library linux-image-6.1.0-18-amd64 6.1.76-1 of linux 6.1.76-1",
		"library libssl3 3.0.11-1 of openssl 3.0.11-1",
		"library openssl 3.0.11-1 of openssl 3.0.11-1",
		"application example.org/tool (devel) in /usr/local/bin/tool",
		"library org.apache.logging.log4j:log4j-core 2.14.1 in /opt/app.jar!/lib/log4j-core-2.14.1.jar",
		"library of  in /x",
		"container c1 ", "  operating-system unknown ",
		"container registry.example/web:1 ", "  operating-system alpine 3.19.1", "  library musl 1.2.4-r4 of musl 1.2.4-r4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	reached := map[string]bool{"host": true}
	for _, d := range doc.Dependencies {
		for _, on := range append(d.DependsOn, d.Ref) {
			if !refs[on] {
				t.Errorf("the dependency on %q leads nowhere", on)
			}
			reached[on] = true
		}
	}
	if diff := cmp.Diff(refs, reached); diff != "" {
		t.Errorf("not everything is reached from the host:\n%s", diff)
	}
	var aggregates []string
	for _, c := range doc.Compositions {
		aggregates = append(aggregates, strings.Join(c.Assemblies, " ")+" "+c.Aggregate)
	}
	if diff := cmp.Diff([]string{"host incomplete", "container-1 incomplete", "container-2 unknown"}, aggregates); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if !slices.ContainsFunc(doc.Metadata.Properties, func(p struct{ Name, Value string }) bool {
		return p.Name == "assay:gap" && strings.Contains(p.Value, "libraries")
	}) {
		t.Errorf("the gap is not in %+v", doc.Metadata.Properties)
	}
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v\nin %s", err, text)
	}
}

// spdx is what the test reads of SPDX.
type spdx struct {
	DocumentNamespace string
	Packages          []struct {
		SPDXID, Name, VersionInfo, PrimaryPackagePurpose string
	}
	Relationships []struct{ SPDXElementID, RelationshipType, RelatedSPDXElement string }
	Annotations   []struct{ Comment string }
}

func TestSPDX(t *testing.T) {
	var doc spdx
	read(t, write(t, "spdx", server(), about), &doc)
	names := map[string]string{"SPDXRef-DOCUMENT": "document"}
	purposes := map[string]int{}
	for _, p := range doc.Packages {
		if names[p.SPDXID] != "" {
			t.Errorf("%s is there twice", p.SPDXID)
		}
		if strings.Trim(p.SPDXID, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != "" {
			t.Errorf("%q is no id", p.SPDXID)
		}
		names[p.SPDXID] = p.Name + " " + p.VersionInfo
		purposes[p.PrimaryPackagePurpose]++
	}
	reached := map[string]bool{"SPDXRef-DOCUMENT": true}
	var built []string
	for _, r := range doc.Relationships {
		if names[r.SPDXElementID] == "" || names[r.RelatedSPDXElement] == "" {
			t.Errorf("%+v leads nowhere", r)
		}
		reached[r.RelatedSPDXElement] = true
		if r.RelationshipType == "GENERATED_FROM" {
			built = append(built, names[r.SPDXElementID]+" of "+names[r.RelatedSPDXElement])
		}
	}
	if len(reached) != len(names) {
		t.Errorf("%d of %d elements are related", len(reached), len(names))
	}
	if diff := cmp.Diff([]string{"linux-image-6.1.0-18-amd64 6.1.76-1 of linux 6.1.76-1", "libssl3 3.0.11-1 of openssl 3.0.11-1", "openssl 3.0.11-1 of openssl 3.0.11-1", "musl 1.2.4-r4 of musl 1.2.4-r4"}, built); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"DEVICE": 1, "CONTAINER": 2, "OPERATING_SYSTEM": 3, "SOURCE": 3, "LIBRARY": 6, "APPLICATION": 1}, purposes); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if len(doc.Annotations) < 2 || !strings.HasPrefix(doc.Annotations[0].Comment, "incomplete: host: ") {
		t.Errorf("%+v", doc.Annotations)
	}
}

// TestSame writes an inventory twice, and another one.
func TestSame(t *testing.T) {
	for _, format := range []string{"cyclonedx", "spdx"} {
		one, other := server(), server()
		other.Components[0].Version += "x"
		if write(t, format, one, about) != write(t, format, server(), about) {
			t.Errorf("%s: the same inventory gives another document", format)
		}
		id := func(inv *inventory.Inventory, about sbom.About) string {
			var doc struct{ SerialNumber, DocumentNamespace string }
			read(t, write(t, format, inv, about), &doc)
			return doc.SerialNumber + doc.DocumentNamespace
		}
		if id(one, about) == id(other, about) || id(one, about) == id(one, sbom.About{}) || len(id(one, about)) < 36 {
			t.Errorf("%s: ids %s, %s", format, id(one, about), id(other, about))
		}
	}
	if err := sbom.Write(nil, "xml", server(), about); err == nil || !strings.Contains(err.Error(), "xml") {
		t.Error(err)
	}
}

// broken fails after some bytes.
type broken int

func (b *broken) Write(p []byte) (int, error) {
	if *b -= broken(len(p)); *b < 0 {
		return 0, bytes.ErrTooLarge
	}
	return len(p), nil
}

func TestWriteError(t *testing.T) {
	for _, format := range []string{"cyclonedx", "spdx"} {
		for _, after := range []broken{0, 100} {
			if err := sbom.Write(&after, format, server(), about); err == nil {
				t.Errorf("%s: no error", format)
			}
		}
	}
}

// TestAnything writes what no host sends; it is JSON, and has every component.
func TestAnything(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "a", "\xff", "\"", "\x00", "\u2028", "c1", "c2", "<", strings.Repeat("x", 300)})
	rapid.Check(t, func(t *rapid.T) {
		w := func() string { return word.Draw(t, "word") }
		inv := &inventory.Inventory{}
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			inv.Systems = append(inv.Systems, inventory.System{Container: w(), Name: w(), ID: w(), Release: w(), CPE: w(), Problem: w(), Image: w()})
			inv.Gaps = append(inv.Gaps, inventory.Gap{Container: w(), Reason: w()})
			inv.Components = append(inv.Components, inventory.Component{Kind: inventory.Library, Container: w(), Name: w(), Version: w(), Path: w(), PURL: w(), Record: w()},
				inventory.Component{Kind: inventory.Package, Container: w(), Name: w(), Version: w(), Vendor: w(), Status: w(), Binaries: []inventory.Binary{{Name: w(), PURL: w()}}})
		}
		for _, format := range []string{"cyclonedx", "spdx"} {
			text := write(t, format, inv, sbom.About{Host: w(), Agent: w(), Version: w()})
			if !json.Valid([]byte(text)) {
				t.Fatalf("no JSON: %s", text)
			}
			key, each := `"manifest-analysis"`, 2
			if format == "spdx" {
				key, each = `"downloadLocation"`, 3
			}
			if n := strings.Count(text, key); n < each*len(inv.Components)/2 {
				t.Fatalf("%d times %s for %d components", n, key, len(inv.Components))
			}
		}
	})
}
