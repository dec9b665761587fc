package accounts

import (
	"strings"

	"assay/internal/telemetry"
)

// algorithms are the prefixes of crypt(5).
var algorithms = []struct{ prefix, name string }{
	{"$y$", "yescrypt"},
	{"$gy$", "gost-yescrypt"},
	{"$7$", "scrypt"},
	{"$6$", "sha512"},
	{"$5$", "sha256"},
	{"$2a$", "bcrypt"}, {"$2b$", "bcrypt"}, {"$2x$", "bcrypt"}, {"$2y$", "bcrypt"},
	{"$sha1$", "sha1"},
	{"$md5", "sunmd5"},
	{"$1$", "md5"},
	{"$3$", "nt"},
	{"$argon2", "argon2"},
	{"_", "bsdi-des"},
}

// password reduces a password field to its state and its algorithm.
func password(field string) (telemetry.PasswordState, string) {
	switch {
	case field == "":
		return telemetry.PasswordEmpty, ""
	case field == "x":
		return telemetry.PasswordShadowed, ""
	case strings.HasPrefix(field, "##"): // in "password.adjunct" of NIS
		return telemetry.PasswordShadowed, ""
	}
	hash := strings.TrimLeft(field, "!")
	locked := hash != field
	if rest, ok := strings.CutPrefix(hash, "*LK*"); ok {
		hash, locked = rest, true
	}
	algorithm, ok := algorithmOf(hash)
	switch {
	case !ok:
		return telemetry.PasswordDisabled, ""
	case locked:
		return telemetry.PasswordLocked, algorithm
	}
	return telemetry.PasswordUsable, algorithm
}

// algorithmOf tells which algorithm a hash is of. What crypt(3) could not have
// made matches no password.
func algorithmOf(hash string) (string, bool) {
	for _, a := range algorithms {
		rest, ok := strings.CutPrefix(hash, a.prefix)
		if ok && len(rest) >= 8 {
			return a.name, true
		}
	}
	if strings.HasPrefix(hash, "$") && strings.Count(hash, "$") >= 3 {
		return "unknown", true // of a library that is newer than this list
	}
	if len(hash) >= 13 && strings.Trim(hash, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" {
		return "des", true
	}
	return "", false
}
