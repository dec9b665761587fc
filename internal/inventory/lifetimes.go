package inventory

// SupportTableDate is when the table of lifetimes was last compared with its sources.
const SupportTableDate = "2026-08-22"

// lifetime is how long the releases of a distribution get security updates: until
// when from its makers for everybody, and until when from those who go on (by). Dates
// are facts, taken from the makers' pages as endoflife.date collects them
// (https://endoflife.date, at the date above), those of Debian and Ubuntu from the
// package distro-info-data of Debian, which both maintain.
type lifetime struct {
	source   string
	by       string // who goes on
	rolling  bool   // it has no releases
	releases map[string][2]string
}

var lifetimes = map[string]lifetime{
	"debian": {
		source: "https://wiki.debian.org/LTS", by: "Debian LTS",
		releases: map[string][2]string{
			"7":  {"2016-04-25", "2018-05-31"},
			"8":  {"2018-06-17", "2020-06-30"},
			"9":  {"2020-07-18", "2022-06-30"},
			"10": {"2022-09-10", "2024-06-30"},
			"11": {"2024-08-14", "2026-08-31"},
			"12": {"2026-07-11", "2028-06-30"},
			"13": {"2028-08-09", "2030-06-30"},
		},
	},
	"ubuntu": { // the longer support without the years of the Legacy add-on
		source: "https://ubuntu.com/about/release-cycle", by: "Ubuntu Pro (ESM)",
		releases: map[string][2]string{
			"12.04": {"2017-04-28", "2019-04-26"},
			"14.04": {"2019-04-25", "2024-04-25"},
			"16.04": {"2021-04-30", "2026-04-23"},
			"18.04": {"2023-05-31", "2028-04-26"},
			"20.04": {"2025-05-29", "2030-04-23"},
			"20.10": {"2021-07-22"},
			"21.04": {"2022-01-20"},
			"21.10": {"2022-07-14"},
			"22.04": {"2027-06-01", "2032-04-21"},
			"22.10": {"2023-07-20"},
			"23.04": {"2024-01-25"},
			"23.10": {"2024-07-11"},
			"24.04": {"2029-05-31", "2034-04-25"},
			"24.10": {"2025-07-10"},
			"25.04": {"2026-01-15"},
			"25.10": {"2026-07-09"},
			"26.04": {"2031-05-29", "2036-04-23"},
		},
	},
	"rhel": {
		source: "https://access.redhat.com/support/policy/updates/errata", by: "Red Hat's Extended Life Cycle Support (ELS)",
		releases: map[string][2]string{
			"5":  {"2017-03-31", "2020-11-30"},
			"6":  {"2020-11-30", "2024-06-30"},
			"7":  {"2024-06-30", "2029-05-31"},
			"8":  {"2029-05-31", "2033-05-31"},
			"9":  {"2032-05-31", "2036-05-31"},
			"10": {"2035-05-31", "2039-05-31"},
		},
	},
	"almalinux": {
		source:   "https://wiki.almalinux.org/release-notes/",
		releases: map[string][2]string{"8": {"2029-05-31"}, "9": {"2032-05-31"}, "10": {"2035-05-31"}},
	},
	"rocky": {
		source:   "https://wiki.rockylinux.org/rocky/version/",
		releases: map[string][2]string{"8": {"2029-05-31"}, "9": {"2032-05-31"}, "10": {"2035-05-31"}},
	},
	"ol": {
		source: "https://www.oracle.com/a/ocom/docs/elsp-lifetime-069338.pdf", by: "Oracle's Extended Support",
		releases: map[string][2]string{
			"6": {"2021-03-31", "2024-12-31"},
			"7": {"2024-12-31", "2028-06-30"},
			"8": {"2029-07-31", "2032-07-31"},
			"9": {"2032-06-30", "2035-06-30"},
		},
	},
	"centos": {
		source:   "https://www.centos.org/centos-linux-eol/",
		releases: map[string][2]string{"5": {"2017-03-31"}, "6": {"2020-11-30"}, "7": {"2024-06-30"}, "8": {"2021-12-31"}},
	},
	"centos-stream": {
		source:   "https://www.centos.org/cl-vs-cs/",
		releases: map[string][2]string{"8": {"2024-05-31"}, "9": {"2027-05-31"}, "10": {"2030-05-31"}},
	},
	"fedora": {
		source: "https://docs.fedoraproject.org/en-US/releases/lifecycle/",
		releases: map[string][2]string{
			"36": {"2023-05-16"}, "37": {"2023-12-05"}, "38": {"2024-05-21"}, "39": {"2024-11-26"}, "40": {"2025-05-13"},
			"41": {"2025-12-15"}, "42": {"2026-05-27"}, "43": {"2026-12-09"}, "44": {"2027-06-02"},
		},
	},
	"amzn": {
		source:   "https://docs.aws.amazon.com/linux/al2023/ug/release-cadence.html",
		releases: map[string][2]string{"1": {"2023-12-31"}, "2": {"2026-06-30"}, "2023": {"2029-06-30"}},
	},
	"sles":     {source: suseLifecycle, by: "SUSE's Long Term Service Pack Support (LTSS)", releases: suseReleasesTable},
	"sles_sap": {source: suseLifecycle},
	"sled":     {source: suseLifecycle, releases: withoutExtended(suseReleasesTable)},
	"opensuse-leap": {
		source: "https://en.opensuse.org/Lifetime",
		releases: map[string][2]string{
			"15.0": {"2019-12-03"}, "15.1": {"2021-02-02"}, "15.2": {"2022-01-04"}, "15.3": {"2022-12-31"}, "15.4": {"2023-12-07"},
			"15.5": {"2024-12-31"}, "15.6": {"2026-04-30"}, "16.0": {"2027-10-31"},
		},
	},
	"opensuse-tumbleweed": {source: "https://en.opensuse.org/Lifetime", rolling: true},
	"alpine": {
		source: "https://alpinelinux.org/releases/",
		releases: map[string][2]string{
			"3.10": {"2021-05-01"}, "3.11": {"2021-11-01"}, "3.12": {"2022-05-01"}, "3.13": {"2022-11-01"}, "3.14": {"2023-05-01"},
			"3.15": {"2023-11-01"}, "3.16": {"2024-05-23"}, "3.17": {"2024-11-22"}, "3.18": {"2025-05-09"}, "3.19": {"2025-11-01"},
			"3.20": {"2026-04-01"}, "3.21": {"2026-11-01"}, "3.22": {"2027-05-01"}, "3.23": {"2027-11-01"}, "3.24": {"2028-06-01"},
		},
	},
	"wolfi":      {source: "https://github.com/wolfi-dev", rolling: true},
	"chainguard": {source: "https://edu.chainguard.dev/chainguard/chainguard-os/", rolling: true},
	"arch":       {source: "https://archlinux.org/about/", rolling: true},
	"archarm":    {source: "https://archlinuxarm.org", rolling: true},
}

const suseLifecycle = "https://www.suse.com/lifecycle"

var suseReleasesTable = map[string][2]string{
	"11.4": {"2019-03-31", "2022-03-31"},
	"12.0": {"2016-06-30", "2019-07-01"},
	"12.1": {"2017-05-31", "2020-05-31"},
	"12.2": {"2018-03-31", "2021-03-31"},
	"12.3": {"2019-06-30", "2022-06-30"},
	"12.4": {"2020-06-30", "2023-06-30"},
	"12.5": {"2024-10-31", "2027-10-31"},
	"15.0": {"2019-12-31", "2022-12-31"},
	"15.1": {"2021-01-31", "2024-01-31"},
	"15.2": {"2021-12-31", "2024-12-31"},
	"15.3": {"2022-12-31", "2025-12-31"},
	"15.4": {"2023-12-31", "2026-12-31"},
	"15.5": {"2024-12-31", "2027-12-31"},
	"15.6": {"2025-12-31", "2028-12-31"},
	"15.7": {"2031-07-31", "2034-07-31"},
	"16.0": {"2027-11-30", "2030-11-30"},
}

func withoutExtended(of map[string][2]string) map[string][2]string {
	out := map[string][2]string{}
	for release, ends := range of {
		out[release] = [2]string{ends[0]}
	}
	return out
}
