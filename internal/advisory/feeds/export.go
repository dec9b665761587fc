package feeds

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"assay/internal/advisory/fetch"
	"assay/internal/durable"
)

// exportFile is the first file of an export: which feeds are in it, and their hashes.
const exportFile = "assay-feeds.json"

const exportVersion = 1

// exported is what exportFile has.
type exported struct {
	Version int       `json:"version"`
	Made    time.Time `json:"made"`
	Feeds   []Entry   `json:"feeds"`
}

// Export writes a tar of the originals of feeds, all for no names, for a machine without
// a network: first what they are, then the files. It is read by Import.
func (f *Folder) Export(ctx context.Context, w io.Writer, names ...string) (n int, err error) {
	err = f.change(func(s *state) error {
		picked, err := s.pick(names)
		if err != nil {
			return err
		}
		x := exported{Version: exportVersion, Made: f.now().UTC()}
		for _, e := range picked {
			if e.File == "" {
				continue
			}
			if !f.whole(&e.Original) {
				return fmt.Errorf("the original of %s, %s, is missing or was changed: update it or import it again", e.Name, e.File)
			}
			out := *e
			out.Address, out.ETag, out.LastModified, out.Update, out.Error = e.Where(), "", "", false, ""
			x.Feeds = append(x.Feeds, out)
		}
		if n = len(x.Feeds); n == 0 {
			return errors.New("there is nothing to export: no feed was fetched or imported yet")
		}
		return f.writeExport(ctx, w, &x)
	})
	return n, err
}

func (f *Folder) writeExport(ctx context.Context, w io.Writer, x *exported) error {
	text, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	if err := out.WriteHeader(&tar.Header{Name: exportFile, Mode: 0o600, Size: int64(len(text)), ModTime: x.Made}); err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	for _, e := range x.Feeds {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.exportOne(out, &e); err != nil {
			return err
		}
	}
	return out.Close()
}

func (f *Folder) exportOne(out *tar.Writer, e *Entry) error {
	file, size, err := openOriginal(f.original(e.File))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := out.WriteHeader(&tar.Header{Name: e.File, Mode: 0o600, Size: size, ModTime: e.Taken}); err != nil {
		return err
	}
	_, err = io.Copy(out, file)
	return err
}

// ExportFile is Export into a file, which is whole or not there.
func (f *Folder) ExportFile(ctx context.Context, name string, names ...string) (n int, err error) {
	err = durable.Replace(name, func(file *os.File) error {
		n, err = f.Export(ctx, file, names...)
		return err
	})
	return n, err
}

// importExport takes over the feeds of an export, each that has the hash it should have.
func (f *Folder) importExport(ctx context.Context, s *state, file io.Reader, name string, o *Options) []Outcome {
	failed := func(err error) Outcome { return Outcome{Name: name, Error: fmt.Errorf("%s: %w", name, err)} }
	archive := tar.NewReader(file)
	x, err := readExported(archive)
	if err != nil {
		return []Outcome{failed(err)}
	}
	var all []Outcome
	for _, e := range x.Feeds {
		if err := ctx.Err(); err != nil {
			return append(all, failed(err))
		}
		header, err := archive.Next()
		if err == nil && (header.Name != e.File || header.Size != e.Bytes || header.Typeflag != tar.TypeReg) {
			err = fmt.Errorf("it has %.80q with %d bytes where %s with %d should be", header.Name, header.Size, e.File, e.Bytes)
		}
		if err != nil {
			return append(all, failed(fmt.Errorf("the export ends before %s: %w", e.Name, err)))
		}
		all = append(all, f.importExported(ctx, s, archive, e, name, o))
	}
	return all
}

func readExported(archive *tar.Reader) (*exported, error) {
	header, err := archive.Next()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(archive, maxState+1))
	if err != nil {
		return nil, err
	}
	var x exported
	if len(text) > maxState {
		return nil, fmt.Errorf("its %s has more than %d bytes", header.Name, maxState)
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return nil, fmt.Errorf("its %s: %w", header.Name, err)
	}
	if x.Version != exportVersion {
		return nil, fmt.Errorf("it has version %d, and this program reads %d", x.Version, exportVersion)
	}
	for i := range x.Feeds {
		err := x.Feeds[i].check()
		if err == nil && x.Feeds[i].File == "" {
			err = errors.New("it has no file")
		}
		if err != nil {
			return nil, fmt.Errorf("its feed %.80q: %w", x.Feeds[i].Name, err)
		}
	}
	return &x, nil
}

func (f *Folder) importExported(ctx context.Context, s *state, archive io.Reader, from Entry, name string, o *Options) Outcome {
	outcome := Outcome{Name: from.Name}
	part := f.original("import-" + from.Name + partSuffix)
	defer fetch.Discard(part)
	e := s.Feeds[from.Name]
	if e != nil && e.Kind != from.Kind {
		outcome.Error = fmt.Errorf("%s: there is a feed %s already, of the kind %q and not %q: remove it first", name, e.Name, e.Kind, from.Kind)
		return outcome
	}
	if e == nil {
		e = &Entry{Feed: from.Feed, Own: from.Own}
		if known, ok := ByName(from.Name); ok && !from.Own {
			e.Feed = known
		}
	}
	err := copyTo(part, archive)
	if err == nil {
		var sum string
		var size int64
		if sum, size, err = hashFile(part); err == nil && (sum != from.SHA256 || size != from.Bytes) {
			err = fmt.Errorf("its file has the SHA-256 %s, and the export says %s: it was damaged on the way", sum, from.SHA256)
		}
	}
	if err == nil {
		original := from.Original
		original.Taken = f.now().UTC()
		original.Fetched = earlier(original.Fetched, original.Taken)
		err = f.accept(ctx, s, e, part, original, o)
	}
	if err != nil {
		outcome.Error = fmt.Errorf("%s: %s: %w", name, from.Name, err)
	}
	outcome.New, outcome.Entry = err == nil, *e
	return outcome
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func copyTo(name string, from io.Reader) error {
	to, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close())
}
