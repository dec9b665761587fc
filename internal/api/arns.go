package api

import (
	"context"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// resource is a kind of resource that requests name.
type resource struct {
	kind    inspector.Kind
	what    string // for people
	invalid string // the error code of an ARN that is no such ARN
	missing string // and of one that names nothing
}

// The resources.
var (
	groupResource     = resource{inspector.KindResourceGroup, "resource group", codeGroupARN, "RESOURCE_GROUP_DOES_NOT_EXIST"}
	targetResource    = resource{inspector.KindTarget, "assessment target", codeTargetARN, "ASSESSMENT_TARGET_DOES_NOT_EXIST"}
	templateResource  = resource{inspector.KindTemplate, "assessment template", codeTemplateARN, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"}
	runResource       = resource{inspector.KindRun, "assessment run", codeRunARN, "ASSESSMENT_RUN_DOES_NOT_EXIST"}
	findingResource   = resource{inspector.KindFinding, "finding", codeFindingARN, "FINDING_DOES_NOT_EXIST"}
	exclusionResource = resource{inspector.KindExclusion, "exclusion", codeResourceARN, ""}
	packageResource   = resource{inspector.KindRulesPackage, "rules package", codePackageARN, "RULES_PACKAGE_DOES_NOT_EXIST"}
	taggedResource    = resource{inspector.KindTemplate, "assessment template", codeResourceARN, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"}
)

// parse reads an ARN of the resource.
func (k resource) parse(text string) (inspector.ARN, error) {
	a, err := inspector.ParseARN(text)
	if err != nil || a.Kind != k.kind {
		return a, inspector.Errorf(inspector.InvalidInput, k.invalid, "%.310q is not a valid ARN of the kind that is wanted here: %s", text, k.what)
	}
	return a, nil
}

// check tells whether all of these are ARNs of the resource. Handlers that read
// one thing before another check the other first: what is malformed is refused
// before the store is asked for anything.
func (k resource) check(texts ...string) error {
	for _, text := range texts {
		if _, err := k.parse(text); err != nil {
			return err
		}
	}
	return nil
}

func (k resource) none(text string) error {
	return inspector.Errorf(inspector.NoSuchEntity, k.missing, "there is no %s %s", k.what, text)
}

// load reads resources by id.
type load[T any] func(ctx context.Context, ids []string) (map[string]T, error)

// find reads the resources that ARNs name. The result has only those that exist
// under exactly that ARN: an id under another parent, account or region is none.
// An ARN that is not one of the resource is an error.
func find[T any](ctx context.Context, k resource, texts []string, read load[T], arn func(T) inspector.ARN) (map[string]T, error) {
	ids := make([]string, 0, len(texts))
	for _, text := range texts {
		a, err := k.parse(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, a.ID)
	}
	if len(ids) == 0 {
		return map[string]T{}, nil
	}
	found, err := read(ctx, ids)
	if err != nil {
		return nil, err
	}
	byARN := make(map[string]T, len(found))
	for _, item := range found {
		byARN[arn(item).String()] = item
	}
	return byARN, nil
}

// one reads the resource that an ARN names, or fails as AWS does.
func one[T any](ctx context.Context, k resource, text string, read load[T], arn func(T) inspector.ARN) (T, error) {
	found, err := find(ctx, k, []string{text}, read, arn)
	item, ok := found[text]
	if err == nil && !ok {
		err = k.none(text)
	}
	return item, err
}

// all reads the resources that ARNs name and returns their ids, or fails if one
// does not exist.
func all[T any](ctx context.Context, k resource, texts []string, read load[T], arn func(T) inspector.ARN) ([]string, error) {
	found, err := find(ctx, k, texts, read, arn)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(texts))
	for _, text := range texts {
		item, ok := found[text]
		if !ok {
			return nil, k.none(text)
		}
		ids = append(ids, arn(item).ID)
	}
	return ids, nil
}

// sortOut puts what was found into the order of the request, each once, and what
// was not among the failed items.
func sortOut[T, W any](texts []string, found map[string]T, wire func(T) W) ([]W, map[string]model.FailedItemDetails) {
	items, failed, seen := []W{}, map[string]model.FailedItemDetails{}, map[string]bool{}
	for _, text := range texts {
		if seen[text] {
			continue
		}
		seen[text] = true
		if item, ok := found[text]; ok {
			items = append(items, wire(item))
		} else {
			failed[text] = model.FailedItemDetails{FailureCode: "ITEM_DOES_NOT_EXIST"}
		}
	}
	return items, failed
}
