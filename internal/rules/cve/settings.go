package cve

import (
	"fmt"
	"strconv"

	"assay/internal/rules"
)

// The settings.
const (
	// SettingMaximumAge is how many days ago the advisories may have been fetched.
	SettingMaximumAge = "advisories-maximum-age"
	// SettingUnfixed is what becomes of vulnerabilities without a fix: Unfixed...
	SettingUnfixed = "unfixed"
)

// What SettingUnfixed may be.
const (
	UnfixedShow           = "show"
	UnfixedHideNegligible = "hide-negligible" // but those that their vendor calls unimportant
	UnfixedHide           = "hide"
)

// DefaultMaximumAge is in days.
const DefaultMaximumAge = 7

// settings are what an operator may set.
type settings struct {
	maximumAge int // days
	unfixed    string
}

func readSettings(in rules.Input) (settings, error) {
	s := settings{DefaultMaximumAge, UnfixedHideNegligible}
	if text := in.Settings[SettingMaximumAge]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s, fmt.Errorf("the setting %s is %q, which is not a whole number of days above 0", SettingMaximumAge, text)
		}
		s.maximumAge = n
	}
	if text := in.Settings[SettingUnfixed]; text != "" {
		s.unfixed = text
	}
	return s, CheckUnfixed(s.unfixed)
}

// CheckUnfixed returns an error for what SettingUnfixed cannot be.
func CheckUnfixed(value string) error {
	switch value {
	case UnfixedShow, UnfixedHideNegligible, UnfixedHide:
		return nil
	}
	return fmt.Errorf("the setting %s is %q: it can be %s, %s or %s", SettingUnfixed, value, UnfixedShow, UnfixedHideNegligible, UnfixedHide)
}
