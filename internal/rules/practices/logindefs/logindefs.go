// Package logindefs reads login.defs(5) as shadow-utils does (lib/getdef.c): what
// useradd(8) gives to new accounts. It knows nothing of hosts.
package logindefs

import (
	"math"
	"strconv"
	"strings"
)

// Entry is a setting where it is in force.
type Entry struct {
	Line  int // from 1
	Text  string
	Value string
}

// Lookup finds the setting that is in force: of several the last. Names are
// case-sensitive, comments stand in lines of their own, and a name without a
// value is nothing. Quotes around a value are dropped, as shadow-utils does up to
// 4.17.
func Lookup(text, name string) (Entry, bool) {
	var found Entry
	ok := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.Trim(line, " \t\n")
		if line == "" || line[0] == '#' {
			continue
		}
		end := strings.IndexAny(line, " \t")
		if end < 0 || line[:end] != name {
			continue
		}
		value := strings.TrimLeft(line[end:], " \t\"")
		value, _, _ = strings.Cut(value, "\"")
		found, ok = Entry{Line: number, Text: line, Value: value}, true
	}
	return found, ok
}

// Number reads a value as getdef_num does: decimal, octal after "0", hexadecimal
// after "0x", the whole of it. A value that is no number, or not within an int,
// is not ok: shadow-utils then takes its default.
func Number(value string) (n int, ok bool) {
	text := strings.TrimLeft(value, " \t\n\v\f\r")
	negative := strings.HasPrefix(text, "-")
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	if text != digits && len(text)-len(digits) != 1 || digits == "" {
		return 0, false
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0X"):
		base, digits = 16, digits[2:]
	case digits[0] == '0' && len(digits) > 1:
		base, digits = 8, digits[1:]
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil || v > math.MaxInt32 {
		return 0, false
	}
	if negative {
		return -int(v), true
	}
	return int(v), true
}
