package inspector

// published are the rules packages as AWS listed them in each region: the account
// that published them and their ids. What is missing was not offered there.
//
// Source: Amazon Inspector Classic User Guide (2020), "Amazon Inspector Classic
// rules packages ARNs"; for the retired Runtime Behavior Analysis, Terraform
// modules and scripts that name its ARNs.
var published = []publication{
	{"ap-northeast-1", "406045910587", map[PackageID]string{PackageCVE: "0-gHP9oWNT", PackageCIS: "0-7WNjqgGu", PackagePractices: "0-bBUQnxMq", PackageBehavior: "0-knGBhqEu", PackageReachability: "0-YI95DVd7"}},
	{"ap-northeast-2", "526946625049", map[PackageID]string{PackageCVE: "0-PoGHMznc", PackageCIS: "0-T9srhg1z", PackagePractices: "0-2WRpmi4n", PackageBehavior: "0-PoYq7lI7", PackageReachability: "0-s3OmLzhL"}},
	{"ap-south-1", "162588757376", map[PackageID]string{PackageCVE: "0-LqnJE9dO", PackageCIS: "0-PSUlX14m", PackagePractices: "0-fs0IZZBj", PackageBehavior: "0-EhMQZy6C", PackageReachability: "0-YxKfjFu1"}},
	{"ap-southeast-2", "454640832652", map[PackageID]string{PackageCVE: "0-D5TGAxiR", PackageCIS: "0-Vkd2Vxjq", PackagePractices: "0-asL6HRgN", PackageBehavior: "0-P8Tel2Xj", PackageReachability: "0-FLcuV4Gz"}},
	{"eu-central-1", "537503971621", map[PackageID]string{PackageCVE: "0-wNqHa8M9", PackageCIS: "0-nZrAVuv8", PackagePractices: "0-ZujVHEPB", PackageBehavior: "0-0GMUM6fg", PackageReachability: "0-6yunpJ91"}},
	{"eu-north-1", "453420244670", map[PackageID]string{PackageCVE: "0-IgdgIewd", PackageCIS: "0-Yn8jlX7f", PackagePractices: "0-HfBQSbSf", PackageReachability: "0-52Sn74uu"}},
	{"eu-west-1", "357557129151", map[PackageID]string{PackageCVE: "0-ubA5XvBh", PackageCIS: "0-sJBhCr0F", PackagePractices: "0-SnojL3Z6", PackageBehavior: "0-lLmwe1zd", PackageReachability: "0-SPzU33xe"}},
	{"eu-west-2", "146838936955", map[PackageID]string{PackageCVE: "0-kZGCqcE1", PackageCIS: "0-IeCjwf1W", PackagePractices: "0-XApUiSaP", PackageReachability: "0-AizSYyNq"}},
	{"us-east-1", "316112463485", map[PackageID]string{PackageCVE: "0-gEjTy7T7", PackageCIS: "0-rExsr2X8", PackagePractices: "0-R01qwB5Q", PackageBehavior: "0-gBONHN9h", PackageReachability: "0-PmNV0Tcd"}},
	{"us-east-2", "646659390643", map[PackageID]string{PackageCVE: "0-JnA8Zp85", PackageCIS: "0-m8r61nnh", PackagePractices: "0-AxKmMHPX", PackageReachability: "0-cE4kTR30"}},
	{"us-gov-east-1", "206278770380", map[PackageID]string{PackageCVE: "0-3IFKFuOb", PackageCIS: "0-pTLCdIww", PackagePractices: "0-vlgEGcVD"}},
	{"us-gov-west-1", "850862329162", map[PackageID]string{PackageCVE: "0-4oQgcI4G", PackageCIS: "0-Ac4CFOuc", PackagePractices: "0-rOTGqe5G"}},
	{"us-west-1", "166987590008", map[PackageID]string{PackageCVE: "0-TKgzoVOa", PackageCIS: "0-xUY8iRqX", PackagePractices: "0-byoQRFYm", PackageBehavior: "0-yeYxlt0x", PackageReachability: "0-TxmXimXF"}},
	{"us-west-2", "758058086616", map[PackageID]string{PackageCVE: "0-9hgA516p", PackageCIS: "0-H5hpSawc", PackagePractices: "0-JJOtZiqQ", PackageBehavior: "0-vg5GGHSD", PackageReachability: "0-rD1z6dpl"}},
}
