package api

import (
	"assay/internal/api/model"
	"assay/internal/inspector"
)

// invalidInput turns a violation of the model into what Inspector says to it: an
// InvalidInputException with the error code of the first member that has one.
// What has none, and required members that are missing altogether, stay a
// ValidationException. A list's entry that is null, or lacks a member, is there,
// and is not a valid one.
func invalidInput(operation string, e *model.ValidationError) error {
	for _, v := range e.Violations {
		if code := codeOf(operation, v); code != "" {
			return inspector.Errorf(inspector.InvalidInput, code, "%s", e.Error())
		}
	}
	return e
}

func codeOf(operation string, v model.Violation) string {
	if v.Constraint == model.NotNull && v.Path == v.Member {
		return ""
	}
	if code, ok := entryCodes[v.Member]; ok && v.Constraint == model.NotNull {
		return code
	}
	if v.Shape.Kind == model.ListKind {
		return numberCodes[v.Member]
	}
	for _, key := range []string{operation + ":" + v.Member, v.Member} {
		if code, ok := valueCodes[key]; ok {
			return code
		}
	}
	return ""
}

// numberCodes are for lists with too many or too few entries.
var numberCodes = map[string]string{
	"assessmentTargetArns":      "INVALID_NUMBER_OF_ASSESSMENT_TARGET_ARNS",
	"assessmentTemplateArns":    "INVALID_NUMBER_OF_ASSESSMENT_TEMPLATE_ARNS",
	"assessmentRunArns":         "INVALID_NUMBER_OF_ASSESSMENT_RUN_ARNS",
	"findingArns":               "INVALID_NUMBER_OF_FINDING_ARNS",
	"resourceGroupArns":         "INVALID_NUMBER_OF_RESOURCE_GROUP_ARNS",
	"rulesPackageArns":          "INVALID_NUMBER_OF_RULES_PACKAGE_ARNS",
	"filter.rulesPackageArns":   "INVALID_NUMBER_OF_RULES_PACKAGE_ARNS",
	"filter.states":             "INVALID_NUMBER_OF_ASSESSMENT_RUN_STATES",
	"tags":                      "INVALID_NUMBER_OF_TAGS",
	"resourceGroupTags":         "INVALID_NUMBER_OF_RESOURCE_GROUP_TAGS",
	"attributes":                "INVALID_NUMBER_OF_USER_ATTRIBUTES",
	"attributeKeys":             "INVALID_NUMBER_OF_USER_ATTRIBUTES",
	"userAttributesForFindings": "INVALID_NUMBER_OF_USER_ATTRIBUTES",
	"filter.attributes":         "INVALID_NUMBER_OF_ATTRIBUTES",
	"filter.userAttributes":     "INVALID_NUMBER_OF_USER_ATTRIBUTES",
	"filter.agentIds":           "INVALID_NUMBER_OF_AGENT_IDS",
	"filter.autoScalingGroups":  "INVALID_NUMBER_OF_AUTO_SCALING_GROUPS",
	"filter.ruleNames":          "INVALID_NUMBER_OF_RULE_NAMES",
	"filter.severities":         "INVALID_NUMBER_OF_SEVERITIES",
}

// entryCodes are for entries that are no tag, or no attribute, at all.
var entryCodes = map[string]string{
	"tags":                          "INVALID_TAG",
	"tags.key":                      "INVALID_TAG",
	"resourceGroupTags":             codeGroupTagKey,
	"attributes":                    codeUserAttribute,
	"attributes.key":                codeUserAttribute,
	"userAttributesForFindings":     codeUserAttribute,
	"userAttributesForFindings.key": codeUserAttribute,
	"filter.attributes":             codeAttribute,
	"filter.userAttributes":         codeUserAttribute,
	"filter.userAttributes.key":     codeUserAttribute,
}

// valueCodes are for all other members; where one member means different things,
// by operation.
var valueCodes = map[string]string{
	"assessmentTargetArn":                        codeTargetARN,
	"assessmentTargetArns":                       codeTargetARN,
	"previewAgentsArn":                           codeTargetARN,
	"assessmentTemplateArn":                      codeTemplateARN,
	"assessmentTemplateArns":                     codeTemplateARN,
	"assessmentRunArn":                           codeRunARN,
	"assessmentRunArns":                          codeRunARN,
	"findingArns":                                codeFindingARN,
	"exclusionArns":                              codeResourceARN,
	"resourceGroupArn":                           codeGroupARN,
	"resourceGroupArns":                          codeGroupARN,
	"rulesPackageArns":                           codePackageARN,
	"filter.rulesPackageArns":                    codePackageARN,
	"resourceArn":                                codeResourceARN,
	"topicArn":                                   "INVALID_SNS_TOPIC_ARN",
	"roleArn":                                    codeRoleARN,
	"assessmentTargetName":                       "INVALID_ASSESSMENT_TARGET_NAME",
	"filter.assessmentTargetNamePattern":         "INVALID_ASSESSMENT_TARGET_NAME_PATTERN",
	"assessmentTemplateName":                     "INVALID_ASSESSMENT_TEMPLATE_NAME",
	"ListAssessmentTemplates:filter.namePattern": "INVALID_ASSESSMENT_TEMPLATE_NAME_PATTERN",
	"durationInSeconds":                          "INVALID_ASSESSMENT_TEMPLATE_DURATION",
	"ListAssessmentTemplates:filter.durationRange.minSeconds": codeTemplateDurations,
	"ListAssessmentTemplates:filter.durationRange.maxSeconds": codeTemplateDurations,
	"ListAssessmentRuns:filter.durationRange.minSeconds":      codeRunDurations,
	"ListAssessmentRuns:filter.durationRange.maxSeconds":      codeRunDurations,
	"filter.states":                   "INVALID_ASSESSMENT_RUN_STATE",
	"resourceGroupTags.key":           codeGroupTagKey,
	"resourceGroupTags.value":         "INVALID_RESOURCE_GROUP_TAG_VALUE",
	"tags.key":                        codeTagKey,
	"tags.value":                      "INVALID_TAG_VALUE",
	"attributes.key":                  codeUserAttributeKey,
	"attributes.value":                "INVALID_USER_ATTRIBUTE_VALUE",
	"attributeKeys":                   codeUserAttributeKey,
	"userAttributesForFindings.key":   codeUserAttributeKey,
	"userAttributesForFindings.value": "INVALID_USER_ATTRIBUTE_VALUE",
	"filter.attributes.key":           codeAttribute,
	"filter.attributes.value":         codeAttribute,
	"filter.userAttributes.key":       codeUserAttributeKey,
	"filter.userAttributes.value":     "INVALID_USER_ATTRIBUTE_VALUE",
	"filter.agentIds":                 "INVALID_AGENT_ID",
	"filter.autoScalingGroups":        "INVALID_AUTO_SCALING_GROUP",
	"filter.ruleNames":                "INVALID_RULE_NAME",
	"filter.severities":               "INVALID_SEVERITY",
	"nextToken":                       codeToken,
	"maxResults":                      codeMaxResults,
	"locale":                          "INVALID_LOCALE",
	"event":                           "INVALID_EVENT",
}

// The error codes that handlers use too.
const (
	codeTargetARN         = "INVALID_ASSESSMENT_TARGET_ARN"
	codeTemplateARN       = "INVALID_ASSESSMENT_TEMPLATE_ARN"
	codeRunARN            = "INVALID_ASSESSMENT_RUN_ARN"
	codeFindingARN        = "INVALID_FINDING_ARN"
	codeGroupARN          = "INVALID_RESOURCE_GROUP_ARN"
	codePackageARN        = "INVALID_RULES_PACKAGE_ARN"
	codeResourceARN       = "INVALID_RESOURCE_ARN"
	codeRoleARN           = "INVALID_IAM_ROLE_ARN"
	codeTemplateDurations = "INVALID_ASSESSMENT_TEMPLATE_DURATION_RANGE"
	codeRunDurations      = "INVALID_ASSESSMENT_RUN_DURATION_RANGE"
	codeTagKey            = "INVALID_TAG_KEY"
	codeUserAttributeKey  = "INVALID_USER_ATTRIBUTE_KEY"
	codeUserAttribute     = "INVALID_USER_ATTRIBUTE"
	codeAttribute         = "INVALID_ATTRIBUTE"
	codeGroupTagKey       = "INVALID_RESOURCE_GROUP_TAG_KEY"
	codeToken             = "INVALID_PAGINATION_TOKEN"
	codeMaxResults        = "INVALID_MAX_RESULTS"
)
