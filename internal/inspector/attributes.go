package inspector

import "slices"

// MaxUserAttributes is how many user attributes a finding can have: what a
// UserAttributeList holds, which they are described in (service-2.json).
const MaxUserAttributes = 10

// AttributeChange changes the user attributes of findings: keys that are removed,
// and attributes that are set, in place of those with the same keys.
type AttributeChange struct {
	Remove []string
	Set    []Attribute
}

// Of returns the attributes after the change, in the order in which they were set.
// The ones before are left as they are.
func (c AttributeChange) Of(before []Attribute) []Attribute {
	after := slices.DeleteFunc(slices.Clone(before), func(a Attribute) bool { return slices.Contains(c.Remove, a.Key) })
	for _, a := range c.Set {
		if i := slices.IndexFunc(after, func(b Attribute) bool { return b.Key == a.Key }); i >= 0 {
			after[i] = a
		} else {
			after = append(after, a)
		}
	}
	return after
}
