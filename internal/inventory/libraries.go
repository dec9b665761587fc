package inventory

import "assay/internal/telemetry"

// addLibraries makes components of libraries, each in its place.
func (b *builder) addLibraries(libraries []*telemetry.Library) {
	type place struct{ container, ecosystem, name, version, path, inside string }
	seen := map[place]bool{}
	for _, l := range libraries {
		at := place{l.Container, l.Ecosystem, l.Name, l.Version, l.Path, l.Inside}
		if seen[at] {
			continue
		}
		seen[at] = true
		if l.Name == "" || l.Ecosystem == "" {
			b.unnamed(Library, l.Container)
			continue
		}
		b.inv.Components = append(b.inv.Components, Component{
			Kind: Library, Ecosystem: l.Ecosystem, Container: l.Container, Name: l.Name, Version: l.Version,
			Path: l.Path, Inside: l.Inside, Owner: l.Package, Main: l.Main,
			PURL:   libraryURL(l.Ecosystem, l.Name, l.Version),
			Sensor: telemetry.SensorOf(l), Record: telemetry.Key(l),
		})
	}
}
