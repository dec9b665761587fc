package firstbytes

// Table is the signs of what one end says, as the program in the kernel steps through
// them: bit i of its numbers is the i-th sign. Its form in memory is the kernel's.
type Table struct {
	All     uint64
	Allowed [Window][256]uint64 // signs that have the byte there
	Ends    [Window]uint64      // signs that have their last byte there
	Class   [Signs]Class
	Decides [Signs]uint8 // bit of a Role: nothing more need be known of a socket that has it
}

// Of is the table of what one end says.
func Of(by Role) *Table {
	t, i := &Table{}, 0
	for _, s := range signs {
		if s.by == by {
			t.add(i, s)
			i++
		}
	}
	return t
}

func (t *Table) add(i int, s sign) {
	bit := uint64(1) << i
	t.All |= bit
	t.Class[i] = s.class
	for _, r := range s.decides {
		t.Decides[i] |= 1 << r
	}
	for at, set := range s.bytes {
		for b, in := range set {
			if in {
				t.Allowed[at][b] |= bit
			}
		}
	}
	t.Ends[len(s.bytes)-1] |= bit
}

// Match tells what a stream begins as: what the program in the kernel does (match in
// c/protocols.bpf.c), for tests of it. The sign is the number of the one that matched.
func (t *Table) Match(stream []byte) (c Class, sign int) {
	candidates := t.All
	for at, b := range stream[:min(len(stream), Window)] {
		candidates &= t.Allowed[at][b]
		if ended := candidates & t.Ends[at]; ended != 0 {
			for i := range Signs {
				if ended&(1<<i) != 0 {
					return t.Class[i], i
				}
			}
		}
		if candidates == 0 {
			return Unknown, -1
		}
	}
	if len(stream) < Window {
		return Silent, -1
	}
	return Unknown, -1
}
