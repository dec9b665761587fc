package updateinfo

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory/feedtest"
)

// The shape of updateinfo.xml of Amazon Linux 2 (core, extras), Amazon Linux 2023,
// and of others that createrepo_c makes, by hand after the published files of 2025.
const (
	al2 = `<?xml version="1.0" ?>
<updates><update author="linux-security@amazon.com" from="linux-security@amazon.com" status="final" type="security" version="1.4"><id>ALAS2-2022-1857</id><title>Amazon Linux 2 2017.12 - ALAS2-2022-1857: medium priority package update for glibc</title><issued date="2022-10-17 21:33" /><updated date="2022-10-20 18:08" /><severity>medium</severity><description>Package updates are available &amp; fix:
CVE-2021-3999:
	A flaw.</description><references><reference href="http://cve.mitre.org/cgi-bin/cvename.cgi?name=CVE-2021-3999" id="CVE-2021-3999" title="" type="cve" /></references><pkglist><collection short="amazon-linux-2---core"><name>Amazon Linux 2 core</name><package arch="aarch64" epoch="0" name="glibc" release="61.amzn2" version="2.26"><filename>Packages/glibc-2.26-61.amzn2.aarch64.rpm</filename></package><package arch="x86_64" epoch="0" name="glibc" release="61.amzn2" version="2.26"><filename>x</filename></package><package arch="i686" epoch="0" name="glibc-debuginfo" release="61.amzn2" version="2.26"><filename>x</filename></package></collection></pkglist></update>
<update author="linux-security@amazon.com" status="final" type="security" version="1.4"><id>ALAS2KERNEL-5.10-2022-001</id><title>k</title><issued date="2022-01-20 19:33:00"/><updated date="2022-01-20T19:33:00Z"/><severity>important</severity><references><reference id="CVE-2021-4155" type="cve"/></references><pkglist><collection short="amazon-linux-2---kernel-5.10"><name>x</name><package arch="x86_64" epoch="0" name="kernel" release="102.374.amzn2" version="5.10.10"/></collection></pkglist></update>
<update type="bugfix"><id>ALAS2-2022-9</id></update>
</updates>`
	al2023 = `<updates><update type="security" status="final"><id>ALAS2023-2023-070</id><title>Amazon Linux 2023 - ALAS2023-2023-070: Critical priority package update for bind</title><issued date="2023-02-17 20:41"/><updated date="2023-02-22 23:22"/><severity>Critical</severity><references><reference id="CVE-2022-2795" type="cve" href="https://alas.aws.amazon.com/cve/html/CVE-2022-2795.html"/></references><pkglist><collection short="amazon-linux-2023---kernel-livepatch"><name>x</name><package name="bind" epoch="32" version="9.16.27" release="1.amzn2023.0.2" arch="noarch" src="bind.src.rpm"><filename>b</filename><reboot_suggested>True</reboot_suggested></package><package name="bind" epoch="32" version="9.16.27" release="1.amzn2023.0.2" arch="src"/></collection></pkglist></update></updates>`
	fedora = `<updates><update from="updates@fedoraproject.org" status="stable" type="enhancement"><id>RLSA-2024:5815</id><title>nodejs:20</title><issued date="1724630400"/><severity>None</severity><references><reference href="https://bugzilla.redhat.com/1" id="1" type="bugzilla" title="CVE-2024-22020 nodejs: bypass"/></references><pkglist><collection short="x"><name>x</name><module name="nodejs" stream="20" version="9040020240730" context="rhel9" arch="x86_64"/><package name="nodejs" epoch="1" version="20.16.0" release="1.module+el9" arch="x86_64"/></collection></pkglist></update></updates>`
)

func list(got *feedtest.Got) []string {
	var all []string
	for _, r := range got.Records {
		for _, a := range r.Affected {
			all = append(all, strings.Join([]string{r.ID, strings.Join(r.CVEs, ","), string(r.Severity), a.Ecosystem, a.Package, a.Module, a.Arch, a.Ranges[0].Fixed}, "|"))
		}
	}
	return all
}

func TestFamilies(t *testing.T) {
	for name, c := range map[string]struct {
		ecosystem, text string
		want            []string
		skips           map[string]int
	}{
		"amazon 2": {"", al2, []string{
			"ALAS2-2022-1857|CVE-2021-3999|medium|Amazon Linux:2|glibc|||2.26-61.amzn2",
			"ALAS2-2022-1857|CVE-2021-3999|medium|Amazon Linux:2|glibc-debuginfo||i686|2.26-61.amzn2",
			"ALAS2KERNEL-5.10-2022-001|CVE-2021-4155|high|Amazon Linux:2|kernel|extras:kernel-5.10|x86_64|5.10.10-102.374.amzn2",
		}, map[string]int{"not about security": 1}},
		"amazon 2023": {"", al2023, []string{"ALAS2023-2023-070|CVE-2022-2795|critical|Amazon Linux:2023|bind|||32:9.16.27-1.amzn2023.0.2"}, map[string]int{"source package": 1}},
		"a module":    {"Rocky Linux:9", fedora, []string{"RLSA-2024:5815|CVE-2024-22020||Rocky Linux:9|nodejs|nodejs:20|x86_64|1:20.16.0-1.module+el9"}, map[string]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := feedtest.Read(t, Reader{c.ecosystem}.Read, c.text)
			if diff := cmp.Diff(c.want, list(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.skips, got.Why()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAmazonsIds(t *testing.T) {
	for id, want := range map[string][2]string{
		"ALAS2-2022-1857": {"Amazon Linux:2", ""}, "ALAS2KERNEL-5.10-2022-001": {"Amazon Linux:2", "extras:kernel-5.10"},
		"ALASNGINX1-2023-002": {"Amazon Linux:2", "extras:nginx1"}, "ALAS2LIVEPATCH-2021-055": {"Amazon Linux:2", ""},
		"ALAS2023-2023-070": {"Amazon Linux:2023", ""}, "ALAS2023LIVEPATCH-2024-001": {"Amazon Linux:2023", ""}, "ALAS2022-2022-197": {"Amazon Linux:2022", ""},
	} {
		text := strings.Replace(strings.Replace(al2023, "<id>ALAS2023-2023-070<", "<id>"+id+"<", 1), "amazon-linux-2023---kernel-livepatch", "x", 1)
		a := feedtest.Read(t, Reader{}.Read, text).Records[0].Affected[0]
		if got := [2]string{a.Ecosystem, a.Module}; got != want {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	got := feedtest.Read(t, Reader{"Fedora:40"}.Read, fedora).Records[0]
	if !got.Published.Equal(time.Date(2024, 8, 26, 0, 0, 0, 0, time.UTC)) || !got.Modified.IsZero() {
		t.Errorf("%v %v", got.Published, got.Modified)
	}
	if first := feedtest.Read(t, Reader{}.Read, al2).Records[0]; first.Modified.Format(time.DateTime) != "2022-10-20 18:08:00" || len(first.References) != 1 {
		t.Errorf("%+v", first)
	}
}

func TestRefused(t *testing.T) {
	read := Reader{}.Read
	feedtest.Truncated(t, read, al2, 0)
	const one = `<updates><update type="security"><id>ALAS2-1</id><references><reference id="CVE-2024-0001" type="cve"/></references><pkglist><collection>`
	for text, words := range map[string][]string{
		"":                     {"line 1"},
		"<repomd/>":            {"repomd", "list of updates"},
		"<updates><x/>":        {`"x"`},
		"<updates/><updates/>": {"list of updates"},
		"<updates><update/>":   {"update 1", "0 ids"},
		"<updates><update><id>A</id><id>B</id></update>":                                              {"update 1", "2 ids"},
		one + `<package name="a"/></collection></pkglist></update></updates>`:                         {"ALAS2-1", "package 1"},
		one + `<package name="a" epoch="x" version="1" release="1"/></collection></pkglist></update>`: {"ALAS2-1", "epoch"},
		strings.Replace(one, "ALAS2-1", "ALAS-1", 1) + `</collection></pkglist></update>`:             {"ALAS-1", "which release"},
		`<updates><update type="security"><id>ALAS2-1</id><issued date="x"/></update>`:                {"ALAS2-1", "issued"},
		`<!DOCTYPE u [<!ENTITY a "b">]><updates><update><id>&a;</id></update>`:                        {"line 1"},
		"<updates>" + strings.Repeat("<update>", 20000):                                               {"update 1"},
	} {
		feedtest.Fails(t, read, text, words...)
	}
	feedtest.Fails(t, read, `<updates><update><id>`+strings.Repeat("a", MaxRecord+1<<20), "update 1", "more than")
}

func FuzzRead(f *testing.F) { feedtest.Fuzz(f, Reader{"Amazon Linux:2"}.Read, al2, al2023, fedora) }
