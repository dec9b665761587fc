package sshd

import "strings"

// keyword is what sshd knows of a keyword of sshd_config(5).
type keyword struct {
	name  string
	is    string  // the keyword that it is another name of
	kind  kind    // what its arguments are
	match Version // since when it may stand in a Match block; never if it may not
	since Version // the release that brought it
	until Version // the release that took it away or made it do nothing; zero: none
}

// never is a release that never comes.
const never Version = 1 << 20

// keywords are those of every release since 5.3, and those that Debian's and
// Red Hat's patches add. Aliases follow what they stand for. A keyword that some
// release made do nothing has a second entry of kind nothing.
var keywords = index([]keyword{
	{"usepam", "", flag, never, 0, 0},
	{"pamservicename", "", word, 0, 908, 0},
	{"pamauthenticationviakbdint", "", nothing, never, 0, 0},
	{"port", "", port, never, 0, 0},
	{"hostkey", "", word, never, 0, 0},
	{"hostdsakey", "hostkey", word, never, 0, 0},
	{"hostkeyagent", "", word, never, 603, 0},
	{"pidfile", "", word, never, 0, 0},
	{"modulifile", "", word, never, 806, 0},
	{"serverkeybits", "", number, never, 0, 704},
	{"serverkeybits", "", nothing, never, 704, 0},
	{"logingracetime", "", duration, never, 0, 0},
	{"keyregenerationinterval", "", duration, never, 0, 704},
	{"keyregenerationinterval", "", nothing, never, 704, 0},
	{"permitrootlogin", "", rootLogin, 0, 0, 0},
	{"syslogfacility", "", facility, never, 0, 0},
	{"loglevel", "", level, 706, 0, 0},
	{"logverbose", "", list, 0, 805, 0},
	{"rhostsauthentication", "", nothing, never, 0, 0},
	{"rhostsrsaauthentication", "", flag, 0, 0, 704},
	{"rhostsrsaauthentication", "", nothing, 0, 704, 0},
	{"hostbasedauthentication", "", flag, 0, 0, 0},
	{"hostbasedusesnamefrompacketonly", "", flag, 506, 0, 0},
	{"hostbasedacceptedalgorithms", "", algorithms, 0, 805, 0},
	{"hostbasedacceptedkeytypes", "hostbasedacceptedalgorithms", algorithms, 0, 608, 0},
	{"hostkeyalgorithms", "", algorithms, never, 700, 0},
	{"rsaauthentication", "", flag, 0, 0, 704},
	{"rsaauthentication", "", nothing, 0, 704, 0},
	{"pubkeyauthentication", "", flag, 0, 0, 0},
	{"pubkeyacceptedalgorithms", "", algorithms, 0, 805, 0},
	{"pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms", algorithms, 0, 608, 0},
	{"pubkeyauthoptions", "", keyOptions, 0, 802, 0},
	{"dsaauthentication", "pubkeyauthentication", flag, never, 0, 0},
	{"kerberosauthentication", "", flag, 0, 0, 0},
	{"kerberosorlocalpasswd", "", flag, never, 0, 0},
	{"kerberosticketcleanup", "", flag, never, 0, 0},
	{"kerberosgetafstoken", "", nothing, never, 0, 0},
	{"kerberostgtpassing", "", nothing, never, 0, 0},
	{"afstokenpassing", "", nothing, never, 0, 0},
	{"gssapiauthentication", "", flag, 0, 0, 0},
	{"gssapicleanupcredentials", "", flag, never, 0, 0},
	{"gssapidelegatecredentials", "", flag, never, 1003, 0},
	{"gssapistrictacceptorcheck", "", flag, never, 0, 0},
	{"gssapikeyexchange", "", flag, never, 0, 0},             // Debian, Red Hat
	{"gssapistorecredentialsonrekey", "", flag, never, 0, 0}, // Debian, Red Hat
	{"gssapikexalgorithms", "", word, never, 0, 0},           // Debian, Red Hat
	{"gssapienablek5users", "", flag, never, 0, 0},           // Red Hat
	{"kerberosuniqueccache", "", flag, never, 0, 0},          // Red Hat
	{"kerberosusekuserok", "", flag, 0, 0, 0},                // Red Hat
	{"rsaminsize", "requiredrsasize", number, 0, 800, 0},     // Red Hat
	{"debianbanner", "", flag, never, 0, 0},                  // Debian
	{"passwordauthentication", "", flag, 0, 0, 0},
	{"kbdinteractiveauthentication", "", flag, 0, 0, 0},
	{"challengeresponseauthentication", "", flag, never, 0, 807},
	{"challengeresponseauthentication", "kbdinteractiveauthentication", flag, 0, 807, 0},
	{"skeyauthentication", "challengeresponseauthentication", flag, never, 0, 708},
	{"skeyauthentication", "", nothing, never, 708, 807},
	{"skeyauthentication", "kbdinteractiveauthentication", flag, 0, 807, 0},
	{"zeroknowledgepasswordauthentication", "", flag, 0, 0, 606},
	{"checkmail", "", nothing, never, 0, 0},
	{"listenaddress", "", listen, never, 0, 0},
	{"addressfamily", "", family, never, 0, 0},
	{"printmotd", "", flag, never, 0, 0},
	{"printlastlog", "", flag, never, 0, 0},
	{"ignorerhosts", "", rhosts, 803, 0, 0},
	{"ignoreuserknownhosts", "", flag, never, 0, 0},
	{"x11forwarding", "", flag, 0, 0, 0},
	{"x11displayoffset", "", number, 0, 0, 0},
	{"x11uselocalhost", "", flag, 0, 0, 0},
	{"xauthlocation", "", word, never, 0, 0},
	{"strictmodes", "", flag, never, 0, 0},
	{"permitemptypasswords", "", flag, 0, 0, 0},
	{"permituserenvironment", "", word, never, 0, 0},
	{"uselogin", "", flag, never, 0, 704},
	{"uselogin", "", nothing, never, 704, 0},
	{"compression", "", compression, never, 0, 0},
	{"rekeylimit", "", rekey, 0, 603, 0},
	{"tcpkeepalive", "", flag, never, 0, 0},
	{"keepalive", "tcpkeepalive", flag, never, 0, 0},
	{"allowtcpforwarding", "", forward, 0, 0, 0},
	{"allowagentforwarding", "", flag, 0, 0, 0},
	{"allowusers", "", users, 601, 0, 0},
	{"denyusers", "", users, 601, 0, 0},
	{"allowgroups", "", list, 601, 0, 0},
	{"denygroups", "", list, 601, 0, 0},
	{"ciphers", "", algorithms, never, 0, 0},
	{"macs", "", algorithms, never, 0, 0},
	{"protocol", "", protocol, never, 0, 704},
	{"protocol", "", nothing, never, 704, 0},
	{"gatewayports", "", gateway, 0, 0, 0},
	{"subsystem", "", subsystem, 905, 0, 0},
	{"maxstartups", "", startups, never, 0, 0},
	{"persourcemaxstartups", "", word, never, 805, 0},
	{"persourcenetblocksize", "", word, never, 805, 0},
	{"persourcepenalties", "", list, never, 908, 0},
	{"persourcepenaltyexemptlist", "", word, never, 908, 0},
	{"maxauthtries", "", number, 0, 0, 0},
	{"maxsessions", "", number, 0, 0, 0},
	{"banner", "", word, 0, 0, 0},
	{"usedns", "", flag, never, 0, 0},
	{"verifyreversemapping", "", nothing, never, 0, 0},
	{"reversemappingcheck", "", nothing, never, 0, 0},
	{"clientaliveinterval", "", duration, 704, 0, 0},
	{"clientalivecountmax", "", number, 704, 0, 0},
	{"authorizedkeysfile", "", list, 506, 0, 0},
	{"authorizedkeysfile2", "", nothing, 506, 0, 0},
	{"useprivilegeseparation", "", word, never, 0, 705},
	{"useprivilegeseparation", "", nothing, never, 705, 0},
	{"acceptenv", "", names, 601, 0, 0},
	{"setenv", "", assignments, 0, 708, 0},
	{"permittunnel", "", tunnel, 506, 0, 0},
	{"permittty", "", flag, 0, 605, 0},
	{"permituserrc", "", flag, 0, 607, 0},
	{"match", "", matchLine, 0, 0, 0},
	{"permitopen", "", permit, 0, 0, 0},
	{"permitlisten", "", permit, 0, 708, 0},
	{"forcecommand", "", text, 0, 0, 0},
	{"chrootdirectory", "", word, 0, 0, 0},
	{"hostcertificate", "", word, never, 504, 0},
	{"revokedkeys", "", word, 0, 504, 0},
	{"trustedusercakeys", "", word, 0, 504, 0},
	{"authorizedprincipalsfile", "", word, 0, 506, 0},
	{"kexalgorithms", "", algorithms, never, 507, 0},
	{"include", "", includeLine, 0, 802, 0},
	{"ipqos", "", words, 0, 507, 0},
	{"authorizedkeyscommand", "", program, 0, 602, 0},
	{"authorizedkeyscommanduser", "", word, 0, 602, 0},
	{"authorizedkeyscommandrunas", "authorizedkeyscommanduser", word, 0, 0, 602}, // Red Hat
	{"authorizedprincipalscommand", "", program, 0, 609, 0},
	{"authorizedprincipalscommanduser", "", word, 0, 609, 0},
	{"versionaddendum", "", text, never, 601, 0},
	{"authenticationmethods", "", methods, 0, 602, 0},
	{"streamlocalbindmask", "", mask, 0, 607, 0},
	{"streamlocalbindunlink", "", flag, 0, 607, 0},
	{"allowstreamlocalforwarding", "", forward, 0, 607, 0},
	{"fingerprinthash", "", digest, never, 608, 0},
	{"disableforwarding", "", flag, 0, 704, 0},
	{"exposeauthinfo", "", flag, 0, 706, 0},
	{"rdomain", "", routing, 0, 707, 0},
	{"casignaturealgorithms", "", algorithms, 0, 709, 0},
	{"securitykeyprovider", "", word, never, 802, 0},
	{"requiredrsasize", "", number, 0, 807, 0}, // 9.1; Red Hat has it in 8.7
	{"channeltimeout", "", timeouts, 0, 902, 0},
	{"unusedconnectiontimeout", "", duration, 0, 902, 0},
	{"sshdsessionpath", "", word, never, 908, 0},
	{"sshdauthpath", "", word, never, 1000, 0},
	{"refuseconnection", "", flag, 0, 909, 0},
})

func index(list []keyword) map[string][]keyword {
	byName := make(map[string][]keyword, len(list))
	for _, k := range list {
		if k.is == "" {
			k.is = k.name
		}
		byName[k.name] = append(byName[k.name], k)
	}
	return byName
}

// lookup finds what a word means to a release. A release that is not known is
// taken to know every keyword, in its newest meaning.
func lookup(word string, v Version) (keyword, bool) {
	meanings := keywords[strings.ToLower(word)]
	for i := len(meanings) - 1; i >= 0; i-- {
		k := meanings[i]
		if v == 0 || v >= k.since && (k.until == 0 || v < k.until) {
			return k, true
		}
	}
	return keyword{}, false
}

// accumulates tells whether every line of a keyword counts, not only the first.
func accumulates(name string) bool {
	switch name {
	case "allowusers", "denyusers", "allowgroups", "denygroups", "acceptenv", "port", "listenaddress", "hostkey", "subsystem":
		return true
	}
	return false
}
