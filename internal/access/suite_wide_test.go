//go:build wide

package access

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"
)

// All cases of AWS's published suite.
func TestWholeAWSSuite(t *testing.T) {
	shared := os.Getenv("ASSAY_SHARED")
	if shared == "" {
		t.Fatal("ASSAY_SHARED does not name the folder with the shared data")
	}
	f, err := os.Open(filepath.Join(shared, "data/sigv4/aws-signing-test-suite.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer unpacked.Close()
	runSuite(t, readTar(t, unpacked), 38)
}

// readTar reads the files below .../v4/.
func readTar(t *testing.T, r io.Reader) fstest.MapFS {
	files := fstest.MapFS{}
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if _, name, ok := strings.Cut(header.Name, "/v4/"); ok && header.Typeflag == tar.TypeReg {
			files[name] = &fstest.MapFile{Data: data}
		}
	}
}
