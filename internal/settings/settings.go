// Package settings reads a command's settings from where people put them: flags,
// the environment and one file. A setting has one name in all three: the flag
// -data-folder is the variable ASSAY_DATA_FOLDER and the line "data-folder = ..."
// of the file. A flag wins over the environment, and that over the file.
package settings

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Source says where settings beside the flags come from.
type Source struct {
	Prefix string              // of environment variables: "ASSAY"
	Getenv func(string) string // os.Getenv, or a test's
	File   string              // a file that may be missing; empty: none
}

// FileFlag is the flag by which a command lets people name another file; that one
// has to be there.
const FileFlag = "config"

// Parse parses the arguments and then fills in every flag that they did not set.
// The arguments that are not flags stay in set.Args.
func Parse(set *flag.FlagSet, args []string, from Source) error {
	if err := set.Parse(args); err != nil {
		return err
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	file, err := from.read(set, given[FileFlag])
	if err != nil {
		return err
	}
	var problems []error
	set.VisitAll(func(f *flag.Flag) {
		if given[f.Name] || f.Name == FileFlag {
			return
		}
		where, value := "$"+from.variable(f.Name), from.Getenv(from.variable(f.Name))
		if line, ok := file[f.Name]; value == "" && ok {
			where, value = line.where, line.value
		} else if value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %q is no value for %s: %w", where, value, f.Name, err))
		}
	})
	return errors.Join(problems...)
}

func (s Source) variable(name string) string {
	return s.Prefix + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

type line struct{ where, value string }

// read reads the file. A name that no flag has is an error: a setting that is
// misspelt must not look as if it were in force.
func (s Source) read(set *flag.FlagSet, given bool) (map[string]line, error) {
	name, must := s.File, false
	if f := set.Lookup(FileFlag); f != nil {
		if value := s.Getenv(s.variable(FileFlag)); value != "" && !given {
			name, must = value, true
		} else if given {
			name, must = f.Value.String(), true
		}
	}
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) && !must {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	defer file.Close()
	return parseFile(file, name, set)
}

func parseFile(r io.Reader, name string, set *flag.FlagSet) (map[string]line, error) {
	values := map[string]line{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s:%d", name, n)
		key, value, ok := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: a line is \"name = value\"", where)
		case set.Lookup(key) == nil || key == FileFlag:
			return nil, fmt.Errorf("%s: there is no setting %q", where, key)
		case values[key].where != "":
			return nil, fmt.Errorf("%s: %q is already set at %s", where, key, values[key].where)
		}
		values[key] = line{where, strings.TrimSpace(value)}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the settings of %s: %w", name, err)
	}
	return values, nil
}
