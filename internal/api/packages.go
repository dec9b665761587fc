package api

import (
	"context"
	"strconv"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/rules"
)

// provider is what rules packages name as theirs.
const provider = "Assay"

// rulesPackage is the package of this service that an ARN names.
func (s *Server) rulesPackage(arn string) (rules.Description, bool) {
	id, ok := inspector.ResolvePackage(arn)
	for _, p := range s.Packages {
		if ok && p.ID == id {
			return p, true
		}
	}
	return rules.Description{}, false
}

func (s *Server) listRulesPackages(_ context.Context, in *model.ListRulesPackagesRequest) (*model.ListRulesPackagesResponse, error) {
	page, err := s.page("ListRulesPackages", nil, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	first := 0
	if page.After != "" {
		if first, err = strconv.Atoi(page.After); err != nil || first < 0 || first > len(s.Packages) {
			return nil, inspector.Errorf(inspector.InvalidInput, codeToken, "nextToken goes on from a rules package that is not there any more")
		}
	}
	end, after := min(first+page.Limit, len(s.Packages)), ""
	if end < len(s.Packages) {
		after = strconv.Itoa(end)
	}
	arns := arnsOf(s.Packages[first:end], func(p rules.Description) inspector.ARN { return s.Scope.PackageARN(p.ID) })
	return &model.ListRulesPackagesResponse{RulesPackageArns: arns, NextToken: page.token(after)}, nil
}

func (s *Server) describeRulesPackages(_ context.Context, in *model.DescribeRulesPackagesRequest) (*model.DescribeRulesPackagesResponse, error) {
	found := map[string]model.RulesPackage{}
	for _, text := range in.RulesPackageArns {
		if _, err := packageResource.parse(text); err != nil {
			return nil, err
		}
		if p, ok := s.rulesPackage(text); ok {
			found[text] = model.RulesPackage{Arn: text, Name: p.Name, Version: p.Version, Provider: provider, Description: p.Text}
		}
	}
	out := new(model.DescribeRulesPackagesResponse)
	out.RulesPackages, out.FailedItems = sortOut(in.RulesPackageArns, found, func(p model.RulesPackage) model.RulesPackage { return p })
	return out, nil
}
