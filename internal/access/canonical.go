package access

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text that is signed: method, path, query, the signed
// headers, their names, and the hash of the body, each on lines of its own.
// signed are the names in lower case.
func canonicalRequest(r *http.Request, signed []string, payloadHash string) []byte {
	path, query := target(r)
	out := make([]byte, 0, 1024)
	out = append(out, r.Method...)
	out = append(out, '\n')
	out = append(out, canonicalPath(path)...)
	out = append(out, '\n')
	out = append(out, canonicalQuery(query)...)
	out = append(out, '\n')
	for _, name := range signed {
		out = append(out, name...)
		out = append(out, ':')
		for i, value := range headerValues(r, name) {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendTrimmed(out, value)
		}
		out = append(out, '\n')
	}
	out = append(out, '\n')
	out = append(out, strings.Join(signed, ";")...)
	out = append(out, '\n')
	return append(out, payloadHash...)
}

// target is the path and the raw query as the client sent them.
func target(r *http.Request) (path, query string) {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, query, _ = strings.Cut(r.RequestURI, "?")
		return path, query
	}
	return r.URL.EscapedPath(), r.URL.RawQuery
}

// headerValues are the values of a header, of which Go keeps two outside the map.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if r.ContentLength < 0 {
			return nil
		}
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return r.Header[http.CanonicalHeaderKey(name)]
}

// canonicalPath is the path with "." and ".." and empty segments resolved and
// everything but unreserved characters and slashes encoded. What the client had
// encoded is thereby encoded twice, as every service but S3 wants it.
func canonicalPath(path string) string {
	segments := []string{}
	for s := range strings.SplitSeq(path, "/") {
		switch s {
		case "", ".":
		case "..":
			segments = segments[:max(0, len(segments)-1)]
		default:
			segments = append(segments, escape(s))
		}
	}
	if len(segments) == 0 {
		return "/"
	}
	out := "/" + strings.Join(segments, "/")
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..") {
		out += "/"
	}
	return out
}

type parameter struct{ name, value string }

// canonicalQuery sorts the parameters by name and value, encoded anew. The
// signature itself is no part of it.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var parameters []parameter
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		p := parameter{escape(unescape(name)), escape(unescape(value))}
		if part != "" && p.name != "X-Amz-Signature" {
			parameters = append(parameters, p)
		}
	}
	slices.SortFunc(parameters, func(a, b parameter) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	pairs := make([]string, len(parameters))
	for i, p := range parameters {
		pairs[i] = p.name + "=" + p.value
	}
	return strings.Join(pairs, "&")
}

// escape encodes as RFC 3986 does, all but unreserved characters.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	i := 0
	for i < len(s) && unreserved(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	out := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// unescape decodes %XX. Unlike in forms, a plus is a plus; what is no escape
// stays as it is.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// appendTrimmed appends a header's value without blanks around it, and with one
// blank for each run of them inside.
func appendTrimmed(out []byte, value string) []byte {
	for i, word := range strings.FieldsFunc(value, isBlank) {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, word...)
	}
	return out
}

func isBlank(c rune) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
