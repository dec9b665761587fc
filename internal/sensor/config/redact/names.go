package redact

import (
	"strings"
	"unicode"
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// secretWords make a name one of a secret: DB_PASSWORD, secret-key, authToken.
var secretWords = set(`password passwd passphrase passcode pwd secret secrets token tokens psk credential credentials
	creds bindpw rootpw rootbindpw apikey authkey accesskey secretkey privatekey authpw passwd2 password2`)

// secretPairs do so as two words in a row.
var secretPairs = set(`api-key access-key secret-key private-key auth-key encryption-key signing-key account-key
	master-key shared-key license-key session-key storage-key pin-value user-pw admin-pw bind-pw root-pw
	server-pw client-pw wep-key wpa-key pre-shared preshared-key`)

// secretLast do so as the last word only: "pass" is a word of other names too.
var secretLast = set(`pass pw passwords`)

// secretEnds do so at the end of a name that is written in one: PGPASSWORD.
var secretEnds = []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey", "psk", "bindpw", "rootpw", "authtok",
	"dbpass", "userpass", "adminpass", "rootpass", "presharedkey", "masterkey", "privatekey"}

// aboutSecrets are last words of names that speak about secrets without being
// one: PasswordAuthentication, smtp_sasl_password_maps, passwd_timeout. These
// are what rules ask for.
var aboutSecrets = set(`authentication age aging length minlen maxlen file files path paths policy policies expire expires
	expiration expiry timeout tries retries attempts quality history change changes days type types style algorithm
	algorithms encryption required require requires enabled enable enables disabled disable allow allowed prompt prompts command cmd
	dir directory url uri attribute attr attrs name field mode method methods format max min count limit ttl lifetime store
	storage provider plugin module agent check checks login logins lock locked warn warning hidden visible maps map database
	db requests request watch wall program chat sync bits size version interval window reuse remember complexity strength
	strategy rounds delay idle hashing scheme backend service services socket group groups user users owner script line lines
	interactive override option options flags bucket ring family server host port env environment encoding case rotation
	location class filter label description summary help title text message source sources pattern regex`)

// aboutNames speak about passwords as whole names: of sudoers, nsswitch.conf.
var aboutNames = set(`nopasswd lock_passwd no_password ssh_pwauth targetpw rootpw_flag runaspw loadcredential loadcredentialencrypted
	importcredential`)

// secretName tells whether a name is one that a secret is given.
func secretName(name string) bool {
	lower := strings.ToLower(name)
	if aboutNames[lower] {
		return false
	}
	words := split(name)
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	if aboutSecrets[last] {
		return false
	}
	if secretLast[last] {
		return true
	}
	for i, w := range words {
		if secretWords[w] || i > 0 && secretPairs[words[i-1]+"-"+w] {
			return true
		}
	}
	trimmed := strings.TrimRight(lower, "0123456789_-.")
	for _, end := range secretEnds {
		if strings.HasSuffix(trimmed, end) {
			return true
		}
	}
	return false
}

// split takes a name apart into lower-case words: at everything that is no
// letter or digit, and where a capital follows a small letter.
func split(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, strings.ToLower(word.String()))
			word.Reset()
		}
	}
	small := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case small && unicode.IsUpper(r):
			end()
			word.WriteRune(r)
		default:
			word.WriteRune(r)
		}
		small = unicode.IsLower(r)
	}
	end()
	return words
}
