package inventory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

// Amazon Linux 2 has packages of the same names in its core and in its extras, with
// advisories of their own: advisory rows have the extras topic as their module.

// extrasKernel is the kernel of an extras topic, by its version. Core's is 4.14
// (https://docs.aws.amazon.com/AL2/latest/ug/kernel.html).
var extrasKernel = regexp.MustCompile(`^(?:\d+:)?(\d+\.\d+)\.`)

// moduleOf is the module that a package is of. It is known of Amazon's kernels alone: no
// database says from which repository a package came.
func moduleOf(p *telemetry.Package, s *System) string {
	if p.Modularity == "" && s.Ecosystem == "Amazon Linux:2" && p.Source == "kernel" {
		if m := extrasKernel.FindStringSubmatch(p.Version); m != nil && m[1] != "4.14" {
			return "extras:kernel-" + m[1]
		}
	}
	return p.Modularity
}

// addExtrasGap tells which extras the host takes packages from, where those cannot be
// told from core's.
func (b *builder) addExtrasGap() {
	s := b.system("")
	if s.Ecosystem != "Amazon Linux:2" {
		return
	}
	var topics []string
	for _, t := range b.h.Texts("/etc/yum.repos.d/*.repo").Values {
		for _, id := range enabledRepositories(t.Text) {
			topic, ok := strings.CutPrefix(id, "amzn2extra-")
			if ok && !strings.HasPrefix(topic, "kernel-") && !strings.HasSuffix(topic, "-source") && !strings.HasSuffix(topic, "-debuginfo") && !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
	}
	if len(topics) == 0 {
		return
	}
	slices.Sort(topics)
	b.gap(Gap{
		Kind: Package,
		Reason: fmt.Sprintf("the host takes packages from the extras %s, and which those are is not recorded: the advisories of these extras are not asked",
			strings.Join(topics[:min(len(topics), 20)], ", ")),
		Remedy: "See yum updateinfo on the host for the packages of these extras.",
	})
}
