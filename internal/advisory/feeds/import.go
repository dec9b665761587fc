package feeds

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
	"assay/internal/advisory/fetch"
)

// Importing says what files are, where their content does not.
type Importing struct {
	Name      string // of the feed, if there is one file
	Kind      Kind
	Ecosystem string
	Unfixed   bool
	// Fetched is when the files were current. Zero: as old as their newest record, or
	// than the file, whichever is earlier.
	Fetched time.Time
}

// Import takes over feeds from files and folders, and from what Export has written, and
// builds the set of all anew. An outcome is named after its file until its feed is known.
func (f *Folder) Import(ctx context.Context, names []string, as Importing, o Options) (result Result, err error) {
	if as.Name != "" && len(names) > 1 {
		return result, fmt.Errorf("%d files cannot all be the feed %s", len(names), as.Name)
	}
	err = f.change(func(s *state) error {
		for _, name := range names {
			for _, outcome := range f.importOne(ctx, s, name, as, &o) {
				if ctx.Err() != nil {
					return fmt.Errorf("interrupted at %s, the advisories that are there are used: %w", name, ctx.Err())
				}
				result.Feeds = append(result.Feeds, outcome)
			}
		}
		done, err := f.settle(ctx, s, true, o.Anew, &o)
		result.Manifest, result.Built = done.manifest, done.built
		return err
	})
	return result, err
}

// importOne imports one file or folder, of which there are several feeds if it is an export.
func (f *Folder) importOne(ctx context.Context, s *state, name string, as Importing, o *Options) []Outcome {
	failed := func(err error) []Outcome {
		return []Outcome{{Name: name, Error: fmt.Errorf("%s: %w", name, err)}}
	}
	part := f.original("import" + partSuffix)
	defer fetch.Discard(part)
	original, err := f.bring(ctx, name, part)
	if err != nil {
		return failed(err)
	}
	file, size, err := openOriginal(part)
	if err != nil {
		return failed(err)
	}
	defer file.Close()
	kind, export, err := recognise(ctx, file, size)
	switch {
	case export && as == Importing{Fetched: as.Fetched}:
		return f.importExport(ctx, s, file, name, o)
	case export:
		return failed(errors.New("it is an export, which says itself what is in it: leave the flags out"))
	case err != nil && (as.Kind == "" || !errors.Is(err, errNotRecognised)):
		return failed(err)
	}
	if as.Kind == "" {
		as.Kind = kind
	}
	e, err := f.entryFor(ctx, s, file, size, name, as)
	if err != nil {
		return failed(err)
	}
	original.Taken = f.now().UTC()
	outcome := Outcome{Name: e.Name}
	if outcome.Error = f.acceptImport(ctx, s, e, part, original, as, o); outcome.Error != nil {
		outcome.Error = fmt.Errorf("%s: %w", name, outcome.Error)
	}
	outcome.New, outcome.Entry = outcome.Error == nil, *e
	return []Outcome{outcome}
}

// acceptImport examines what was brought, and dates it.
func (f *Folder) acceptImport(ctx context.Context, s *state, e *Entry, part string, original Original, as Importing, o *Options) error {
	fileTime := original.Fetched
	contents, err := f.examineNext(ctx, e, part, o)
	if err != nil {
		return err
	}
	original.Contents = contents
	original.Fetched = as.Fetched
	if as.Fetched.IsZero() {
		original.Fetched = fileTime
		if newest := contents.Newest; !newest.IsZero() && newest.Before(fileTime) {
			original.Fetched = newest
		}
	}
	original.Fetched = earlier(original.Fetched, f.now()).UTC()
	return f.takeOver(s, e, part, original)
}

// bring copies a file, or packs a folder, into part.
func (f *Folder) bring(ctx context.Context, name, part string) (Original, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Original{}, err
	}
	var o *Original
	if info.IsDir() {
		o, err = packFolder(ctx, name, part)
	} else {
		o, err = f.copyFile(name, part)
	}
	if err != nil {
		return Original{}, err
	}
	o.Fetched, o.From = info.ModTime(), filepath.Base(name)
	return *o, nil
}

// packFolder makes a tar of a folder's files of JSON, by name, so that a feed is always
// one file. The same files make the same tar.
func packFolder(ctx context.Context, dir, part string) (_ *Original, err error) {
	to, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	out := tar.NewWriter(to)
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if !entry.Type().IsRegular() || !feed.HasAdvisories(name) {
			return nil
		}
		return packFile(root, name, out)
	})
	if err = errors.Join(err, out.Close(), to.Sync()); err != nil {
		return nil, err
	}
	sum, size, err := hashFile(part)
	return &Original{Bytes: size, SHA256: sum}, err
}

func packFile(root fs.FS, name string, out *tar.Writer) error {
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(out, file)
	return err
}

// entryFor is the feed that a file is: the one of the name that was given, else the
// known one that it plainly is, else one of its own under the file's name.
func (f *Folder) entryFor(ctx context.Context, s *state, file io.ReaderAt, size int64, name string, as Importing) (*Entry, error) {
	def := Feed{Name: as.Name, Kind: as.Kind, Ecosystem: as.Ecosystem, Unfixed: as.Unfixed || as.Kind.Unfixed()}
	if def.Kind == OSV && def.Ecosystem == "" {
		common, err := def.common(ctx, file, size)
		if err != nil {
			return nil, err
		}
		def.Ecosystem = common
	}
	if def.Name == "" {
		def.Name = def.usualName(name)
	}
	if err := def.Check(); err != nil {
		return nil, fmt.Errorf("%w: give one with -name", err)
	}
	if known, ok := ByName(def.Name); ok && known.Kind == def.Kind && (known.Ecosystem == def.Ecosystem || def.Ecosystem == "") {
		def = known
	}
	if e := s.Feeds[def.Name]; e != nil {
		if e.Kind != def.Kind {
			return nil, fmt.Errorf("there is a feed %s already, of the kind %q: give another name with -name, or remove it", e.Name, e.Kind)
		}
		return e, nil
	}
	_, known := ByName(def.Name)
	return &Entry{Feed: def, Own: !known}, nil
}

// common is the ecosystem that every record of an OSV file has something of; empty if
// there are several, or none. What the records have of others is not all there is about
// those: OSV's buckets have it, too.
func (f *Feed) common(ctx context.Context, file io.ReaderAt, size int64) (string, error) {
	var common map[string]bool
	err := f.read(ctx, file, size, advisory.Emit{Record: func(r advisory.Record) error {
		if len(r.Affected) == 0 {
			return nil
		}
		here := map[string]bool{}
		for i := range r.Affected {
			if name := family(r.Affected[i].Ecosystem); common == nil || common[name] {
				here[name] = true
			}
		}
		common = here
		return nil
	}})
	if err != nil || len(common) != 1 {
		return "", err
	}
	for name := range common {
		return name, nil
	}
	return "", nil
}

var notInName = regexp.MustCompile(`[^a-z0-9.-]+`)

// usualName is the name of a feed that was given none.
func (f *Feed) usualName(file string) string {
	switch {
	case f.Kind == OSV && f.Ecosystem != "":
		return osvName(f.Ecosystem)
	case f.Kind == Debian:
		return "debian-tracker"
	case f.Kind == KEV || f.Kind == EPSS:
		return string(f.Kind)
	}
	stem := strings.ToLower(filepath.Base(filepath.Clean(file)))
	for _, ext := range []string{".gz", ".bz2", ".zst", ".tar", ".json", ".jsonl", ".xml", ".zip"} {
		stem = strings.TrimSuffix(stem, ext)
	}
	stem = strings.Trim(string(notInName.ReplaceAll(bytes.TrimSpace([]byte(stem)), []byte("-"))), "-.")
	name := string(f.Kind) + "-" + stem
	return strings.Trim(name[:min(len(name), 64)], "-.")
}
