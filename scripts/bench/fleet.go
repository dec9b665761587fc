//go:build linux

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"assay/internal/inspector"
)

// fleet makes the findings of a fleet that was assessed for a long time: 500 hosts
// in 20 auto scaling groups, 10 hosts a run, 500 findings a host. Of its hundred
// thousand CVEs few are frequent. The same number makes the same findings.
//
// Everything is in one of two halves, which only a few findings mix: hosts and
// their groups, severities, rules, attributes. So two filters can match half of
// all findings each, and next to nothing together, in every run.
type fleet struct {
	texts []string
	first time.Time
}

const (
	fleetHosts    = 500
	fleetGroups   = 20
	fleetCVEs     = 100_000
	hostsInRun    = 10
	findingsAHost = 500
	findingsInRun = hostsInRun * findingsAHost
	between       = time.Hour // runs
	mixed         = 40        // findings of no half
)

func newFleet() *fleet {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 3000)
	for i := range words {
		for range 2 + random.IntN(3) {
			words[i] += string("bcdfghklmnprstvw"[random.IntN(16)]) + string("aeiou"[random.IntN(5)])
		}
	}
	f := &fleet{texts: make([]string, 4000), first: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range f.texts {
		var text []string
		for range 45 + random.IntN(60) {
			text = append(text, words[int(float64(len(words))*math.Pow(random.Float64(), 2))])
		}
		f.texts[i] = strings.Join(text, " ") + "."
	}
	return f
}

func agentName(host int) string  { return fmt.Sprintf("i-%017x", 0x1f0e3d00000+host) }
func groupName(group int) string { return fmt.Sprintf("asg-web-%02d", group) }
func ruleName(n int) string      { return fmt.Sprintf("CVE-20%02d-%05d", 10+n%16, n) }
func packageARN(name string) string {
	return "arn:aws:inspector:eu-central-1:123456789012:rulespackage/0-" + name
}

// fleetRun names a run.
func fleetRun(n int) string { return fmt.Sprintf("0-r%07d", n) }

// start is when a run begins.
func (f *fleet) start(run int) time.Time { return f.first.Add(time.Duration(run) * between) }

// hosts lists the hosts of a run: half of them are in either half.
func (f *fleet) hosts(run int) (hosts []int) {
	for i := range hostsInRun {
		hosts = append(hosts, run%50+50*i)
	}
	return hosts
}

// halves says of which half a finding is in each respect.
type halves struct{ host, severity, rule, attribute, owner, pkg int }

func same(h int) halves { return halves{h, h, h, h, h, h} }

// findings makes those of a host in a run. Run by run, the mixed and the rare ones
// are spread over all of the runs.
func (f *fleet) findings(run, runs, host int) []inspector.Finding {
	random := rand.New(rand.NewPCG(uint64(run), uint64(host)))
	half := host / (fleetHosts / 2)
	all := make([]inspector.Finding, findingsAHost)
	for i := range all {
		all[i] = f.finding(random, run, host, same(half))
	}
	if host == f.hosts(run)[0] {
		each := func(n int) bool { return run*n/runs != (run+1)*n/runs }
		if each(mixed) {
			bit := func() int { return random.IntN(2) }
			all[7] = f.finding(random, run, host, halves{half, bit(), bit(), bit(), bit(), bit()})
		}
		if each(rare(runs)) {
			all[8] = f.rareFinding(random, run)
		}
	}
	return all
}

// rare is a millionth of all, and one at least.
func rare(runs int) int { return max(1, runs*findingsInRun/1_000_000) }

// Rare values of everything.
const (
	rareAgent = "i-0rare0rare0rare0"
	rareGroup = "asg-rare"
	rareRule  = "CVE-2009-99999"
)

var rareAttribute = inspector.Attribute{Key: "rare", Value: "yes"}

func (f *fleet) rareFinding(random *rand.Rand, run int) inspector.Finding {
	x := f.finding(random, run, 0, same(0))
	x.Agent, x.FindingID, x.PackageARN, x.Severity = rareAgent, rareRule, packageARN("rare0000"), inspector.Undefined
	x.Asset.AutoScalingGroup = rareGroup
	x.Attributes = append(x.Attributes, rareAttribute)
	x.UserAttributes = append(x.UserAttributes, rareAttribute)
	x.CreatedAt = f.rareMoment(run)
	return x
}

// rareMoment is when no other finding was made.
func (f *fleet) rareMoment(run int) time.Time { return f.start(run).Add(50 * time.Minute) }

var (
	everywhere = inspector.Attribute{Key: "scanner", Value: "assay"}
	ownerOfAll = inspector.Attribute{Key: "team", Value: "platform"}
)

func zone(half int) inspector.Attribute {
	return inspector.Attribute{Key: "zone", Value: []string{"inner", "outer"}[half]}
}

func owner(half int) inspector.Attribute {
	return inspector.Attribute{Key: "owner", Value: []string{"red", "blue"}[half]}
}

var severityHalves = [2][]inspector.Severity{{inspector.High, inspector.Medium}, {inspector.Low, inspector.Informational}}

func (f *fleet) finding(random *rand.Rand, run, host int, h halves) inspector.Finding {
	n := int(fleetCVEs/2*math.Pow(random.Float64(), 4))*2 + h.rule // few are frequent
	cve, agent := ruleName(n), agentName(host)
	software := fmt.Sprintf("lib%s%d", strings.Fields(f.texts[n%len(f.texts)])[0], n%300)
	version := fmt.Sprintf("%d.%d.%d-%d+deb12u", n%9, n%23, n%17, 1+n%4)
	pkg, arn := inspector.PackageCVE, packageARN("cve00000")
	if random.IntN(5) == 0 {
		pkg = []inspector.PackageID{inspector.PackagePractices, inspector.PackageCIS}[h.pkg]
		arn = packageARN([]string{"practice", "cis00000"}[h.pkg])
	}
	made := f.start(run).Add(10*time.Minute + time.Duration(host)*time.Second + time.Duration(random.IntN(1e6))*time.Microsecond)
	return inspector.Finding{
		Run: fleetRun(run), ID: inspector.NewID(), Agent: agent, Package: pkg, PackageARN: arn, Rule: cve, Subject: software, FindingID: cve,
		Title: "Instance " + agent + " is vulnerable to " + cve, Description: f.texts[n%len(f.texts)],
		Recommendation: "Update the package " + software + " to version " + version + "2 or later. See https://security-tracker.debian.org/tracker/" + cve,
		Severity:       severityHalves[h.severity][n/2%2], Confidence: 10,
		Attributes: []inspector.Attribute{
			{Key: "CVE_ID", Value: cve}, {Key: "INSTANCE_ID", Value: agent}, {Key: "package_name", Value: software},
			{Key: "CVSS2_SCORE", Value: fmt.Sprintf("%d.%d", n%10, n/7%10)}, {Key: "CVSS3_SCORE", Value: fmt.Sprintf("%d.%d", n%10, n/3%10)},
			{Key: "CVSS3_SCORE_VECTOR", Value: "CVSS:3.1/AV:N/AC:" + string("LH"[n%2]) + "/PR:" + string("NLH"[n%3]) + "/UI:N/S:U/C:H/I:H/A:" + string("NLH"[n/3%3])},
			{Key: "installed_version", Value: version + "1"}, {Key: "fixed_version", Value: version + "2"}, everywhere, zone(h.attribute),
		},
		UserAttributes: []inspector.Attribute{ownerOfAll, owner(h.owner)},
		Asset: inspector.Asset{
			Agent: agent, AutoScalingGroup: groupName(host * fleetGroups / fleetHosts), AMI: "ami-0a1b2c3d4e5f60718", Hostname: fmt.Sprintf("web-%03d.example.org", host),
			IPv4Addresses: []string{fmt.Sprintf("10.0.%d.%d", host/250, host%250)}, Tags: []inspector.Tag{{Key: "Name", Value: fmt.Sprintf("web-%03d", host)}, {Key: "env", Value: "production"}},
		},
		Evidence:  []inspector.Evidence{{Sensor: "packages", Record: "package:" + software, Found: version + "1", Expected: "at least " + version + "2"}},
		CreatedAt: made, UpdatedAt: made,
	}
}
