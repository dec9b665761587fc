package practices

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/rules"
)

// The password stacks of distributions, as their packages make them.
const (
	// libpam-runtime 1.4.0-9 (11), 1.5.2-6 (12), 1.7.0-5 (13): pam-auth-update
	// with the profiles unix and pwquality; passwd and login of shadow.
	debian = `-- /etc/pam.d/passwd --
@include common-password
-- /etc/pam.d/login --
auth requisite pam_nologin.so
@include common-auth
@include common-account
@include common-session
@include common-password
-- /etc/pam.d/common-auth --
auth	[success=1 default=ignore]	pam_unix.so nullok
auth	requisite			pam_deny.so
auth	required			pam_permit.so
-- /etc/pam.d/common-account --
account	[success=1 new_authtok_reqd=done default=ignore]	pam_unix.so
account	requisite			pam_deny.so
account	required			pam_permit.so
-- /etc/pam.d/common-session --
session	[default=1]			pam_permit.so
session	requisite			pam_deny.so
session	required			pam_permit.so
session	required	pam_unix.so
-- /etc/pam.d/other --
@include common-auth
@include common-account
@include common-password
@include common-session
`
	debianPlain = debian + `-- /etc/pam.d/common-password --
# here are the per-package modules (the "Primary" block)
password	[success=1 default=ignore]	pam_unix.so obscure yescrypt
# here's the fallback if no module succeeds
password	requisite			pam_deny.so
# prime the stack with a positive return value if there isn't one already;
# this avoids us returning an error just because nothing sets a success code
# since the modules above will each just jump around
password	required			pam_permit.so
`
	debianQuality = debian + `-- /etc/pam.d/common-password --
password	requisite			pam_pwquality.so retry=3
password	[success=1 default=ignore]	pam_unix.so obscure use_authtok try_first_pass yescrypt
password	requisite			pam_deny.so
password	required			pam_permit.so
`
	redhat = `-- /etc/pam.d/passwd --
#%PAM-1.0
auth       include	system-auth
account    include	system-auth
password   substack	system-auth
-password   optional	pam_gnome_keyring.so use_authtok
password   substack	postlogin
-- /etc/pam.d/sshd --
#%PAM-1.0
auth       substack     password-auth
password   include      password-auth
-- /etc/pam.d/postlogin --
session     [default=1]   pam_lastlog.so nowtmp silent
-- /etc/pam.d/other --
#%PAM-1.0
auth     required       pam_deny.so
account  required       pam_deny.so
password required       pam_deny.so
session  required       pam_deny.so
`
	// authselect 1.2.2, profile sssd, of Red Hat Enterprise Linux 8.
	redhat8 = redhat + `-- /etc/pam.d/system-auth --
password    requisite                                    pam_pwquality.so try_first_pass local_users_only
password    sufficient                                   pam_unix.so sha512 shadow nullok try_first_pass use_authtok
password    sufficient                                   pam_sss.so use_authtok
password    required                                     pam_deny.so
-- /etc/pam.d/password-auth --
password    requisite                                    pam_pwquality.so try_first_pass local_users_only
password    sufficient                                   pam_unix.so sha512 shadow nullok try_first_pass use_authtok
password    sufficient                                   pam_sss.so use_authtok
password    required                                     pam_deny.so
`
	// authselect 1.2.6, profile sssd with with-pwhistory, of Red Hat Enterprise Linux 9.
	redhat9 = redhat + `-- /etc/pam.d/system-auth --
password    requisite                                    pam_pwquality.so local_users_only
password    [default=1 ignore=ignore success=ok]         pam_localuser.so
password    requisite                                    pam_pwhistory.so use_authtok
password    sufficient                                   pam_unix.so yescrypt shadow nullok use_authtok
password    sufficient                                   pam_sss.so use_authtok
password    required                                     pam_deny.so
-- /etc/pam.d/password-auth --
password    requisite                                    pam_pwquality.so local_users_only
password    [default=1 ignore=ignore success=ok]         pam_localuser.so
password    requisite                                    pam_pwhistory.so use_authtok
password    sufficient                                   pam_unix.so yescrypt shadow nullok use_authtok
password    sufficient                                   pam_sss.so use_authtok
password    required                                     pam_deny.so
`
	// pam-config of SUSE Linux Enterprise 15, with pam_cracklib.
	suse = `-- /usr/lib/pam.d/passwd --
#%PAM-1.0
auth     include        common-auth
account  include        common-account
password include        common-password
-- /etc/pam.d/common-password --
password	requisite	pam_cracklib.so	
password	optional	pam_gnome_keyring.so	use_authtok
password	required	pam_unix.so	use_authtok nullok shadow try_first_pass 
-- /usr/lib/pam.d/other --
auth     required       pam_warn.so
password required       pam_warn.so
password required       pam_deny.so
`
	// Alpine's linux-pam, main/linux-pam/base-password.pamd, with shadow's passwd.
	alpine = `-- /etc/pam.d/passwd --
password	include		base-password
-- /etc/pam.d/base-password --
# basic PAM configuration for Alpine.

password	required	pam_unix.so	nullok md5 sha512
`
	strong = "-- /etc/security/pwquality.conf --\nminlen = 12\nlcredit = -1\nucredit = -1\ndcredit = -1\nocredit = -1\n"
)

// on describes a host of a distribution with all modules that its stacks name.
func on(system, modules, config string) string {
	var b strings.Builder
	b.WriteString("system " + system + "\ndir / 0755 0 0\ndir /usr 0755 0 0\ndir /usr/lib 0755 0 0\ndir /etc 0755 0 0\nlink /lib usr/lib\n")
	for _, m := range []string{"unix", "deny", "permit", "pwquality", "cracklib", "sss", "localuser", "pwhistory", "gnome_keyring", "warn", "lastlog", "nologin"} {
		fmt.Fprintf(&b, "file %s/pam_%s.so 0644 0 0\n", modules, m)
	}
	return b.String() + config
}

const (
	onDebian = "/usr/lib/x86_64-linux-gnu/security"
	onRedHat = "/usr/lib64/security"
	onAlpine = "/usr/lib/security"
)

func evaluate(t *testing.T, c check, s *hosttest.Snapshot, settings map[string]string) rules.Result {
	t.Helper()
	results := c.evaluate(context.Background(), s.Host(), rules.Input{Settings: settings})
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0]
}

// want compares a verdict and a part of its reason, and that it has what its
// verdict asks for.
func want(t *testing.T, r rules.Result, verdict rules.Verdict, reason string) {
	t.Helper()
	if r.Verdict != verdict || !strings.Contains(r.Reason, reason) {
		t.Fatalf("got %s: %s\nwant %s: ...%s...", r.Verdict, r.Reason, verdict, reason)
	}
	if verdict == rules.NotEvaluated && r.Remedy == "" {
		t.Error("not evaluated without a remedy")
	}
	if (verdict == rules.Passed || verdict == rules.Failed) && len(r.Evidence) == 0 {
		t.Error("a verdict without evidence")
	}
	for _, e := range r.Evidence {
		if e.Sensor == "" || e.Record == "" || e.Found == "" {
			t.Errorf("incomplete evidence %+v", e)
		}
	}
}

func TestDistributionsAsShipped(t *testing.T) {
	old := "package rpm libpwquality 1.2.3-5.el7\n"
	for name, c := range map[string]struct {
		host       string
		length     rules.Verdict
		shortest   string
		complexity rules.Verdict
	}{
		"Debian 11":                  {on("debian 11", onDebian, debianPlain), rules.Failed, "only pam_unix's own minimum holds, 6 characters", rules.Failed},
		"Debian 12":                  {on("debian 12", onDebian, debianPlain), rules.Failed, "only pam_unix's own minimum holds, 6 characters", rules.Failed},
		"Debian 12 as an image":      {on("debian 12 image", onDebian, debianPlain), rules.Failed, "only pam_unix's own minimum holds, 6 characters", rules.Failed},
		"Debian 12 with pwquality":   {on("debian 12", onDebian, "package dpkg libpwquality1 1.4.5-1+b1\n"+debianQuality), rules.Passed, "8 characters", rules.Failed},
		"Debian 13 strict":           {on("debian 13", onDebian, "package dpkg libpwquality1 1.4.5-5\n"+debianQuality+strong), rules.Passed, "12 characters", rules.Passed},
		"Ubuntu 22.04":               {on("ubuntu 22.04", onDebian, debianPlain), rules.Failed, "6 characters", rules.Failed},
		"Ubuntu 24.04 strict":        {on("ubuntu 24.04", onDebian, "package dpkg libpwquality1 1.4.5-3build1\n"+debianQuality+strong), rules.Passed, "12 characters", rules.Passed},
		"RHEL 8":                     {on("rhel 8.10", onRedHat, "package rpm libpwquality 1.4.4-6.el8\n"+redhat8), rules.Passed, "8 characters", rules.Failed},
		"RHEL 9":                     {on("rhel 9.4", onRedHat, "package rpm libpwquality 1.4.4-8.el9\n"+redhat9), rules.Passed, "8 characters", rules.Failed},
		"RHEL 9 strict":              {on("rhel 9.4", onRedHat, "package rpm libpwquality 1.4.4-8.el9\n"+redhat9+strong), rules.Passed, "12 characters", rules.Passed},
		"Amazon Linux 2023":          {on("amzn 2023", onRedHat, "package rpm libpwquality 1.4.4-6.amzn2023\n"+redhat9), rules.Passed, "8 characters", rules.Failed},
		"an old libpwquality":        {on("rhel 7.9", onRedHat, old+redhat8), rules.Failed, "a password of 6 characters", rules.Failed},
		"libpwquality not known":     {on("rhel 9", onRedHat, redhat9), rules.NotEvaluated, "The version of the module", rules.Failed},
		"SUSE with pam_cracklib":     {on("sles 15.5", onRedHat, suse), rules.Failed, "a password of 6 characters", rules.Failed},
		"Alpine with PAM":            {on("alpine 3.20", onAlpine, "package apk shadow 4.15.1-r0\n"+alpine), rules.Failed, "only pam_unix's own minimum holds, 1 character", rules.Failed},
		"Alpine without PAM":         {on("alpine 3.20", onAlpine, "package apk shadow 4.15.1-r0\n"), rules.Failed, "no PAM configuration", rules.Failed},
		"Alpine with busybox":        {on("alpine 3.20", onAlpine, alpine), rules.Failed, "busybox", rules.Failed},
		"nobody may change anything": {on("debian 12", onDebian, "-- /etc/pam.d/passwd --\npassword required pam_deny.so\n"), rules.Passed, "No user can set a password", rules.Passed},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosttest.Parse(t, c.host)
			want(t, evaluate(t, passwordMinimumLength, s, nil), c.length, c.shortest)
			want(t, evaluate(t, passwordComplexity, s, nil), c.complexity, "")
			withoutSensors(t, s, passwordMinimumLength)
			withoutSensors(t, s, passwordComplexity)
		})
	}
}

// withoutSensors takes away the sensors one by one, or the certainty that they
// saw everything: a rule may then say that it does not know, but not more than
// before.
func withoutSensors(t *testing.T, s *hosttest.Snapshot, c check) {
	t.Helper()
	before := evaluate(t, c, s, nil)
	for _, sensor := range []string{"system", "config", "files", "packages", "accounts", "kernel"} {
		for what, less := range map[string]*hosttest.Snapshot{"without": s.Dropped(sensor), "with a partial": s.Partial(sensor)} {
			after := evaluate(t, c, less, nil)
			if after.Verdict != before.Verdict && after.Verdict != rules.NotEvaluated {
				t.Errorf("%s %s sensor %s: %s became %s: %s", c.rule.ID, what, sensor, before.Verdict, after.Verdict, after.Reason)
			}
			if after.Verdict == rules.Passed && cites(before, sensor) && what == "without" {
				t.Errorf("%s passes without the sensor %s that it cites", c.rule.ID, sensor)
			}
		}
	}
	keys, sensors := s.Keys()
	for i, key := range keys {
		if !citesRecord(before, key) {
			continue
		}
		if after := evaluate(t, c, s.Lost(key), nil); after.Verdict == before.Verdict && citesRecord(after, key) {
			t.Errorf("%s: the verdict %s stands on %s of %s, which is not there", c.rule.ID, before.Verdict, key, sensors[i])
		}
		if after := evaluate(t, c, s.Lost(key), nil); before.Verdict == rules.Passed && after.Verdict == rules.Passed {
			t.Errorf("%s: passes without %s", c.rule.ID, key)
		}
	}
}

func cites(r rules.Result, sensor string) bool {
	for _, e := range r.Evidence {
		if e.Sensor == sensor {
			return true
		}
	}
	return false
}

func citesRecord(r rules.Result, key string) bool {
	for _, e := range r.Evidence {
		if e.Record == key {
			return true
		}
	}
	return false
}

func TestMinimumLength(t *testing.T) {
	pwquality := "package dpkg libpwquality1 1.4.5-1\n"
	config := func(common string) string {
		return on("debian 12", onDebian, pwquality+debian+"-- /etc/pam.d/common-password --\n"+common)
	}
	for name, c := range map[string]struct {
		host     string
		settings map[string]string
		verdict  rules.Verdict
		reason   string
	}{
		"pam_unix alone with minlen": {config("password required pam_unix.so minlen=10\n"), nil, rules.Passed, "10 characters"},
		"a limit of the operator's":  {config("password required pam_unix.so minlen=10\n"), map[string]string{"password-minimum-length": "14"}, rules.Failed, "10 characters; at least 14"},
		"a default is no decision":   {config("password required pam_unix.so\n"), map[string]string{"password-minimum-length": "4"}, rules.Failed, "No minimum length"},
		"a bad limit":                {config("password required pam_unix.so minlen=10\n"), map[string]string{"password-minimum-length": "long"}, rules.NotEvaluated, "password-minimum-length"},
		"credits":                    {config("password requisite pam_pwquality.so minlen=10 dcredit=1 ucredit=1 ocredit=1\npassword required pam_unix.so use_authtok\n"), nil, rules.Failed, "7 characters"},
		"optional":                   {config("password optional pam_pwquality.so minlen=14\npassword required pam_unix.so\n"), nil, rules.Failed, "The refusal of pam_pwquality does not prevent that"},
		"optional, use_authtok":      {config("password optional pam_pwquality.so minlen=14\npassword required pam_unix.so use_authtok\n"), nil, rules.Passed, "14 characters"},
		"required, asked again":      {config("password required pam_pwquality.so minlen=14\npassword required pam_unix.so\n"), nil, rules.Failed, "6 characters"},
		"after it is stored":         {config("password required pam_unix.so\npassword requisite pam_pwquality.so minlen=14\n"), nil, rules.Failed, "6 characters"},
		"jumped over":                {config("password [default=1] pam_permit.so\npassword requisite pam_pwquality.so minlen=14\npassword required pam_unix.so\n"), nil, rules.Failed, "6 characters"},
		"not enforced":               {config("password requisite pam_pwquality.so minlen=14 enforcing=0\npassword required pam_unix.so use_authtok\n"), nil, rules.Failed, "does not prevent that"},
		"a module is missing":        {config("password requisite pam_nowhere.so\npassword required pam_unix.so minlen=10\n"), nil, rules.NotEvaluated, "there is no module pam_nowhere.so"},
		"a module nobody knows":      {config("password requisite pam_custom.so\npassword required pam_unix.so minlen=10\n") + "", nil, rules.NotEvaluated, "pam_custom"},
		"another service is weaker": {config("password required pam_unix.so minlen=10\n") + "-- /etc/pam.d/sshd --\npassword required pam_unix.so minlen=4\n",
			nil, rules.Failed, "Through sshd a user can set a password of 4 characters"},
		"drop-ins before the file": {config("password requisite pam_pwquality.so\npassword required pam_unix.so use_authtok\n") +
			"-- /etc/security/pwquality.conf --\nminlen=9\n-- /etc/security/pwquality.conf.d/50-more.conf --\nminlen=20\n", nil, rules.Passed, "9 characters"},
		"arguments after the file": {config("password requisite pam_pwquality.so minlen=7\npassword required pam_unix.so use_authtok\n") +
			"-- /etc/security/pwquality.conf --\nminlen=9\n", nil, rules.Failed, "7 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosttest.Parse(t, strings.Replace(c.host, "dir /etc ", "file "+onDebian+"/pam_custom.so 0644 0 0\ndir /etc ", 1))
			want(t, evaluate(t, passwordMinimumLength, s, c.settings), c.verdict, c.reason)
		})
	}
}

func TestComplexity(t *testing.T) {
	for name, c := range map[string]struct {
		line    string
		verdict rules.Verdict
		reason  string
	}{
		"all four":        {"pam_pwquality.so lcredit=-1 ucredit=-1 dcredit=-2 ocredit=-1", rules.Passed, ""},
		"minclass of 4":   {"pam_pwquality.so minclass=4", rules.Passed, ""},
		"minclass of 3":   {"pam_pwquality.so minclass=3", rules.Failed, "without lower-case letters (lcredit), without upper-case"},
		"three of them":   {"pam_pwquality.so lcredit=-1 ucredit=-1 dcredit=-1", rules.Failed, "can set a password without other characters (ocredit)."},
		"rewards only":    {"pam_pwquality.so lcredit=1 ucredit=1 dcredit=1 ocredit=1", rules.Failed, "without"},
		"pam_cracklib":    {"pam_cracklib.so minlen=8 lcredit=-1 ucredit=-1 dcredit=-1 ocredit=-1", rules.Passed, ""},
		"passwdqc, four":  {"pam_passwdqc.so min=disabled,disabled,disabled,disabled,8", rules.Passed, ""},
		"passwdqc, three": {"pam_passwdqc.so min=disabled,disabled,disabled,12,8", rules.Failed, "without"},
	} {
		t.Run(name, func(t *testing.T) {
			config := on("debian 12", onDebian, "package dpkg libpwquality1 1.4.5-1\n-- /etc/pam.d/passwd --\npassword requisite "+c.line+"\npassword required pam_unix.so use_authtok\n")
			s := hosttest.Parse(t, strings.Replace(config, "dir /etc ", "file "+onDebian+"/pam_passwdqc.so 0644 0 0\ndir /etc ", 1))
			want(t, evaluate(t, passwordComplexity, s, nil), c.verdict, c.reason)
			withoutSensors(t, s, passwordComplexity)
		})
	}
}

// TestScopesOfSensors evaluates under scopes as narrow as those that sensors
// publish: what is outside of them is never taken for an absence, and must not be
// needed either.
func TestScopesOfSensors(t *testing.T) {
	narrow := func(s *hosttest.Snapshot) *hosttest.Snapshot {
		return s.Narrow("config", "/etc/pam.d/*", "/etc/pam.conf", "/usr/lib/pam.d/*", "/usr/etc/pam.d/*", "/etc/security/**", "/usr/lib/security/**",
			"/etc/login.defs", "/etc/login.defs.d/*", "/usr/etc/login.defs", "/usr/etc/login.defs.d/*").
			Narrow("files", "/etc/**", "/", "/*", "/usr/*", "/lib/**/*.so", "/lib64/**/*.so", "/usr/lib/*.so", "/usr/lib/*/*.so", "/usr/lib/*/*/*.so", "/usr/lib64/*/*.so", "/usr/lib64/*/*/*.so")
	}
	for name, description := range map[string]string{
		"Debian": on("debian 12", onDebian, "package dpkg libpwquality1 1.4.5-1\n"+debianQuality+strong),
		"RHEL":   on("rhel 9.4", onRedHat, "package rpm libpwquality 1.4.4-8.el9\n"+redhat9+strong),
		"Alpine": on("alpine 3.20", onAlpine, "package apk shadow 4.15.1-r0\npackage apk libpwquality 1.4.5-r3\n-- /etc/pam.d/passwd --\npassword requisite pam_pwquality.so\npassword required pam_unix.so use_authtok\n"+strong),
		"SUSE":   on("sles 15.5", onRedHat, strings.ReplaceAll(suse, "cracklib.so", "cracklib.so minlen=16 lcredit=-1 ucredit=-1 dcredit=-1 ocredit=-1")),
	} {
		s := narrow(hosttest.Parse(t, description))
		want(t, evaluate(t, passwordMinimumLength, s, nil), rules.Passed, "")
		want(t, evaluate(t, passwordComplexity, s, nil), rules.Passed, "")
		for _, folder := range []string{onDebian, onRedHat, onAlpine} {
			s = s.Absent("file:" + folder + "/pam_unix.so")
		}
		t.Log(name)
		want(t, evaluate(t, passwordMinimumLength, s, nil), rules.NotEvaluated, "there is no module pam_unix.so")
	}
}
