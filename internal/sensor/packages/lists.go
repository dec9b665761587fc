package packages

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"assay/internal/sensor/packages/apk"
	"assay/internal/sensor/packages/dpkg"
	"assay/internal/sensor/packages/pacman"
)

// readDpkg reads the lists of dpkg, and the sums of status.d, whose packages have
// no lists.
func (o *owners) readDpkg(c *collection) error {
	diversions, err := c.diversions()
	if err != nil {
		c.problem(dpkgDiversions, err)
	}
	for _, where := range []struct {
		folder, suffix string
		read           func(io.Reader, func(string)) error
	}{
		{dpkgInfo, ".list", dpkg.ReadList},
		{dpkgStatusFolder, ".md5sums", dpkg.ReadSums},
	} {
		names, err := c.list(where.folder, where.suffix)
		if err != nil {
			return err
		}
		err = c.each(where.folder, names, func(name string) error {
			pkg := strings.TrimSuffix(name, where.suffix)
			return c.readList(where.folder+"/"+name, func(r io.Reader) error {
				return where.read(r, func(path string) { o.offer(pkg, diverted(diversions, pkg, path)) })
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// list returns the names in a folder that end in suffix, sorted. A folder that is
// not there has none.
func (c *collection) list(folder, suffix string) ([]string, error) {
	names, more, err := c.fs.ReadDir(folder, maxEntries)
	if missing(err) {
		return nil, nil
	}
	if more && err == nil {
		err = fmt.Errorf("%s has more than %d entries", folder, maxEntries)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, suffix) })
	slices.Sort(names)
	return names, err
}

func (c *collection) readList(path string, read func(io.Reader) error) error {
	f, err := c.fs.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(bounded(f, maxText))
}

func (c *collection) diversions() (map[string]dpkg.Diversion, error) {
	all := map[string]dpkg.Diversion{}
	err := c.readList(dpkgDiversions, func(r io.Reader) error {
		list, err := dpkg.ReadDiversions(r)
		for _, d := range list {
			all[d.From] = d
		}
		return err
	})
	if missing(err) {
		err = nil
	}
	return all, err
}

// diverted returns where a package's file really is.
func diverted(diversions map[string]dpkg.Diversion, pkg, path string) string {
	name, _, _ := strings.Cut(pkg, ":")
	if d, ok := diversions[path]; ok && d.By != name {
		return d.To
	}
	return path
}

// readRPM reads the lists of files in the headers of rpm's databases.
func (o *owners) readRPM(c *collection) error {
	folders, err := c.distinct(rpmFolders())
	if err != nil {
		return err
	}
	for _, folder := range folders {
		files, err := c.rpmFiles(folder)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			continue
		}
		if err := o.readHeaders(c, files[0]); err != nil {
			c.problem(files[0].path, err)
		}
	}
	return nil
}

func (o *owners) readHeaders(c *collection, f rpmFile) error {
	db, done, err := openRPM(c.fs, f)
	if err != nil {
		return err
	}
	defer done()
	return db.Files(func(base []byte) bool { return o.wantedBase(base) }, o.offer)
}

func (o *owners) readApk(c *collection) error {
	paths, err := c.distinct(apkFiles())
	if err != nil {
		return err
	}
	for _, path := range paths {
		err := c.readList(path, func(r io.Reader) error { return apk.ReadFiles(r, o.offer) })
		if err != nil {
			c.problem(path, err)
		}
	}
	return nil
}

func (o *owners) readPacman(c *collection) error {
	names, err := c.list(pacmanLocal, "")
	if err != nil {
		return err
	}
	return c.each(pacmanLocal, names, func(name string) error {
		return c.readList(pacmanLocal+"/"+name+"/files", func(r io.Reader) error {
			return pacman.ReadFiles(r, func(path string) { o.offer(pacman.PackageName(name), path) })
		})
	})
}
