package inventory

import (
	"strings"
	"testing"
	"time"
)

func TestSupport(t *testing.T) {
	for _, c := range []struct {
		os   release
		at   string
		want SupportState
		ends string
	}{
		{release{id: "debian", version: "12"}, "2026-07-11", Supported, "2026-07-11"},
		{release{id: "debian", version: "12"}, "2026-07-12", ExtendedOnly, "2026-07-11"},
		{release{id: "debian", version: "12"}, "2028-07-01", Unsupported, ""},
		{release{id: "debian", version: "12.4"}, "2025-01-01", Supported, ""},
		{release{id: "debian", codename: "sid"}, "2099-01-01", Supported, ""},
		{release{id: "debian", version: "99"}, "2025-01-01", SupportUnknown, ""},
		{release{id: "ubuntu", version: "18.04"}, "2026-01-01", ExtendedOnly, "2023-05-31"},
		{release{id: "ubuntu", version: "23.10"}, "2026-01-01", Unsupported, "2024-07-11"},
		{release{id: "rhel", version: "7.9"}, "2026-01-01", ExtendedOnly, "2024-06-30"},
		{release{id: "almalinux", version: "8.10"}, "2029-06-01", Unsupported, ""},
		{release{id: "centos", version: "7", name: "CentOS Linux 7 (Core)"}, "2024-07-01", Unsupported, "2024-06-30"},
		{release{id: "centos", version: "8", name: "CentOS Stream 8"}, "2024-01-01", Supported, "2024-05-31"},
		{release{id: "amzn", version: "2018.03"}, "2026-01-01", Unsupported, "2023-12-31"},
		{release{id: "amzn", version: "2023"}, "2026-01-01", Supported, "2029-06-30"},
		{release{id: "sles", version: "15.5"}, "2026-01-01", ExtendedOnly, "2024-12-31"},
		{release{id: "sles", version: "15"}, "2020-01-01", ExtendedOnly, "2019-12-31"},
		{release{id: "sled", version: "15.5"}, "2026-01-01", Unsupported, "2024-12-31"},
		{release{id: "sles_sap", version: "15.5"}, "2026-01-01", SupportUnknown, ""},
		{release{id: "opensuse-leap", version: "15.6"}, "2026-05-01", Unsupported, "2026-04-30"},
		{release{id: "opensuse-tumbleweed", version: "20240601"}, "2026-05-01", Supported, ""},
		{release{id: "alpine", version: "3.20.3"}, "2026-04-01", Supported, "2026-04-01"},
		{release{id: "alpine", version: "3.21.0_alpha20240807"}, "2099-04-01", Supported, ""},
		{release{id: "fedora", version: "40"}, "2026-04-01", Unsupported, "2025-05-13"},
		{release{id: "kali", version: "2024.1"}, "2026-04-01", SupportUnknown, ""},
		{release{}, "2026-04-01", SupportUnknown, ""},
	} {
		s := named(c.os)
		got := s.Support(day(c.at).Add(23 * time.Hour))
		if got.State != c.want || c.ends != "" && got.Ends.Format(time.DateOnly) != c.ends {
			t.Errorf("%+v at %s: %+v", c.os, c.at, got)
		}
		if got.State == ExtendedOnly && (got.By == "" || !got.Extended.After(got.Ends)) || got.State != SupportUnknown && got.Source == "" {
			t.Errorf("%+v: %+v", c.os, got)
		}
	}
}

// TestLifetimes checks that the table is one: dates that are dates, in their order.
func TestLifetimes(t *testing.T) {
	for id, l := range lifetimes {
		if !strings.HasPrefix(l.source, "https://") {
			t.Errorf("%s has no source", id)
		}
		for r, ends := range l.releases {
			if day(ends[0]).IsZero() || ends[1] != "" && !day(ends[1]).After(day(ends[0])) || ends[1] != "" && l.by == "" {
				t.Errorf("%s %s: %v", id, r, ends)
			}
		}
	}
}
