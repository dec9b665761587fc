package advisory

import "assay/internal/version"

// Contains tells whether a version is in the range, in the order of a scheme.
// What is compared with must be versions of it (Scheme.Check): else the answer
// means nothing.
func (r Range) Contains(s version.Scheme, v string) bool {
	if !r.FromFirst() && s.Compare(v, r.Introduced) < 0 {
		return false
	}
	switch {
	case r.Fixed != "":
		return s.Compare(v, r.Fixed) < 0
	case r.LastAffected != "":
		return s.Compare(v, r.LastAffected) <= 0
	}
	return true
}

// FromFirst tells whether the range begins with the first version there is.
func (r Range) FromFirst() bool { return r.Introduced == "" || r.Introduced == "0" }

// Check returns an error if a bound of the range is no version of a scheme.
func (r Range) Check(s version.Scheme) error {
	if !r.FromFirst() {
		if err := s.Check(r.Introduced); err != nil {
			return err
		}
	}
	for _, end := range [...]string{r.Fixed, r.LastAffected} {
		if end == "" {
			continue
		}
		if err := s.Check(end); err != nil {
			return err
		}
	}
	return nil
}
