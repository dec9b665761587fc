package api

import (
	"context"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/store"
)

// FindingCommands change findings.
type FindingCommands interface {
	ChangeUserAttributes(ctx context.Context, findings []store.FindingRef, change inspector.AttributeChange) (failed map[store.FindingRef]string, err error)
}

func (s *Server) addAttributes(ctx context.Context, in *model.AddAttributesToFindingsRequest) (*model.AddAttributesToFindingsResponse, error) {
	attributes, err := userAttributes(in.Attributes)
	if err != nil {
		return nil, err
	}
	failed, err := s.changeAttributes(ctx, in.FindingArns, inspector.AttributeChange{Set: attributes})
	if err != nil {
		return nil, err
	}
	return &model.AddAttributesToFindingsResponse{FailedItems: failed}, nil
}

func (s *Server) removeAttributes(ctx context.Context, in *model.RemoveAttributesFromFindingsRequest) (*model.RemoveAttributesFromFindingsResponse, error) {
	failed, err := s.changeAttributes(ctx, in.FindingArns, inspector.AttributeChange{Remove: in.AttributeKeys})
	if err != nil {
		return nil, err
	}
	return &model.RemoveAttributesFromFindingsResponse{FailedItems: failed}, nil
}

// changeAttributes changes the findings that there are, and tells which of the
// ARNs failed. An ARN that is there twice counts once.
func (s *Server) changeAttributes(ctx context.Context, arns []string, change inspector.AttributeChange) (map[string]model.FailedItemDetails, error) {
	refs, err := s.findingRefs(arns)
	if err != nil {
		return nil, err
	}
	ours, seen := []store.FindingRef{}, map[store.FindingRef]bool{}
	for _, ref := range refs {
		if !seen[ref] {
			seen[ref] = true
			ours = append(ours, ref)
		}
	}
	failures, err := s.Commands.ChangeUserAttributes(ctx, ours, change)
	if err != nil {
		return nil, err
	}
	failed := map[string]model.FailedItemDetails{}
	for _, text := range arns {
		ref, ok := refs[text]
		if code := failures[ref]; ok && code != "" {
			failed[text] = model.FailedItemDetails{FailureCode: code}
		} else if !ok {
			failed[text] = model.FailedItemDetails{FailureCode: "ITEM_DOES_NOT_EXIST"}
		}
	}
	return failed, nil
}

// findingRefs reads ARNs of findings. Those of another account, region or
// partition name none, and are left out.
func (s *Server) findingRefs(texts []string) (map[string]store.FindingRef, error) {
	refs := map[string]store.FindingRef{}
	for _, text := range texts {
		a, err := findingResource.parse(text)
		if err != nil {
			return nil, err
		}
		if s.Scope.Run(a.Target, a.Template, a.Run).Finding(a.ID).String() == text {
			refs[text] = store.FindingRef{Target: a.Target, Template: a.Template, Run: a.Run, ID: a.ID}
		}
	}
	return refs, nil
}
