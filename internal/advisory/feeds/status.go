package feeds

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/advisory/index"
)

// Status is how things are in a folder.
type Status struct {
	Folder   string
	Hash     string // of the set; empty: there is none
	Built    time.Time
	Newest   time.Time // advisory
	Sources  []index.Source
	Entries  []Entry // that are followed or were imported
	Problems []string
}

// Status tells how things are, and what is wrong with them: sources that were last known
// to be current longer ago than limit, feeds whose last update failed or that the set
// lacks. It changes nothing.
func (f *Folder) Status(limit time.Duration) (Status, error) {
	st := Status{Folder: f.dir}
	var err error
	if st.Entries, err = f.Entries(); err != nil {
		return st, err
	}
	for i := range st.Entries {
		st.Entries[i].Address = st.Entries[i].Where() // without credentials
	}
	m, err := f.current(false)
	switch {
	case errors.Is(err, index.ErrNoIndex), errors.Is(err, index.ErrDamaged):
		st.Problems = append(st.Problems, err.Error())
	case err != nil:
		return st, err
	default:
		st.Hash, st.Built, st.Newest, st.Sources = m.Hash(), m.Built, m.Newest(), m.Sources
	}
	now := f.now()
	for _, s := range st.Sources {
		if age := now.Sub(s.Fetched); age > limit {
			st.Problems = append(st.Problems, fmt.Sprintf("%s was last known to be current %s ago", s.Name, Age(age)))
		}
	}
	for _, e := range st.Entries {
		switch {
		case e.Error != "":
			st.Problems = append(st.Problems, "the last update failed: "+e.Error)
		case e.File == "":
			st.Problems = append(st.Problems, e.Name+" was not fetched yet: assay feeds update")
		}
	}
	return st, nil
}

// Age is a duration for people.
func Age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", max(int(d.Minutes()), 0))
}

// Verify reads all originals and the whole set, and tells which of them are not as they
// were fetched and built.
func (f *Folder) Verify(ctx context.Context) (problems []string, err error) {
	entries, err := f.Entries()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if e.File != "" && !f.whole(&e.Original) {
			problems = append(problems, fmt.Sprintf("the original of %s, %s, is missing or was changed: assay feeds update fetches it again", e.Name, e.File))
		}
	}
	if _, err := f.current(true); err != nil {
		problems = append(problems, err.Error())
	}
	return problems, nil
}
