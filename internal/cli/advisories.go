package cli

import "assay/internal/advisory/index"

// advisories is the set in a folder, for as long as the command runs. That there is
// none, or that it is damaged, is no error of the command: the rules say that nothing
// could be compared.
type advisories struct {
	index.Current
	err error
}

func openAdvisories(dir string) *advisories {
	set, err := index.Open(dir)
	a := &advisories{err: err}
	if err == nil {
		a.err = a.Replace(set)
	}
	return a
}

// Use implements cve.Advisories.
func (a *advisories) Use() (*index.Set, error) {
	if a.err != nil {
		return nil, a.err
	}
	return a.Current.Use()
}

// close lets go of the set. What was read of it was read.
func (a *advisories) close() { _ = a.Replace(nil) }
