package pam

// Classes counts the characters of a password by class.
type Classes struct{ Lower, Upper, Digit, Other int }

func (c Classes) length() int { return c.Lower + c.Upper + c.Digit + c.Other }

// kinds is how many classes there are.
func (c Classes) kinds() int {
	n := 0
	for _, count := range []int{c.Lower, c.Upper, c.Digit, c.Other} {
		if count > 0 {
			n++
		}
	}
	return n
}

// Demand is what a module demands of a new password, as far as length and
// classes go. A password that it accepts stays accepted when characters are
// added.
type Demand interface {
	// Accepts tells whether some password of that composition is accepted.
	Accepts(Classes) bool
	// enough is a length beyond which the answer depends on the classes only,
	// not on the length.
	enough() int
}

// credits is the arithmetic of pam_cracklib and pam_pwquality: a credit above zero shortens the demanded length by as many characters
// of the class as there are, at most by the credit; one below zero demands as
// many.
type credits struct {
	length                     int // before credits
	lower, upper, digit, other int
	kinds                      int // how many classes there must be (minclass)
	floor                      int // a length that no credit shortens
}

func (d credits) Accepts(c Classes) bool {
	size := d.length
	for _, of := range [4][2]int{{d.lower, c.Lower}, {d.upper, c.Upper}, {d.digit, c.Digit}, {d.other, c.Other}} {
		credit, count := of[0], of[1]
		switch {
		case credit >= 0:
			size -= min(credit, count)
		case count < -credit:
			return false
		}
	}
	return c.length() >= max(size, d.floor) && c.kinds() >= d.kinds
}

func (d credits) enough() int {
	n := max(d.length, d.floor)
	for _, credit := range []int{d.lower, d.upper, d.digit, d.other} {
		n += max(-credit, 0)
	}
	return n
}

// phrases is passwdqc's min=N0,N1,N2,N3,N4: the length that a password of one
// class, of two, of three, of four must have, and (N2) a passphrase. A capital
// at the beginning and a digit at the end do not count there, but a user can put
// them elsewhere.
type phrases struct {
	one, two, three, four int
	phrase                int
}

func (d phrases) enough() int {
	n := 0
	for _, length := range []int{d.one, d.two, d.three, d.four, d.phrase} {
		if length < disabled {
			n = max(n, length)
		}
	}
	return n
}

// disabled is a length that no password has.
const disabled = 1<<31 - 1

func (d phrases) Accepts(c Classes) bool {
	n := c.length()
	if n >= d.phrase {
		return true
	}
	return n >= [5]int{disabled, d.one, d.two, d.three, d.four}[c.kinds()]
}

// LongestSearched bounds what Shortest tells apart: demands beyond it are all
// LongestSearched.
const LongestSearched = 64

// shortest is the length of the shortest password that all accept.
func shortest(demands []Demand) int {
	for n := 1; n < LongestSearched; n++ {
		if someOf(n, func(c Classes) bool { return all(demands, c) }) {
			return n
		}
	}
	return LongestSearched
}

// someOf tells whether there is a composition of that length that has the
// property.
func someOf(n int, property func(Classes) bool) bool {
	for lower := 0; lower <= n; lower++ {
		for upper := 0; lower+upper <= n; upper++ {
			for digit := 0; lower+upper+digit <= n; digit++ {
				if property(Classes{lower, upper, digit, n - lower - upper - digit}) {
					return true
				}
			}
		}
	}
	return false
}

func all(demands []Demand, c Classes) bool {
	for _, d := range demands {
		if !d.Accepts(c) {
			return false
		}
	}
	return true
}

// refusable tells whether d refuses a password that the others accept.
func refusable(d Demand, others []Demand) bool {
	longest := d.enough()
	for _, o := range others {
		longest = max(longest, o.enough())
	}
	for n := 1; n < LongestSearched && n <= longest+4; n++ {
		if someOf(n, func(c Classes) bool { return all(others, c) && !d.Accepts(c) }) {
			return true
		}
	}
	return false
}

// Class is a set of classes of characters.
type Class uint8

// The classes, named as the options that are about them.
const (
	Lower Class = 1 << iota
	Upper
	Digit
	Other
	AllClasses = Lower | Upper | Digit | Other
)

// demanded are the classes without which no password is accepted, however long.
func demanded(demands []Demand) Class {
	const plenty = 1 << 20
	var set Class
	for class, c := range map[Class]Classes{
		Lower: {0, plenty, plenty, plenty}, Upper: {plenty, 0, plenty, plenty},
		Digit: {plenty, plenty, 0, plenty}, Other: {plenty, plenty, plenty, 0},
	} {
		if !all(demands, c) {
			set |= class
		}
	}
	return set
}
