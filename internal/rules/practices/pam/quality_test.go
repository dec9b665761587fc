package pam

import "testing"

// way returns the way by which a stack asks least, and whether there is one.
func way(t *testing.T, s System) (Way, bool) {
	t.Helper()
	stack, _, err := s.Load("passwd")
	if err != nil {
		t.Fatal(err)
	}
	ways, _, err := s.Ways(stack)
	if err != nil {
		t.Fatal(err)
	}
	least := Way{Shortest: LongestSearched + 1}
	for _, w := range ways {
		if w.Shortest < least.Shortest {
			least = w
		}
	}
	return least, len(ways) > 0
}

// TestQualityModules checks the arithmetic of the modules that this machine has
// no library of against their documentation: pam_cracklib(8), pam_passwdqc(8),
// and libpwquality before 1.3.
func TestQualityModules(t *testing.T) {
	const store = "\npassword required pam_unix.so use_authtok\n"
	for line, want := range map[string]struct {
		shortest int
		demanded Class
	}{
		// "minlen: the minimum acceptable size (plus one if credits are not
		// disabled, which is the default)", and cracklib's own 6.
		"password requisite pam_cracklib.so":                                                             {6, 0},
		"password requisite pam_cracklib.so minlen=14":                                                   {10, 0},
		"password requisite pam_cracklib.so minlen=14 dcredit=0 ucredit=0 lcredit=0 ocredit=0":           {14, 0},
		"password requisite pam_cracklib.so minlen=8 dcredit=-1 ucredit=-1 lcredit=-1 ocredit=-1":        {8, AllClasses},
		"password requisite pam_cracklib.so minlen=8 dcredit=-4 ucredit=-4 lcredit=-4 ocredit=0":         {12, Digit | Upper | Lower},
		"password requisite pam_cracklib.so minlen=12 dcredit=2 ucredit=2 lcredit=0 ocredit=0":           {8, 0},
		"password requisite pam_cracklib.so minlen=3 dcredit=0 ucredit=0 lcredit=0 ocredit=0":            {6, 0},
		"password requisite pam_cracklib.so minclass=4 minlen=9 lcredit=0 ucredit=0 dcredit=0 ocredit=0": {9, AllClasses},
		"password required pam_cracklib.so minlen=20 retry=3\npassword required pam_unix.so":             {1, 0},
		// min=disabled,24,11,8,8: four classes or three from 8 on.
		"password requisite pam_passwdqc.so":                                                                     {8, 0},
		"password requisite pam_passwdqc.so min=disabled,24,12,10,9":                                             {9, 0},
		"password requisite pam_passwdqc.so min=disabled,disabled,disabled,disabled,10":                          {10, AllClasses},
		"password requisite pam_passwdqc.so min=20,20,8,8,8 passphrase=0":                                        {8, 0},
		"password requisite pam_passwdqc.so min=20,20,12,12,12":                                                  {12, 0},
		"password requisite pam_passwdqc.so enforce=none":                                                        {1, 0},
		"password requisite pam_passwdqc.so min=disabled,24,12,10,9 use_authtok":                                 {0, 0}, // nobody asks for a password
		"password requisite pam_passwdqc.so min=1,2,3,4,5":                                                       {0, 0}, // refused: lengths may not grow
		"password required pam_pwquality.so\npassword required pam_passwdqc.so min=99,99,99,99,99 use_authtok":   {8, 0}, // its refusal leaves the password in place
		"password requisite pam_pwquality.so\npassword requisite pam_passwdqc.so min=12,12,12,12,12 use_authtok": {12, 0},
	} {
		s := System{Files: etc(map[string]string{"pam.d/passwd": line + store})}
		w, ok := way(t, s)
		if want.shortest == 0 {
			if ok {
				t.Errorf("%s: %+v", line, w)
			}
			continue
		}
		if w.Shortest != want.shortest || w.Demanded != want.demanded {
			t.Errorf("%s: shortest %d, demanded %b", line, w.Shortest, w.Demanded)
		}
	}
	old := System{Files: etc(map[string]string{"pam.d/passwd": "password requisite pam_pwquality.so" + store}), OldPwquality: true}
	if w, _ := way(t, old); w.Shortest != 6 {
		t.Errorf("an old libpwquality: %d", w.Shortest)
	}
	old = System{Files: etc(map[string]string{"pam.d/passwd": "password requisite pam_passwdqc.so" + store}), OldPasswdqc: true}
	if w, _ := way(t, old); w.Shortest != 7 {
		t.Errorf("an old passwdqc: %d", w.Shortest)
	}
}

// TestAccountsElsewhere is about modules that are not for local accounts.
func TestAccountsElsewhere(t *testing.T) {
	for text, want := range map[string]int{
		"password requisite pam_pwquality.so\npassword sufficient pam_sss.so use_authtok\npassword sufficient pam_unix.so use_authtok\npassword required pam_deny.so\n":                                      8,
		"password [success=2 default=ignore] pam_unix.so obscure use_authtok\npassword [success=1 default=ignore] pam_sss.so use_authtok\npassword requisite pam_deny.so\npassword required pam_permit.so\n": 0,
		"-password sufficient pam_systemd_home.so\npassword required pam_unix.so minlen=9\n":                                                                                                                 9,
		"password optional pam_faillock.so\npassword required pam_unix.so minlen=9\n":                                                                                                                        9,
		"password required pam_faillock.so\npassword required pam_unix.so minlen=9\n":                                                                                                                        0,
	} {
		w, ok := way(t, System{Files: etc(map[string]string{"pam.d/passwd": text})})
		if ok != (want > 0) || ok && w.Shortest != want {
			t.Errorf("%s: %d %v", text, w.Shortest, ok)
		}
	}
}
