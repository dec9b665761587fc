package feeds

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// redHatDocument fixes curl in BaseOS, as Red Hat's documents do, in short.
const redHatDocument = `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"Red Hat Product Security","namespace":"https://www.redhat.com"},"title":"t","tracking":{"id":"CVE-2024-0001","current_release_date":"2026-08-01T00:00:00Z","initial_release_date":"2026-08-01T00:00:00Z"}},
"product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[
 {"category":"product_family","name":"Red Hat Enterprise Linux","branches":[{"category":"product_name","name":"Red Hat Enterprise Linux BaseOS (v. 9)","product":{"product_id":"BaseOS-9","name":"Red Hat Enterprise Linux BaseOS (v. 9)","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9::baseos"}}}]},
 {"category":"architecture","name":"x86_64","branches":[{"category":"product_version","name":"curl-0:7.76.1-29.el9.x86_64","product":{"product_id":"curl-0:7.76.1-29.el9.x86_64","name":"curl-0:7.76.1-29.el9.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/curl@7.76.1-29.el9?arch=x86_64"}}}]}]}],
 "relationships":[{"category":"default_component_of","full_product_name":{"name":"n","product_id":"BaseOS-9:curl-0:7.76.1-29.el9.x86_64"},"product_reference":"curl-0:7.76.1-29.el9.x86_64","relates_to_product_reference":"BaseOS-9"}]},
"vulnerabilities":[{"cve":"CVE-2024-0001","product_status":{"fixed":["BaseOS-9:curl-0:7.76.1-29.el9.x86_64"]},"remediations":[{"category":"vendor_fix","details":"d","product_ids":["BaseOS-9:curl-0:7.76.1-29.el9.x86_64"],"url":"https://access.redhat.com/errata/RHSA-2026:0001"}]}]}`

const redHat = "security.access.redhat.com/data/csaf/v2/vex/"

// TestArchive: the file that archive_latest.txt names is taken, if it has the hash beside it.
func TestArchive(t *testing.T) {
	p, f := newPublishers(t), bare(t)
	c := p.client(t)
	archive := gzipped(t, tarOf(t, "2024/cve-2024-0001.json", redHatDocument, "2024/cve-2024-0001.json.asc", "x"))
	p.put(redHat+"archive_latest.txt", []byte("csaf_vex_2026-08-24.tar.zst\n"))
	p.put(redHat+"csaf_vex_2026-08-24.tar.zst", archive)
	p.put(redHat+"csaf_vex_2026-08-24.tar.zst.sha256", fmt.Appendf(nil, "%x  csaf_vex_2026-08-24.tar.zst\n", sha256.Sum256(archive)))
	add(t, f, "redhat-vex")
	r := update(t, f, c)
	if len(r.Failed()) != 0 || !r.Feeds[0].Verified || !slices.Contains(packages(t, f), "Red Hat:enterprise_linux:9::baseos/curl") {
		t.Fatalf("%+v", r.Feeds)
	}
	if s := r.Manifest.Covering("Red Hat:enterprise_linux:9"); len(s) != 1 || !s[0].Unfixed {
		t.Errorf("%+v", s)
	}
	// The same archive is not fetched again: its hash tells.
	update(t, f, c)
	if n := p.sent[redHat+"csaf_vex_2026-08-24.tar.zst"]; n != 1 {
		t.Errorf("fetched %d times", n)
	}
	for name, change := range map[string]func(){
		"another hash": func() {
			p.put(redHat+"csaf_vex_2026-08-24.tar.zst.sha256", fmt.Appendf(nil, "%x  x", sha256.Sum256([]byte("x"))))
		},
		"no hash in it":    func() { p.put(redHat+"csaf_vex_2026-08-24.tar.zst.sha256", []byte("none\n")) },
		"hash not to have": func() { p.hook[redHat+"csaf_vex_2026-08-24.tar.zst.sha256"] = answerCode(500) },
		"leads out":        func() { p.put(redHat+"archive_latest.txt", []byte("../../x")) },
		"names a host":     func() { p.put(redHat+"archive_latest.txt", []byte("https://example.org/x")) },
		"page":             func() { p.put(redHat+"archive_latest.txt", []byte("<!doctype html>x")) },
		"not there":        func() { delete(p.files, redHat+"archive_latest.txt") },
	} {
		change()
		if r := update(t, f, c); len(r.Failed()) != 1 || r.Feeds[0].SHA256 == "" {
			t.Errorf("%s: %+v", name, r.Feeds[0])
		}
	}
}

func answerCode(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

const repomdText = `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm"><revision>1</revision>
<data type="primary"><checksum type="sha256">0000</checksum><location href="repodata/primary.xml.gz"/></data>
<data type="updateinfo"><checksum type="sha256">%s</checksum><open-checksum type="sha256">1</open-checksum><location href="repodata/updateinfo.xml.gz"/><size>1</size></data></repomd>`

// TestRepo: the first mirror of the list is asked for repomd.xml, which names the
// updateinfo and its hash.
func TestRepo(t *testing.T) {
	p, f := newPublishers(t), bare(t)
	file := gzipped(t, []byte(documents[Updateinfo]))
	p.put("cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list", []byte("https://cdn.amazonlinux.com/al2023/core/guids/abc/x86_64/\nhttps://example.org/\n"))
	p.put("cdn.amazonlinux.com/al2023/core/guids/abc/x86_64/repodata/repomd.xml", fmt.Appendf(nil, repomdText, fmt.Sprintf("%x", sha256.Sum256(file))))
	p.put("cdn.amazonlinux.com/al2023/core/guids/abc/x86_64/repodata/updateinfo.xml.gz", file)
	add(t, f, "amazon-2023")
	if r := update(t, f, p.client(t)); len(r.Failed()) != 0 || !r.Feeds[0].Verified || !slices.Contains(packages(t, f), "Amazon Linux:2023/curl") {
		t.Fatalf("%+v", r.Feeds[0].Error)
	}
	p.put("cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list", []byte("http://cdn.amazonlinux.com/x\n"))
	if r := update(t, f, p.client(t)); len(r.Failed()) != 1 {
		t.Error("followed a list to a mirror without TLS")
	}
}

func TestRepomd(t *testing.T) {
	good := fmt.Sprintf(repomdText, strings.Repeat("a", 64))
	l, err := updateinfoOf("https://example.org/repo/", good)
	if err != nil || l != (location{"https://example.org/repo/repodata/updateinfo.xml.gz", strings.Repeat("a", 64)}) {
		t.Errorf("%+v, %v", l, err)
	}
	replace := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, text := range []string{
		"", "<html/>", good[:300], good + "<x/>", strings.ReplaceAll(good, "updateinfo", "other"), fmt.Sprintf(repomdText, "abc"),
		replace(`checksum type="sha256">aaa`, `checksum type="sha1">aaa`),
		replace(`href="repodata/updateinfo.xml.gz"`, `href="https://example.org/x"`),
		replace(`href="repodata/updateinfo.xml.gz"`, `href="../../x"`),
		replace(`href="repodata/updateinfo.xml.gz"`, `href="//example.org/x"`),
		replace(`href="repodata/updateinfo.xml.gz"`, ``),
	} {
		if l, err := updateinfoOf("https://example.org/repo", text); err == nil {
			t.Errorf("%+v from %q", l, text)
		}
	}
}

func FuzzRepomd(f *testing.F) {
	f.Add(fmt.Sprintf(repomdText, strings.Repeat("a", 64)))
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := updateinfoOf("https://example.org/repo", text); err == nil && (!strings.HasPrefix(l.address, "https://example.org/repo/") || !hexHash.MatchString(l.sha256)) {
			t.Errorf("%+v", l)
		}
	})
}

// TestKnown: each has what is needed to fetch and to show it.
func TestKnown(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Known() {
		if err := f.Check(); err != nil || names[f.Name] || !strings.HasPrefix(f.Address, "https://") || f.Covers == "" || f.Size == "" || f.License == "" {
			t.Errorf("%+v, %v", f, err)
		}
		names[f.Name] = true
	}
}
