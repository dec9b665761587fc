//go:build linux

package activity

import "testing"

func TestStand(t *testing.T) {
	for text, old := range map[string]bool{"5.10.0-46-cloud-amd64": false, "5.9.16": true, "4.19.0": true, "6.18.44": false, "10.1": false, "?": false} {
		s := standing{}
		if s.major, s.minor = release(text); s.before(oldestMajor, oldestMinor) != old {
			t.Errorf("%s is taken to be %t", text, !old)
		}
	}
	if m := chosen("none [integrity] confidentiality\n"); m != "integrity" {
		t.Error(m)
	}
	for label, is := range map[string]bool{
		"": false, "unconfined": false, "assay (enforce)": true, "assay (complain)": false, "_": false, "kernel": false,
		"system_u:system_r:unconfined_service_t:s0": false, "system_u:system_r:assay_t:s0": true, "system_u:system_r:kernel_t:s0": false,
	} {
		if confined(label) != is {
			t.Errorf("%q: %t", label, !is)
		}
	}
	for text, want := range map[string][2]bool{
		"Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n": {true, false},
		"CapEff:\t0000000000001000\nSeccomp:\t2\n":           {false, true},
		"CapEff:\t000000c000000000\nSeccomp:\t1\n":           {true, true},
		"CapEff:\t0000008000000000\n":                        {false, false},
		"CapEff:\t0000000000200000\n":                        {true, false},
		"":                                                   {true, false},
	} {
		s := standing{}
		s.capabilities, s.root, s.filtered = status(text)
		if got := [2]bool{s.capable(), s.filtered}; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if s := stand("/"); !s.sys || s.major == 0 {
		t.Errorf("%+v", s)
	}
}
