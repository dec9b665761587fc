package migrate

import (
	"fmt"
	"net/netip"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

func readFinding(f model.Finding, e *entry) error {
	if f.ServiceAttributes == nil || f.AssetAttributes == nil || f.Severity == "" {
		return refusef("it has no serviceAttributes, assetAttributes or severity")
	}
	run := e.arn.Scope.Run(e.arn.Target, e.arn.Template, e.arn.Run)
	if err := parent("assessment run", f.ServiceAttributes.AssessmentRunArn, run); err != nil {
		return err
	}
	finding := inspector.Finding{
		Target: e.arn.Target, Template: e.arn.Template, Run: e.arn.Run, ID: e.arn.ID, Agent: f.AssetAttributes.AgentId,
		PackageARN: f.ServiceAttributes.RulesPackageArn, FindingID: f.Id, Title: f.Title, Description: f.Description, Recommendation: f.Recommendation,
		Severity: inspector.Severity(f.Severity), Attributes: attributes(f.Attributes), UserAttributes: attributes(f.UserAttributes),
		Asset: asset(f.AssetAttributes), CreatedAt: f.CreatedAt.Time, UpdatedAt: f.UpdatedAt.Time,
	}
	finding.Package, _ = inspector.ResolvePackage(finding.PackageARN)
	if f.Confidence != nil {
		finding.Confidence = int(*f.Confidence)
	}
	e.lost = append(e.lost, lostOf(f, finding)...)
	e.item = findingItem{finding, run}
	return storable([]string{f.Id, finding.Agent, finding.PackageARN, finding.Asset.AutoScalingGroup}, f.CreatedAt)
}

// lostOf tells what of a finding the API would answer otherwise.
func lostOf(f model.Finding, kept inspector.Finding) (lost []string) {
	if f.NumericSeverity != nil && *f.NumericSeverity != kept.Severity.Numeric() {
		lost = append(lost, fmt.Sprintf("numericSeverity %v, which is %v with %s", *f.NumericSeverity, kept.Severity.Numeric(), kept.Severity))
	}
	if f.IndicatorOfCompromise != nil && *f.IndicatorOfCompromise {
		lost = append(lost, "indicatorOfCompromise true")
	}
	for _, text := range f.AssetAttributes.Ipv4Addresses {
		if a, err := netip.ParseAddr(text); err != nil || !a.Is4() {
			lost = append(lost, "an ipv4Address that is none")
		}
	}
	return lost
}

func asset(a *model.AssetAttributes) inspector.Asset {
	out := inspector.Asset{Agent: a.AgentId, AutoScalingGroup: a.AutoScalingGroup, AMI: a.AmiId, Hostname: a.Hostname, IPv4Addresses: a.Ipv4Addresses}
	for _, t := range a.Tags {
		out.Tags = append(out.Tags, inspector.Tag{Key: t.Key, Value: t.Value})
	}
	for _, n := range a.NetworkInterfaces {
		kept := inspector.NetworkInterface{
			ID: n.NetworkInterfaceId, Subnet: n.SubnetId, VPC: n.VpcId, PrivateDNSName: n.PrivateDnsName, PrivateIP: n.PrivateIpAddress,
			PublicDNSName: n.PublicDnsName, PublicIP: n.PublicIp, IPv6Addresses: n.Ipv6Addresses,
		}
		for _, p := range n.PrivateIpAddresses {
			kept.PrivateAddresses = append(kept.PrivateAddresses, inspector.PrivateIP{DNSName: p.PrivateDnsName, Address: p.PrivateIpAddress})
		}
		for _, g := range n.SecurityGroups {
			kept.SecurityGroups = append(kept.SecurityGroups, inspector.SecurityGroup{ID: g.GroupId, Name: g.GroupName})
		}
		out.NetworkInterfaces = append(out.NetworkInterfaces, kept)
	}
	return out
}
