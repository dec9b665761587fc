package inspector

// NetworkInterface is a network interface of a host in a cloud. A finding of
// Amazon Inspector Classic names those of its host.
type NetworkInterface struct {
	ID               string          `json:"id,omitempty"`
	Subnet           string          `json:"subnet,omitempty"`
	VPC              string          `json:"vpc,omitempty"`
	PrivateDNSName   string          `json:"private_dns_name,omitempty"`
	PrivateIP        string          `json:"private_ip,omitempty"`
	PrivateAddresses []PrivateIP     `json:"private_addresses,omitempty"`
	PublicDNSName    string          `json:"public_dns_name,omitempty"`
	PublicIP         string          `json:"public_ip,omitempty"`
	IPv6Addresses    []string        `json:"ipv6_addresses,omitempty"`
	SecurityGroups   []SecurityGroup `json:"security_groups,omitempty"`
}

// PrivateIP is an address of a network interface.
type PrivateIP struct {
	DNSName string `json:"dns_name,omitempty"`
	Address string `json:"address,omitempty"`
}

// SecurityGroup is a firewall of a network interface.
type SecurityGroup struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}
