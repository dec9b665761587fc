package version

// compareGem is Gem::Version#<=> (RubyGems 3): numbers and words in turn, whatever
// is between them; zeros at the end, and before the first word, do not count; a
// word is older than a number and than the end.
func compareGem(a, b string) int {
	var x, y gemReader
	x.text, y.text = a, b
	for {
		m, n := x.next(), y.next()
		if m == "" && n == "" {
			return 0
		}
		if c := compareGemSegments(m, n); c != 0 {
			return c
		}
	}
}

// compareGemSegments compares segments; an empty one is the end, and as good as 0.
func compareGemSegments(a, b string) int {
	x, y := isNumber(a), isNumber(b)
	switch {
	case x && y:
		return compareNumbers(a, b)
	case x:
		return 1
	case y:
		return -1
	}
	return compareBytes(a, b)
}

// gemReader reads the segments that count. A hyphen stands for ".pre.".
type gemReader struct {
	text  string
	words bool // a word has come
	zeros int  // that were passed over and turned out to count
	kept  string
}

// next is the next segment; empty at the end.
func (r *gemReader) next() string {
	if r.zeros > 0 {
		r.zeros--
		return "0"
	}
	if s := r.kept; s != "" {
		r.kept = ""
		return s
	}
	zeros := 0
	for {
		s := r.segment()
		switch {
		case s == "":
			return ""
		case isDigit(s[0]) && compareNumbers(s, "") == 0:
			zeros++ // counts if something other than a word, or the end, follows
			continue
		}
		first := !isDigit(s[0]) && !r.words
		r.words = r.words || !isDigit(s[0])
		if zeros > 0 && !first {
			r.zeros, r.kept = zeros-1, s
			return "0"
		}
		return s
	}
}

// segment is the next run of digits or letters; empty at the end.
func (r *gemReader) segment() string {
	for r.text != "" && !isAlnum(r.text[0]) {
		hyphen := r.text[0] == '-'
		r.text = r.text[1:]
		if hyphen {
			return "pre"
		}
	}
	if r.text == "" {
		return ""
	}
	of := letter
	if isDigit(r.text[0]) {
		of = digit
	}
	n := span(r.text, of)
	s := r.text[:n]
	r.text = r.text[n:]
	return s
}

// checkGem is Gem::Version.correct?: an empty version is 0.
func checkGem(v string) string {
	if v == "" {
		return ""
	}
	main, pre := v, ""
	for i := range len(v) {
		if v[i] == '-' {
			main, pre = v[:i], v[i+1:]
			if pre == "" || !allIdentifiers(pre, alphanumeric|hyphen) {
				return "nothing that can be a pre-release is behind its hyphen"
			}
			break
		}
	}
	if main == "" || !allIdentifiers(main, alphanumeric) || span(main, digit) == 0 {
		return "it is not a number, and letters and digits with dots between them"
	}
	if n := span(main, digit); n < len(main) && main[n] != '.' {
		return "a dot has to follow its first number"
	}
	return ""
}
