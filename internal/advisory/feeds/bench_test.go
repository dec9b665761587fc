package feeds

import (
	"context"
	"testing"
)

// BenchmarkEnsure is what the first start of a service pays for what comes with it.
func BenchmarkEnsure(b *testing.B) {
	for b.Loop() {
		if err := At(b.TempDir()).Ensure(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
