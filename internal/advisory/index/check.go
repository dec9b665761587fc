package index

import (
	"fmt"

	"assay/internal/advisory"
)

// Checker tells what a Builder with the usual memory would not take, without building:
// so that a feed can be looked through before it takes the place of another. Its zero
// value is ready. Not for concurrent use.
type Checker struct{ encoder encoder }

// Record says why an advisory would be refused.
func (c *Checker) Record(r *advisory.Record) error {
	if err := checkRecord(r); err != nil {
		return err
	}
	if !r.Withdrawn.IsZero() {
		return nil
	}
	return c.encoder.record(r, func(i item) error { return checkSize(r.ID, i, DefaultMemory) })
}

// Fact says why a fact would be refused.
func (c *Checker) Fact(f *advisory.Fact) error {
	if err := checkFact(f); err != nil {
		return err
	}
	return checkSize(f.ID, c.encoder.fact(f), DefaultMemory)
}

// Statement says why a statement would be refused by itself. How many a set may have
// is not looked at.
func (c *Checker) Statement(s *advisory.Statement) error {
	_, err := statementLine(s)
	return err
}

// checkSize bounds an item to what can be sorted in some bytes of memory.
func checkSize(id string, i item, memory int) error {
	if most := memory / 4; len(i) > most {
		return fmt.Errorf("%s: a record takes %d bytes, and at most %d are allowed", id, len(i), most)
	}
	return nil
}
