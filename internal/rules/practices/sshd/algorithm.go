package sshd

import (
	"fmt"
	"strings"
)

// algorithmNames are the names that each of these keywords takes, or took, and
// the release that knows them no more; zero if all do. That a release is too old
// for a name is not told from here: distributions bring them to older ones. Key
// types, which may have wildcards, are not checked.
var algorithmNames = map[string]map[string]Version{
	"ciphers": {
		"3des-cbc": 0, "aes128-cbc": 0, "aes192-cbc": 0, "aes256-cbc": 0, "aes128-ctr": 0, "aes192-ctr": 0, "aes256-ctr": 0,
		"aes128-gcm@openssh.com": 0, "aes256-gcm@openssh.com": 0, "chacha20-poly1305@openssh.com": 0,
		"rijndael-cbc@lysator.liu.se": 805, "arcfour": 706, "arcfour128": 706, "arcfour256": 706, "blowfish-cbc": 706,
		"cast128-cbc": 706, "acss@openssh.org": 602,
	},
	"macs": {
		"hmac-md5": 0, "hmac-md5-96": 0, "hmac-sha1": 0, "hmac-sha1-96": 0, "hmac-sha2-256": 0, "hmac-sha2-512": 0,
		"umac-64@openssh.com": 0, "umac-128@openssh.com": 0,
		"hmac-md5-etm@openssh.com": 0, "hmac-md5-96-etm@openssh.com": 0, "hmac-sha1-etm@openssh.com": 0,
		"hmac-sha1-96-etm@openssh.com": 0, "hmac-sha2-256-etm@openssh.com": 0, "hmac-sha2-512-etm@openssh.com": 0,
		"umac-64-etm@openssh.com": 0, "umac-128-etm@openssh.com": 0,
		"hmac-ripemd160": 706, "hmac-ripemd160@openssh.com": 706, "hmac-ripemd160-etm@openssh.com": 706,
		"hmac-sha2-256-96": 601, "hmac-sha2-512-96": 601,
	},
	"kexalgorithms": {
		"diffie-hellman-group1-sha1": 0, "diffie-hellman-group14-sha1": 0, "diffie-hellman-group14-sha256": 0,
		"diffie-hellman-group16-sha512": 0, "diffie-hellman-group18-sha512": 0, "diffie-hellman-group-exchange-sha1": 0,
		"diffie-hellman-group-exchange-sha256": 0, "ecdh-sha2-nistp256": 0, "ecdh-sha2-nistp384": 0, "ecdh-sha2-nistp521": 0,
		"curve25519-sha256": 0, "curve25519-sha256@libssh.org": 0, "sntrup761x25519-sha512": 0,
		"sntrup761x25519-sha512@openssh.com": 0, "mlkem768x25519-sha256": 0, "mlkem768nistp256-sha256": 0,
		"sntrup4591761x25519-sha512@tinyssh.org": 805,
	},
}

// algorithmsKnown tells why a release refuses a list of algorithms; nil if it
// does not. A list that takes away from the default ("-") may name anything.
func (k keyword) algorithmsKnown(list string, v Version) error {
	names, checked := algorithmNames[k.is]
	if !checked || strings.HasPrefix(list, "-") {
		return nil
	}
	rest := strings.TrimLeft(list[:1], "+^") + list[1:]
	if rest == "" {
		return fmt.Errorf("%s: bad algorithm '%s'", k.name, list)
	}
	for name := range strings.SplitSeq(rest, ",") {
		if name == "" {
			break // for sshd the list ends here
		}
		if gone, known := names[name]; !known || gone != 0 && (v == 0 || v >= gone) {
			return fmt.Errorf("%s: bad algorithm '%s'", k.name, list)
		}
	}
	return nil
}
