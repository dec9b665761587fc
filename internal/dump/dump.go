// Package dump reads what aws-cli printed of an account of Amazon Inspector
// Classic: the answers of the Describe operations and of ListTagsForResource, in
// files with one or more of them each, in any order. Files are read as streams and
// may be of any size; a single object is bounded. Nothing in them is trusted.
package dump

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assay/internal/inspector"
	"assay/internal/migrate"
)

// MaxObject is how many bytes an object may have, as it is printed.
const MaxObject = 600 << 10

// Item is an object of a dump.
type Item struct {
	File, Where string // where it stands: "findings.json", "findings[3]"
	migrate.Object
	ARN     string
	Unknown []string // members that the API's model does not have, and that are left out
	Err     error    // it cannot be imported; Object has nothing
}

// Dump is a set of files that have been looked through.
type Dump struct {
	Scope  inspector.Scope // of all its objects
	Counts map[migrate.Kind]int

	Refused []Item         // files that cannot be read to their end; they are left out
	Ignored map[string]int // how often there was something at the top that is not imported, by its name
	Failed  int            // objects that aws-cli could not get: failedItems

	files []file
}

// file is a file with the kinds that it has.
type file struct {
	name, path string
	kinds      map[migrate.Kind]bool
}

// Open looks through files, folders (for files *.json in them) and, for "-", a
// stream. Close removes what it keeps of the stream.
func Open(paths []string, stdin io.Reader) (*Dump, error) {
	d := &Dump{Counts: map[migrate.Kind]int{}, Ignored: map[string]int{}}
	var found []file
	for _, path := range paths {
		some, err := list(path, stdin)
		found = append(found, some...)
		d.files = found
		if err != nil {
			d.Close()
			return nil, err
		}
	}
	d.files = nil
	for _, f := range found {
		if err := d.look(f); err != nil {
			d.files = found
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// Close removes the copy of a stream.
func (d *Dump) Close() {
	for _, f := range d.files {
		if f.name == stream {
			os.Remove(f.path)
		}
	}
}

// stream is the name of what came from standard input.
const stream = "standard input"

func list(path string, stdin io.Reader) ([]file, error) {
	if path == "-" {
		kept, err := keep(stdin)
		return []file{{name: stream, path: kept}}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the dump: %w", err)
	}
	if !info.IsDir() {
		return []file{{name: path, path: path}}, nil
	}
	var files []file
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.EqualFold(filepath.Ext(name), ".json") {
			files = append(files, file{name: name, path: name})
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("there is no file *.json in %s", path)
	}
	return files, err
}

// keep copies a stream to a file: it is read more than once.
func keep(r io.Reader) (string, error) {
	f, err := os.CreateTemp("", "assay-import-*.json")
	if err != nil {
		return "", fmt.Errorf("keep standard input: %w", err)
	}
	_, err = io.Copy(f, r)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return f.Name(), fmt.Errorf("keep standard input: %w", err)
	}
	return f.Name(), nil
}

// look looks through a file. One that is damaged is left out, and told of.
func (d *Dump) look(f file) error {
	f.kinds = map[migrate.Kind]bool{}
	counts := map[migrate.Kind]int{}
	var scopes []inspector.Scope
	where := "the begin"
	r := reader{
		wants: func(migrate.Kind) bool { return true },
		item: func(item Item) error {
			where = item.Where
			f.kinds[item.Kind] = true
			counts[item.Kind]++
			if arn, err := inspector.ParseARN(item.ARN); err == nil && !slices.Contains(scopes, arn.Scope) && len(scopes) < 10 {
				scopes = append(scopes, arn.Scope)
			}
			return nil
		},
		ignored: d.Ignored, failed: &d.Failed,
	}
	if err := r.file(f); err != nil {
		d.Refused = append(d.Refused, Item{File: f.name, Where: "after " + where, Err: fmt.Errorf("the file cannot be read to its end, and nothing of it is imported: %w", err)})
		return nil
	}
	for _, scope := range scopes {
		if d.Scope == (inspector.Scope{}) {
			d.Scope = scope
		}
		if scope != d.Scope {
			return fmt.Errorf("%s has objects of account %s in %s beside those of account %s in %s: import each into a service of its own",
				f.name, scope.Account, scope.Region, d.Scope.Account, d.Scope.Region)
		}
	}
	for kind, n := range counts {
		d.Counts[kind] += n
	}
	d.files = append(d.files, f)
	return nil
}

// Each calls fn with every object of a kind.
func (d *Dump) Each(kind migrate.Kind, fn func(Item) error) error {
	for _, f := range d.files {
		if !f.kinds[kind] {
			continue
		}
		failed := 0
		r := reader{wants: func(k migrate.Kind) bool { return k == kind }, item: fn, ignored: map[string]int{}, failed: &failed}
		if err := r.file(f); err != nil {
			return fmt.Errorf("read %s: %w", f.name, err)
		}
	}
	return nil
}

// arnOf is the ARN that an object has, for people.
func arnOf(object []byte) string {
	var named struct{ Arn, ResourceArn string }
	if json.Unmarshal(object, &named) != nil {
		return ""
	}
	if named.Arn == "" {
		return named.ResourceArn
	}
	return named.Arn
}
