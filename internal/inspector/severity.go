package inspector

// Severity is how bad a finding is, in Inspector's words.
type Severity string

// The severities, worst first. Undefined is part of the API; no rule of ours has it.
const (
	High          Severity = "High"
	Medium        Severity = "Medium"
	Low           Severity = "Low"
	Informational Severity = "Informational"
	Undefined     Severity = "Undefined"
)

// Severities lists them all, worst first.
func Severities() []Severity { return []Severity{High, Medium, Low, Informational, Undefined} }

// Numeric is the number that Inspector gives to a severity.
func (s Severity) Numeric() float64 {
	switch s {
	case High:
		return 9
	case Medium:
		return 6
	case Low:
		return 3
	}
	return 0
}

// AtLeast tells whether s is as bad as threshold, or worse.
func (s Severity) AtLeast(threshold Severity) bool { return s.rank() <= threshold.rank() }

func (s Severity) rank() int {
	for i, t := range Severities() {
		if s == t {
			return i
		}
	}
	return len(Severities())
}
