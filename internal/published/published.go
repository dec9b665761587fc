// Package published is what the service hands out to everybody: on which kernels the
// agent's sensors are proven, and the source of the programs that the agent loads into
// the kernel. They are the same for all who run this release, and say nothing of the
// deployment.
package published

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"assay"
	"assay/support"
)

// The paths.
const (
	KernelVersions = "/support/kernel-versions.json"
	KernelPrograms = "/support/kernel-programs.tar.gz"
	Sum            = KernelPrograms + ".sha256" // as sha256sum(1) checks it
)

// file is one that is handed out.
type file struct {
	kind string // its media type
	data []byte
}

// Handler answers at the paths, to anybody.
func Handler() (http.Handler, error) {
	source, err := Archive()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(source)
	mux := http.NewServeMux()
	for path, f := range map[string]file{
		KernelVersions: {"application/json", support.File()},
		KernelPrograms: {"application/gzip", source},
		Sum:            {"text/plain; charset=utf-8", fmt.Appendf(nil, "%s  kernel-programs.tar.gz\n", hex.EncodeToString(sum[:]))},
	} {
		mux.Handle("GET "+path, f)
	}
	return mux, nil
}

// maxAge is how long others may keep what they got: it changes with a release only.
const maxAge = "public, max-age=3600"

// ServeHTTP answers with the file, or with that the client has it already.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256(f.data)
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	h.Set("Cache-Control", maxAge)
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}

// Archive is the source of the kernel programs as a compressed archive: the same bytes
// in each service that the same compiler has made of the same source.
func Archive() ([]byte, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(zip)
	err = fs.WalkDir(assay.KernelPrograms, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return add(archive, name)
	})
	if err == nil {
		err = archive.Close()
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack the source of the kernel programs: %w", err)
	}
	return out.Bytes(), nil
}

// add adds a file, in the order of names, without what differs from machine to machine.
func add(archive *tar.Writer, name string) error {
	data, err := fs.ReadFile(assay.KernelPrograms, name)
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if bytes.HasPrefix(data, []byte("#!")) {
		mode = 0o755
	}
	err = archive.WriteHeader(&tar.Header{
		Name: "assay-kernel-programs/" + name, Mode: mode, Size: int64(len(data)), Format: tar.FormatUSTAR, ModTime: time.Unix(0, 0),
	})
	if err == nil {
		_, err = archive.Write(data)
	}
	return err
}
