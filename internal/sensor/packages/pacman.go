package packages

import (
	"fmt"
	"io"
	"slices"

	"assay/internal/sensor/packages/pacman"
)

const pacmanLocal = "/var/lib/pacman/local"

func collectPacman(c *collection) error {
	there, err := c.present(pacmanLocal, "")
	if err != nil || !there {
		return err
	}
	return c.database(pacmanLocal, "", c.readPacman)
}

func (c *collection) readPacman(add addFunc) error {
	names, more, err := c.fs.ReadDir(pacmanLocal, maxEntries)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "ALPM_DB_VERSION" {
			continue
		}
		err := c.readSmall(pacmanLocal+"/"+name+"/desc", func(r io.Reader) error {
			p, err := pacman.ReadDesc(r)
			if err != nil {
				return err
			}
			return add(p, nil)
		})
		if err := entryError(name, err, add); err != nil {
			return err
		}
	}
	if more {
		return fmt.Errorf("it has more than %d entries", maxEntries)
	}
	return nil
}
