package feed

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"assay/internal/advisory"
)

// MaxBytes bounds what is read of one file, decompressed. The largest feeds in use
// (all of OSV, all VEX files of Red Hat) have a few gigabytes.
const MaxBytes = 32 << 30

// smallFile is the size of the buffer in front of a file. Archives have hundreds of
// thousands of files of some kilobytes: a larger one for each takes longer to make than
// the files take to read.
const smallFile = 4 << 10

// Reader reads one file of a feed. It returns after the last byte of r or with
// an error that says where it is; what it emitted until then must not be used.
// It neither closes r nor keeps it.
type Reader func(ctx context.Context, r io.Reader, emit advisory.Emit) error

// Stream is the plain content of a file: decompressed, if it is gzip, bzip2 or
// zstd by its first bytes, ending when ctx does, and no longer than MaxBytes. The
// function that it returns frees the decompressor.
func Stream(ctx context.Context, r io.Reader) (io.Reader, func(), error) {
	in := bufio.NewReaderSize(&bounded{ctx: ctx, r: r, left: MaxBytes}, smallFile)
	plain, free, err := decompress(in)
	if err != nil {
		return nil, nil, fmt.Errorf("start decompression: %w", err)
	}
	if plain == io.Reader(in) {
		return in, free, nil
	}
	return &bounded{ctx: ctx, r: plain, left: MaxBytes}, free, nil
}

func decompress(in *bufio.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	head, _ := in.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		plain, err := gzip.NewReader(in)
		return plain, nothing, err
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzip2.NewReader(in), nothing, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// Long-distance windows of up to 128 MiB occur (zstd --long=27).
		plain, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, nil, err
		}
		return plain, plain.Close, nil
	}
	return in, nothing, nil
}

// bounded ends with an error where its context does or its bytes are used up.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left <= 0 {
		return 0, fmt.Errorf("the file has more than %d GiB", MaxBytes>>30)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Parts is a stream with a bound for each part of it: reading more than that ends
// with an error. What reads ahead may take some of the next part from the bound of
// one, so that it should be generous.
type Parts struct {
	r         io.Reader
	max, left int64
}

// NewParts bounds each part of a stream to max bytes.
func NewParts(r io.Reader, max int64) *Parts { return &Parts{r: r, max: max, left: max} }

// Next begins a part.
func (p *Parts) Next() { p.left = p.max }

func (p *Parts) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, fmt.Errorf("one record has more than %d bytes", p.max)
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, err
}
