package inventory

import (
	"testing"

	"assay/internal/telemetry"
)

// FuzzTexts reads what a host's repositories say from any text.
func FuzzTexts(f *testing.F) {
	f.Add("deb [arch=amd64] https://esm.ubuntu.com/infra/ubuntu jammy main # x\n")
	f.Add("Types: deb\nURIs: a b\n c\nSuites: d\n\nEnabled: no\n")
	f.Add("[a-eus-b]\nenabled = 0\n[c]\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range append(listSources(text), deb822Sources(text)...) {
			if s.uri == "" || s.suite == "" {
				t.Errorf("%+v of %q", s, text)
			}
		}
		for _, id := range enabledRepositories(text) {
			if id == "" {
				t.Errorf("an empty id of %q", text)
			}
		}
	})
}

// FuzzKernels reads versions and names of kernels.
func FuzzKernels(f *testing.F) {
	f.Add("kernel-rt-debug-core", "1:4.18.0-477.rt7.el8", "kernel", "4.18.0-477.rt7.el8.x86_64")
	f.Add("linux-image-6.1.0-18-amd64", "6.1.76-1", "linux-signed-amd64", "6.1.0-18-amd64")
	f.Add("linux-lts", "6.6.31-r0", "linux-lts", "6.6.30-0-lts")
	f.Fuzz(func(t *testing.T, name, version, source, uname string) {
		for _, manager := range []string{"dpkg", "rpm", "apk", "pacman"} {
			p := &telemetry.Package{Manager: manager, Name: name, Version: version, Source: source, SourceVersion: version}
			k := kernel{release: uname}
			role, runs := k.role(p, source)
			if runs != "" && role != RunningKernel {
				t.Errorf("%s %s is %q and runs %q", name, version, role, runs)
			}
			if n, _ := sourceOf(p, &System{}); n == "" && name != "" {
				t.Errorf("%+v has no source", p)
			}
		}
	})
}
