// Package settings reads a command's settings from where people put them: flags,
// the environment and one file. A setting has one name in all three: the flag
// -data-folder is the variable ASSAY_DATA_FOLDER and the line "data-folder = ..."
// of the file. A flag wins over the environment, and that over the file.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Source says where settings beside the flags come from.
type Source struct {
	Prefix string              // of environment variables: "ASSAY"
	Getenv func(string) string // os.Getenv, or a test's
	File   string              // a file that may be missing; empty: none
	Known  []string            // names that the file may have though this command does not use them
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
	return from.Fill(set)
}

// Fill sets the flags of a parsed set that the arguments did not. Errors name the
// place, never the value: it may be a secret that got into the wrong line.
func (s Source) Fill(set *flag.FlagSet) error {
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	file, err := s.read(set)
	if err != nil {
		return err
	}
	var problems []error
	set.VisitAll(func(f *flag.Flag) {
		if given[f.Name] || f.Name == FileFlag {
			return
		}
		where, value := "$"+s.variable(f.Name), s.Getenv(s.variable(f.Name))
		if line, ok := file[f.Name]; value == "" && ok {
			where, value = line.where, line.value
		} else if value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			problems = append(problems, fmt.Errorf("%s: that is no value for -%s: %s", where, f.Name, f.Usage))
		}
	})
	return errors.Join(problems...)
}

func (s Source) variable(name string) string {
	return s.Prefix + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

type line struct{ where, value string }

// Named is the file that the flag or its variable names, else File.
func (s Source) Named(set *flag.FlagSet) string {
	name, _ := s.named(set)
	return name
}

func (s Source) named(set *flag.FlagSet) (name string, must bool) {
	flagged := ""
	set.Visit(func(f *flag.Flag) {
		if f.Name == FileFlag {
			flagged = f.Value.String()
		}
	})
	if flagged != "" {
		return flagged, true
	}
	if value := s.Getenv(s.variable(FileFlag)); value != "" && set.Lookup(FileFlag) != nil {
		return value, true
	}
	return s.File, false
}

// read reads the file. A name that no flag has is an error: a setting that is
// misspelt must not look as if it were in force.
func (s Source) read(set *flag.FlagSet) (map[string]line, error) {
	name, must := s.named(set)
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
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("read the settings: %s has more than %d bytes", name, maxFile)
	}
	return s.parseFile(string(text), name, set)
}

// maxFile bounds a file of settings, in bytes.
const maxFile = 64 << 10

func (s Source) parseFile(text string, name string, set *flag.FlagSet) (map[string]line, error) {
	values := map[string]line{}
	n := 0
	for text := range strings.Lines(text) {
		n++
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s:%d", name, n)
		key, value, ok := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: a line is \"name = value\"", where)
		case set.Lookup(key) == nil && !slices.Contains(s.Known, key) || key == FileFlag:
			return nil, fmt.Errorf("%s: there is no setting %q", where, key)
		case values[key].where != "":
			return nil, fmt.Errorf("%s: %q is already set at %s", where, key, values[key].where)
		}
		values[key] = line{where, strings.TrimSpace(value)}
	}
	return values, nil
}
