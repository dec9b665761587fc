package advisory

// Put hands a record on.
func (e Emit) Put(r Record) error {
	if e.Record == nil {
		return nil
	}
	return e.Record(r)
}

// PutFact hands a fact on.
func (e Emit) PutFact(f Fact) error {
	if e.Fact == nil {
		return nil
	}
	return e.Fact(f)
}

// PutStatement hands a statement on.
func (e Emit) PutStatement(s Statement) error {
	if e.Statement == nil {
		return nil
	}
	return e.Statement(s)
}

// Skipped tells of what cannot be used.
func (e Emit) Skipped(record, part, why string) {
	if e.Skip != nil {
		e.Skip(Skip{Record: record, Part: part, Why: why})
	}
}

// Is tells what the feed says of itself.
func (e Emit) Is(edition Edition) {
	if e.Edition != nil {
		e.Edition(edition)
	}
}
