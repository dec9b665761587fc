package feeds

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"assay/internal/advisory/feed"
)

// errNotRecognised is in the error of recognise.
var errNotRecognised = errors.New("what kind of feed it is cannot be told from its content: say so with -kind")

// maxLook is how much of a file is looked at to recognise it.
const maxLook = 16 << 20

// recognise tells what kind of feed a file is, by its content; and whether it is instead
// what Export has written.
func recognise(ctx context.Context, from io.ReaderAt, size int64) (kind Kind, export bool, err error) {
	packed, err := formOf(ctx, from, size)
	if err != nil {
		return "", false, err
	}
	switch packed {
	case zipForm:
		kind, err = recogniseZip(ctx, from, size)
	case tarForm:
		kind, export, err = recogniseTar(ctx, io.NewSectionReader(from, 0, size))
	default:
		kind, err = recognisePlain(ctx, io.NewSectionReader(from, 0, size))
	}
	return kind, export, err
}

func recogniseZip(ctx context.Context, from io.ReaderAt, size int64) (Kind, error) {
	archive, err := zip.NewReader(from, size)
	if err != nil {
		return "", fmt.Errorf("open the zip: %w", err)
	}
	for _, f := range archive.File {
		if !feed.HasAdvisories(f.Name) {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return "", err
		}
		kind, err := recognisePlain(ctx, in)
		return kind, errors.Join(err, in.Close())
	}
	return "", errNotRecognised
}

func recogniseTar(ctx context.Context, in io.Reader) (Kind, bool, error) {
	plain, free, err := feed.Stream(ctx, in)
	if err != nil {
		return "", false, err
	}
	defer free()
	archive := tar.NewReader(plain)
	for n := 0; ; n++ {
		header, err := archive.Next()
		switch {
		case err == io.EOF:
			return "", false, errNotRecognised
		case err != nil:
			return "", false, fmt.Errorf("read the tar: %w", err)
		case n == 0 && header.Name == exportFile:
			return "", true, nil
		case header.Typeflag == tar.TypeReg && feed.HasAdvisories(header.Name):
			kind, err := recognisePlain(ctx, archive)
			return kind, false, err
		}
	}
}

func recognisePlain(ctx context.Context, in io.Reader) (Kind, error) {
	plain, free, err := feed.Stream(ctx, in)
	if err != nil {
		return "", err
	}
	defer free()
	text := bufio.NewReaderSize(io.LimitReader(plain, maxLook), 4<<10)
	head, err := text.Peek(2 << 10)
	if len(head) == 0 && err != nil && err != io.EOF {
		return "", err
	}
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))
	first, _, _ := strings.Cut(string(head), "\n")
	switch {
	case strings.HasPrefix(first, "cveID,"), strings.HasPrefix(first, `"cveID",`):
		return KEV, nil
	case strings.HasPrefix(first, "#model_version"), strings.HasPrefix(first, "cve,epss,percentile"):
		return EPSS, nil
	case bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head, []byte("<updates")):
		return Updateinfo, nil
	case bytes.HasPrefix(head, []byte("[")):
		return OSV, nil
	case bytes.HasPrefix(head, []byte("{")):
		return recogniseJSON(text)
	}
	return "", errNotRecognised
}

// telling are the names of a document's members that only one kind has.
var telling = map[string]Kind{
	"schema_version": OSV, "affected": OSV, "document": CSAF, "product_tree": CSAF, "@context": OpenVEX, "statements": OpenVEX,
	"catalogVersion": KEV, "dateReleased": KEV, "distroversion": Alpine, "apkurl": Alpine, "reponame": Alpine, "urlprefix": Alpine,
}

// recogniseJSON looks for a telling name. The tracker has none: it is an object of
// packages, which are objects of what is known by CVE.
func recogniseJSON(in io.Reader) (Kind, error) {
	dec := jsontext.NewDecoder(in, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return "", errNotRecognised
	}
	for n := 0; dec.PeekKind() == '"'; n++ {
		name, err := dec.ReadToken()
		if err != nil {
			return "", errNotRecognised
		}
		if kind, ok := telling[name.String()]; ok {
			return kind, nil
		}
		if n == 0 && dec.PeekKind() == '{' {
			dec.ReadToken()
			inner, err := dec.ReadToken()
			if id := inner.String(); err == nil && inner.Kind() == '"' && (strings.HasPrefix(id, "CVE-") || strings.HasPrefix(id, "TEMP-")) {
				return Debian, nil
			}
			return "", errNotRecognised // no other kind begins with an object that has no telling name
		}
		if err := dec.SkipValue(); err != nil {
			return "", errNotRecognised
		}
	}
	return "", errNotRecognised
}
