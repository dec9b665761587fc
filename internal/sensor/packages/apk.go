package packages

import (
	"assay/internal/sensor/packages/apk"
)

// apkFiles are the places of apk's database: until apk-tools 3 /lib, since then
// /usr/lib. On a host with merged /usr they are the same file.
func apkFiles() []string { return []string{"/lib/apk/db/installed", "/usr/lib/apk/db/installed"} }

func collectApk(c *collection) error {
	paths, err := c.distinct(apkFiles())
	if err != nil {
		return err
	}
	for _, path := range paths {
		err := c.database(path, "", func(add addFunc) error {
			f, err := c.fs.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return apk.Read(bounded(f, maxText), apk.Visit(add))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// distinct returns those of the paths that are there, one of each file.
func (c *collection) distinct(paths []string) ([]string, error) {
	type id struct{ device, inode uint64 }
	seen := map[id]bool{}
	var out []string
	for _, path := range paths {
		there, err := c.present(path, "")
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		info, err := c.fs.Stat(path)
		if err == nil && !seen[id{info.Device, info.Inode}] {
			seen[id{info.Device, info.Inode}] = true
			out = append(out, path)
		}
	}
	return out, nil
}
