// Package pam tells which passwords a host's PAM configuration lets its users
// choose. It reads the configuration as libpam does (pam.conf(5); file look-up,
// include, substack and @include, control values, continuation lines), walks the
// password stack in every way in which modules may answer, and knows what the
// usual modules demand of a new password.
//
// What counts is what is stored. A refusal that another line makes up for, a
// module that asks again and is not checked any more, a stack that fails after
// the password is already written: such a Way is as good to a user as one that
// ends in success. The ordinary user is meant, who changes the password of his
// own local account; root is refused nothing.
//
// The package is pure: it sees the host through Files only.
package pam

import "errors"

// Files is the host's configuration, as far as it was collected. An error means
// that the host did not tell; it is passed on to the caller.
type Files interface {
	// Text is the content of a file, and whether there is one.
	Text(path string) (text string, found bool, err error)
	// Names are the paths of the files that match a pattern such as
	// "/etc/security/pwquality.conf.d/*.conf".
	Names(pattern string) ([]string, error)
	// Folder tells whether there is such a folder.
	Folder(path string) (bool, error)
	// Module tells whether a module can be loaded: its absolute path, or its
	// name in libpam's own folder: "pam_unix.so".
	Module(name string) (bool, error)
}

// System is a host as the engine needs to know it.
type System struct {
	Files  Files
	Debian bool // libpam with Debian's changes: @include, and a minimum length of 6 in pam_unix

	// Old versions of quality modules demand less where nothing is configured.
	OldPwquality bool // libpwquality before 1.3.0: minlen 9, and a credit of 1 for each class
	OldPasswdqc  bool // passwdqc before 2.1.0: 7 characters of four classes

	// Asked, if not nil, is told which of the versions were looked at: another
	// version of what was not would have given the same.
	Asked *Asked
}

// Asked says which versions of modules mattered.
type Asked struct{ Pwquality, Passwdqc bool }

func (s System) oldPwquality() bool {
	if s.Asked != nil {
		s.Asked.Pwquality = true
	}
	return s.OldPwquality
}

func (s System) oldPasswdqc() bool {
	if s.Asked != nil {
		s.Asked.Passwdqc = true
	}
	return s.OldPasswdqc
}

// Bounds on what a configuration may ask of the engine.
const (
	maxHandlers = 512    // lines of one stack, after includes
	maxLines    = 20_000 // lines read for one stack
	maxStates   = 10_000 // states of one walk
	maxIncludes = 16     // libpam's PAM_SUBSTACK_MAX_LEVEL
)

// ErrTooLarge is in the error about a configuration that is larger than any that
// serves a purpose.
var ErrTooLarge = errors.New("the PAM configuration is too large to be followed")

// vendorFolders are where libpam looks for a service's file, in this order:
// the administrator's folder, the distribution's, and that of builds with a
// vendor folder (SUSE).
var vendorFolders = []string{"/etc/pam.d/", "/usr/lib/pam.d/", "/usr/etc/pam.d/"}
