// Package assay has the source of the programs that the agent loads into the kernel, as
// it was when this program was built: the service publishes it. It is the package of the
// module's own folder because a package can embed only what is below it.
package assay

import "embed"

// KernelPrograms are the programs' C, how they are built, and their licence, GPL-2.0: by
// their paths in the repository.
//
//go:embed LICENSES/GPL-2.0-only.txt internal/sensor/*/bpf/build.sh internal/sensor/*/bpf/c
var KernelPrograms embed.FS
