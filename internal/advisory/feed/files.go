package feed

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"assay/internal/advisory"
)

// maxEntries bounds the files of an archive. OSV's all.zip of every
// ecosystem and Red Hat's VEX archive have some hundred thousand.
const maxEntries = 4 << 20

// Zip reads every JSON file of a zip, as OSV's buckets have them, in the order of
// its directory.
func Zip(ctx context.Context, r io.ReaderAt, size int64, read Reader, emit advisory.Emit) error {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("open the zip: %w", err)
	}
	if len(archive.File) > maxEntries {
		return fmt.Errorf("the zip has %d files, more than %d", len(archive.File), maxEntries)
	}
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if err := file(ctx, f.Name, func() (io.ReadCloser, error) { return f.Open() }, read, emit); err != nil {
			return err
		}
	}
	return nil
}

// Tar reads every JSON file of a tar, plain or compressed as Stream takes it, in
// its order.
func Tar(ctx context.Context, r io.Reader, read Reader, emit advisory.Emit) error {
	plain, free, err := Stream(ctx, r)
	if err != nil {
		return err
	}
	defer free()
	tail := &zeros{r: plain}
	archive := tar.NewReader(tail)
	for n := 0; n <= maxEntries; n++ {
		header, err := archive.Next()
		switch {
		case err == io.EOF && tail.n < endOfTar:
			return fmt.Errorf("read the tar, after file %d: it ends without its end mark: %w", n, io.ErrUnexpectedEOF)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("read the tar, file %d: %w", n+1, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := file(ctx, header.Name, func() (io.ReadCloser, error) { return io.NopCloser(archive), nil }, read, emit); err != nil {
			return err
		}
	}
	return fmt.Errorf("the tar has more than %d files", maxEntries)
}

// endOfTar is how many zeros are at the end of a tar that was not cut off. The
// standard library does not look, and no file ends in as many.
const endOfTar = 1024

// zeros counts the zeros that the bytes read so far end in.
type zeros struct {
	r io.Reader
	n int
}

func (z *zeros) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	rest := bytes.TrimRight(p[:n], "\x00")
	if len(rest) > 0 {
		z.n = 0
	}
	z.n += n - len(rest)
	return n, err
}

func file(ctx context.Context, name string, open func() (io.ReadCloser, error), read Reader, emit advisory.Emit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !HasAdvisories(name) {
		emit.Skipped(name, "", "not a file of advisories")
		return nil
	}
	f, err := open()
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close()
	if err := read(ctx, f, emit); err != nil {
		return fmt.Errorf("file %s: %w", name, err)
	}
	return nil
}

// HasAdvisories tells files of advisories, by their names, from signatures, checksums,
// lists of changes, and what a CSAF provider says of itself.
func HasAdvisories(name string) bool {
	base := path.Base(name)
	for _, ext := range []string{".gz", ".bz2", ".zst"} {
		base = strings.TrimSuffix(base, ext)
	}
	ext := path.Ext(base)
	return (ext == ".json" || ext == ".jsonl") && base != "provider-metadata.json" && base != "index.json"
}
