// Package java reads which Maven artifacts a Java archive is or has in it: from the
// pom.properties that Maven puts there, several where a build has merged archives;
// else from the manifest and the file's name, as far as these tell; and the same of
// archives inside of it (WEB-INF/lib, BOOT-INF/lib), to a bounded depth and size,
// without holding any of them.
package java

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"assay/internal/sensor/libraries/ziparchive"
	"assay/internal/telemetry"
)

const (
	ecosystem = "Maven"

	// Bounds of one file.
	maxDepth    = 4                // of archives in archives
	maxWanted   = 20_000           // entries that are looked into, of one archive
	maxNames    = 2 << 20          // bytes of their names
	maxInflated = int64(4) << 30   // bytes, of all that is inside
	eachEntry   = int64(64) << 10  // bytes that looking into an entry counts for at least
	maxRatio    = 100              // of an inner archive's size to its compressed one; it is compressed itself
	maxPOM      = 64 << 10         // bytes of a pom.properties
	maxHashed   = int64(256) << 20 // bytes of an archive of which a digest is made
	maxProblems = 3                // that are told
)

// Extensions returns the ends of the names of Java archives.
func Extensions() []string { return slices.Clone(extensions) }

var extensions = []string{".jar", ".war", ".ear", ".par", ".sar", ".kar", ".nar", ".jpi", ".hpi", ".lpkg"}

// Archive tells whether a file's name is that of an archive with programs of Java.
func Archive(name string) bool {
	return slices.Contains(extensions, strings.ToLower(path.Ext(name))) &&
		!strings.HasSuffix(name, "-sources.jar") && !strings.HasSuffix(name, "-javadoc.jar")
}

// Read adds the artifacts of the archive name, which has so many bytes. What in
// it cannot be read does not keep the rest from being read; it is in the error.
func Read(ctx context.Context, r io.ReaderAt, size int64, name string, add func(telemetry.Library) error) error {
	d := &reading{meter: meter{ctx: ctx, left: maxInflated}, add: add}
	if err := d.archive(archive{r: r, size: size, base: path.Base(name), random: true}); err != nil {
		return err
	}
	return d.problems()
}

// reading is the work on one file.
type reading struct {
	meter   meter
	add     func(telemetry.Library) error
	adding  bool // the error is add's
	damaged int
	first   []string
	tails   [maxDepth][]byte // of the streams, one of which is read at each depth
}

func (d *reading) tail(depth int) []byte {
	if d.tails[depth] == nil {
		d.tails[depth] = make([]byte, maxTail)
	}
	return d.tails[depth]
}

func (d *reading) problems() error {
	if d.damaged == 0 {
		return nil
	}
	return fmt.Errorf("%d files in it could not be read: %s", d.damaged, strings.Join(d.first, ", "))
}

// archive is a file, or an entry of one, that is a Java archive.
type archive struct {
	r      io.ReaderAt
	size   int64
	base   string // its name
	inside string // where it is in the file, "" for the file itself
	depth  int
	random bool // reading backwards costs nothing
}

const manifestName = "META-INF/MANIFEST.MF"

func (d *reading) archive(a archive) error {
	wanted, err := list(a)
	if err != nil {
		return err
	}
	var known manifest
	identified := false
	for _, e := range wanted {
		err := d.meter.take(cost(e))
		switch {
		case err != nil:
		case e.Name == manifestName:
			known, err = readManifest(a.r, e)
		case Archive(e.Name):
			err = d.inner(a, e)
		default:
			var added bool
			added, err = d.pom(a, e)
			identified = identified || added
		}
		if err := d.problem(e, err); err != nil {
			return err
		}
	}
	if identified {
		return nil
	}
	return d.guess(a, known)
}

// cost is what looking into an entry counts for, beside what is inflated: entries can
// be the same bytes of the file any number of times, and archives in them again.
func cost(e ziparchive.Entry) int64 {
	if e.Method == ziparchive.Stored && Archive(e.Name) {
		return eachEntry + min(e.Size, maxInflated)
	}
	return eachEntry
}

// list returns the entries that are looked into, in the order in which they are in
// the archive: what is compressed can only be read forwards.
func list(a archive) ([]ziparchive.Entry, error) {
	var wanted []ziparchive.Entry
	names := 0
	err := ziparchive.Each(a.r, a.size, func(e ziparchive.Entry) error {
		if e.Name != manifestName && !Archive(e.Name) && !isPOM(e.Name) {
			return nil
		}
		if names += len(e.Name); len(wanted) == maxWanted || names > maxNames {
			return fmt.Errorf("it has more than %d archives and descriptions in it, or longer names than any", maxWanted)
		}
		wanted = append(wanted, e)
		return nil
	})
	slices.SortFunc(wanted, func(x, y ziparchive.Entry) int { return int(min(max(x.Offset-y.Offset, -1), 1)) })
	return wanted, err
}

// pom adds the artifact that a pom.properties names.
func (d *reading) pom(a archive, e ziparchive.Entry) (added bool, err error) {
	data, err := ziparchive.ReadFile(a.r, e, maxPOM)
	if err != nil {
		return false, err
	}
	p := parsePOM(data, e.Name)
	if p.group == "" || p.artifact == "" || p.version == "" {
		return false, nil
	}
	return true, d.put(telemetry.Library{Name: p.group + ":" + p.artifact, Version: p.version, Inside: a.inside})
}

func (d *reading) put(l telemetry.Library) error {
	l.Ecosystem = ecosystem
	l.Inside = strings.ToValidUTF8(l.Inside, "\uFFFD")
	err := d.add(l)
	d.adding = err != nil
	return err
}

// problem keeps the error of an entry for the end, unless it ends the reading.
func (d *reading) problem(e ziparchive.Entry, err error) error {
	if err == nil || d.adding || d.meter.over() {
		return err
	}
	if d.damaged++; d.damaged <= maxProblems {
		d.first = append(d.first, fmt.Sprintf("%.60q (%v)", path.Base(e.Name), err))
	}
	return nil
}

// inner reads an archive in an archive.
func (d *reading) inner(a archive, e ziparchive.Entry) error {
	inside := e.Name
	if a.inside != "" {
		inside = a.inside + "!/" + e.Name
	}
	if a.depth == maxDepth {
		return errors.New("it is too deep inside of others")
	}
	if e.Size > maxRatio*e.Compressed+1<<20 {
		return fmt.Errorf("it inflates to more than %d times its size", maxRatio)
	}
	n := archive{size: e.Size, base: path.Base(e.Name), inside: inside, depth: a.depth + 1}
	if a.random && e.Method == ziparchive.Stored {
		section, err := ziparchive.Section(a.r, e)
		if err != nil {
			return err
		}
		n.r, n.random = section, true
		return d.archive(n)
	}
	stream, err := newStream(&d.meter, a.r, e, d.tail(a.depth))
	if err != nil {
		return err
	}
	n.r = stream
	return d.archive(n)
}
