package redact

import (
	"regexp"
	"strings"
)

// Credentials end at the last at sign: one that is not escaped in a password is
// common enough, and so is a slash (RFC 3986, 3.2.1 allows neither).
var (
	withPassword = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@"'<>]*:)[^\s"']*@`)
	onlyToken    = regexp.MustCompile(`((?i:https?|ftps?|wss?|socks5h?)://)[^\s/?#:@"'<>]+@`)
)

// urls redacts the credentials of URLs.
func (s *scanner) urls(line string) string {
	if !strings.Contains(line, "://") || !strings.Contains(line, "@") {
		return line
	}
	for _, re := range []*regexp.Regexp{withPassword, onlyToken} {
		line = s.userinfo(line, re)
	}
	return line
}

func (s *scanner) userinfo(line string, re *regexp.Regexp) string {
	return re.ReplaceAllStringFunc(line, func(match string) string {
		if strings.HasSuffix(match, marker+"@") {
			return match
		}
		m := re.FindStringSubmatchIndex(match)
		s.count++
		return match[:m[3]] + marker + "@"
	})
}

// URL redacts the credentials of one URL, or of the source of a mount: also
// "//user:password@server/share".
func URL(source string) string {
	if rest, ok := strings.CutPrefix(source, "//"); ok {
		return strings.TrimPrefix(URL("smb://"+rest), "smb:")
	}
	var s scanner
	return s.urls(source)
}

// secretOptions are mount options whose values are secrets although their names
// do not look like it (mount.cifs(8), mount.ecryptfs(8), mount.davfs(8)).
var secretOptions = map[string]bool{
	"pass": true, "password2": true, "cred": true, "credentials": true, "sig": true, "ecryptfs_sig": true,
	"ecryptfs_fnek_sig": true, "ecryptfs_passwd": true, "key": true, "secret": true, "fnek_sig": true, "keyid": true,
}

// MountOptions redacts the values of secrets among mount options.
func MountOptions(options []string) []string {
	list := make([]string, len(options))
	for i, o := range options {
		list[i] = option(o)
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

func option(o string) string {
	name, value, ok := strings.Cut(o, "=")
	switch {
	case !ok || value == "":
		return o
	case secretOptions[strings.ToLower(name)], secretName(name):
		return name + "=" + marker
	}
	user, _, ok := strings.Cut(value, "%") // "user=name%password" of old mount.cifs
	if ok && (name == "user" || name == "username") {
		return name + "=" + user + "%" + marker
	}
	return name + "=" + URL(value)
}
