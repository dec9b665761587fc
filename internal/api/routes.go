package api

import (
	"context"
	"errors"

	"assay/internal/api/model"
)

// operation decodes its input and carries it out; the result is nil where the
// model has no output.
type operation func(ctx context.Context, body []byte, shape model.Operation) (any, error)

// routes lists the operations that have a behaviour. The others of the model are
// answered as unknown.
func (s *Server) routes() map[string]operation {
	return map[string]operation{
		"CreateResourceGroup":         query(s.createResourceGroup),
		"DescribeResourceGroups":      query(s.describeResourceGroups),
		"CreateAssessmentTarget":      query(s.createTarget),
		"UpdateAssessmentTarget":      command(s.updateTarget),
		"DeleteAssessmentTarget":      command(s.deleteTarget),
		"ListAssessmentTargets":       query(s.listTargets),
		"DescribeAssessmentTargets":   query(s.describeTargets),
		"PreviewAgents":               query(s.previewAgents),
		"CreateAssessmentTemplate":    query(s.createTemplate),
		"DeleteAssessmentTemplate":    command(s.deleteTemplate),
		"ListAssessmentTemplates":     query(s.listTemplates),
		"DescribeAssessmentTemplates": query(s.describeTemplates),
		"SetTagsForResource":          command(s.setTags),
		"ListTagsForResource":         query(s.listTags),
		"SubscribeToEvent":            command(s.subscribe),
		"UnsubscribeFromEvent":        command(s.unsubscribe),
		"ListEventSubscriptions":      query(s.listSubscriptions),
		"StartAssessmentRun":          query(s.startRun),
		"StopAssessmentRun":           command(s.stopRun),
		"DeleteAssessmentRun":         command(s.deleteRun),
		"ListAssessmentRuns":          query(s.listRuns),
		"DescribeAssessmentRuns":      query(s.describeRuns),
		"ListAssessmentRunAgents":     query(s.listRunAgents),
		"GetTelemetryMetadata":        query(s.getTelemetry),
		"GetAssessmentReport":         query(s.getReport),
		"ListFindings":                query(s.listFindings),
		"DescribeFindings":            query(s.describeFindings),
		"ListExclusions":              query(s.listExclusions),
		"DescribeExclusions":          query(s.describeExclusions),
		"CreateExclusionsPreview":     query(s.createExclusionsPreview),
		"GetExclusionsPreview":        query(s.getExclusionsPreview),
		"ListRulesPackages":           query(s.listRulesPackages),
		"DescribeRulesPackages":       query(s.describeRulesPackages),

		"RegisterCrossAccountAccessRole": command(s.registerRole),
		"DescribeCrossAccountAccessRole": query(s.describeRole),
		"AddAttributesToFindings":        query(s.addAttributes),
		"RemoveAttributesFromFindings":   query(s.removeAttributes),
	}
}

// query makes an operation of a method that answers with an output.
func query[In, Out any](method func(context.Context, *In) (*Out, error)) operation {
	return func(ctx context.Context, body []byte, shape model.Operation) (any, error) {
		in := new(In)
		if err := decode(body, shape, in); err != nil {
			return nil, err
		}
		out, err := method(ctx, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// command makes an operation of a method that answers with nothing.
func command[In any](method func(context.Context, *In) error) operation {
	return func(ctx context.Context, body []byte, shape model.Operation) (any, error) {
		in := new(In)
		if err := decode(body, shape, in); err != nil {
			return nil, err
		}
		return nil, method(ctx, in)
	}
}

// takesNothing is the input of an operation without one: clients send an object.
var takesNothing = &model.Shape{Kind: model.StructKind}

// decode reads the input. An empty body is an empty input.
func decode(body []byte, shape model.Operation, in any) error {
	if len(body) == 0 {
		body = []byte("{}")
	}
	input := shape.Input
	if input == nil {
		input = takesNothing
	}
	err := model.Decode(body, input, in)
	var validation *model.ValidationError
	if errors.As(err, &validation) {
		return invalidInput(shape.Name, validation)
	}
	return err
}
