package inspector

// PackageID names a rules package inside Assay, whatever its ARN.
type PackageID string

// The rules packages.
const (
	PackageCVE          PackageID = "cve"
	PackageCIS          PackageID = "cis"
	PackagePractices    PackageID = "practices"
	PackageBehavior     PackageID = "behavior"
	PackageReachability PackageID = "reachability"
)
