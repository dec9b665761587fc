package api

import (
	"assay/internal/api/model"
	"assay/internal/inspector"
)

// wireInterfaces has lists even where they are empty, as wireAsset.
func wireInterfaces(in []inspector.NetworkInterface) []model.NetworkInterface {
	out := make([]model.NetworkInterface, len(in))
	for i, n := range in {
		out[i] = model.NetworkInterface{
			NetworkInterfaceId: n.ID, SubnetId: n.Subnet, VpcId: n.VPC, PrivateDnsName: n.PrivateDNSName, PrivateIpAddress: n.PrivateIP,
			PrivateIpAddresses: make([]model.PrivateIp, len(n.PrivateAddresses)), PublicDnsName: n.PublicDNSName, PublicIp: n.PublicIP,
			Ipv6Addresses: append([]string{}, n.IPv6Addresses...), SecurityGroups: make([]model.SecurityGroup, len(n.SecurityGroups)),
		}
		for j, a := range n.PrivateAddresses {
			out[i].PrivateIpAddresses[j] = model.PrivateIp{PrivateDnsName: a.DNSName, PrivateIpAddress: a.Address}
		}
		for j, g := range n.SecurityGroups {
			out[i].SecurityGroups[j] = model.SecurityGroup{GroupId: g.ID, GroupName: g.Name}
		}
	}
	return out
}
