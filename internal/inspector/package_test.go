package inspector

import "testing"

func TestPackageARN(t *testing.T) {
	tests := []struct {
		region string
		id     PackageID
		want   string
	}{
		{"us-west-2", PackagePractices, "arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ"},
		{"eu-central-1", PackageCVE, "arn:aws:inspector:eu-central-1:537503971621:rulespackage/0-wNqHa8M9"},
		{"us-gov-west-1", PackageCIS, "arn:aws-us-gov:inspector:us-gov-west-1:850862329162:rulespackage/0-Ac4CFOuc"},
		// AWS had no such package there, or was not there at all.
		{"us-gov-west-1", PackageReachability, "arn:aws-us-gov:inspector:us-gov-west-1:210987654321:rulespackage/0-3f8U3Q2l"},
		{"af-south-1", PackagePractices, "arn:aws:inspector:af-south-1:210987654321:rulespackage/0-9gOkkIjJ"},
	}
	for _, test := range tests {
		got := Scope{test.region, "210987654321"}.PackageARN(test.id).String()
		if got != test.want {
			t.Errorf("%s in %s: got %s, want %s", test.id, test.region, got, test.want)
		}
		if id, ok := ResolvePackage(got); !ok || id != test.id {
			t.Errorf("ResolvePackage(%s) = %s, %v", got, id, ok)
		}
	}
}

func TestEveryPublishedARN(t *testing.T) {
	seen := map[string]PackageID{}
	for _, id := range Packages() {
		for _, arn := range (Scope{"xx-test-1", "210987654321"}).PackageARNs(id) {
			if other, ok := seen[arn]; ok {
				t.Errorf("%s names both %s and %s", arn, other, id)
			}
			seen[arn] = id
			if got, ok := ResolvePackage(arn); !ok || got != id {
				t.Errorf("ResolvePackage(%s) = %q, %v, want %s", arn, got, ok, id)
			}
		}
	}
	if len(seen) != 63+5 {
		t.Errorf("%d ARNs, want the 63 that AWS published and five of the scope's own", len(seen))
	}
}

func TestResolvePackageRefuses(t *testing.T) {
	for _, arn := range []string{
		"", "cve", "Security Best Practices",
		"arn:aws:inspector:us-west-2:758058086616:rulespackage/0-XXXXXXXX",     // never published
		"arn:aws:inspector:us-west-2:210987654321:rulespackage/0-JJOtZiqQ",     // another account
		"arn:aws:inspector:us-east-1:758058086616:rulespackage/0-JJOtZiqQ",     // another region
		"arn:aws-cn:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ",  // another partition
		"arn:aws:inspector:us-west-2:758058086616:resourcegroup/0-JJOtZiqQ",    // another kind
		"arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ/x/y", // more
	} {
		if id, ok := ResolvePackage(arn); ok {
			t.Errorf("ResolvePackage(%q) = %s, want none", arn, id)
		}
	}
}
