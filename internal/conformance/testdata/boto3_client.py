"""boto3 against an endpoint that is not AWS's: create, repeat, change, delete;
pages; errors as boto3's exceptions."""
import os

import boto3

endpoint = os.environ["ASSAY_ENDPOINT"]
seed = os.environ["SEED_RUN"]
total = int(os.environ["SEED_FINDINGS"])
c = boto3.client("inspector", endpoint_url=endpoint)

me = boto3.client("sts", endpoint_url=endpoint).get_caller_identity()
assert set(me) >= {"UserId", "Account", "Arn"} and me["Account"] in me["Arn"], me


def fails(exception, code, call, **kwargs):
    try:
        call(**kwargs)
    except exception as e:
        assert e.response["errorCode"] == code, e.response
        assert e.response["canRetry"] is False and e.response["message"], e.response
        assert e.response["Error"]["Code"] == exception.__name__, e.response
        assert e.response["ResponseMetadata"]["RequestId"], e.response
        return e.response
    raise SystemExit(f"{call.__name__} {kwargs} did not fail with {exception.__name__}")


x = c.exceptions

# Resource groups: each call makes one; there is no delete.
tags = [{"key": "role", "value": "web"}, {"key": "env", "value": "prod"}]
group = c.create_resource_group(resourceGroupTags=tags[:1])["resourceGroupArn"]
c.create_resource_group(resourceGroupTags=tags[:1])
described = c.describe_resource_groups(resourceGroupArns=[group])
assert described["resourceGroups"][0]["tags"] == tags[:1] and described["failedItems"] == {}, described
assert described["resourceGroups"][0]["createdAt"].tzinfo, described

# Targets: a name once; the change counts; a target without a group means all hosts.
target = c.create_assessment_target(assessmentTargetName="conform", resourceGroupArn=group)["assessmentTargetArn"]
fails(x.InvalidInputException, "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN", c.create_assessment_target, assessmentTargetName="conform")
assert c.update_assessment_target(assessmentTargetArn=target, assessmentTargetName="conformed").keys() == {"ResponseMetadata"}
one = c.describe_assessment_targets(assessmentTargetArns=[target])["assessmentTargets"][0]
assert one["name"] == "conformed" and "resourceGroupArn" not in one and one["updatedAt"] >= one["createdAt"], one
c.update_assessment_target(assessmentTargetArn=target, assessmentTargetName="conform", resourceGroupArn=group)
found = c.list_assessment_targets(filter={"assessmentTargetNamePattern": "conf*"})
assert found["assessmentTargetArns"] == [target] and "nextToken" not in found, found

# More targets than a default page: the paginator meets each once, and a page of 500 has all.
more = [c.create_assessment_target(assessmentTargetName=f"more-{i}")["assessmentTargetArn"] for i in range(11)]
assert len(c.list_assessment_targets()["assessmentTargetArns"]) == 10
listed = [a for p in c.get_paginator("list_assessment_targets").paginate() for a in p["assessmentTargetArns"]]
assert len(listed) == len(set(listed)) == 13 and set(more) < set(listed), listed
assert set(c.list_assessment_targets(maxResults=500)["assessmentTargetArns"]) == set(listed)
assert len(c.describe_assessment_targets(assessmentTargetArns=listed[:10])["assessmentTargets"]) == 10
for arn in more:
    c.delete_assessment_target(assessmentTargetArn=arn)

# What there is not is in failedItems; what is no ARN is an error.
nothing = target[:-8] + "zzzzzzzz"
described = c.describe_assessment_targets(assessmentTargetArns=[nothing, target])
assert described["failedItems"][nothing] == {"failureCode": "ITEM_DOES_NOT_EXIST", "retryable": False}, described
assert [t["arn"] for t in described["assessmentTargets"]] == [target], described
fails(x.InvalidInputException, "INVALID_ASSESSMENT_TARGET_ARN", c.describe_assessment_targets, assessmentTargetArns=["arn:aws:nonsense"])
fails(x.NoSuchEntityException, "ASSESSMENT_TARGET_DOES_NOT_EXIST", c.delete_assessment_target, assessmentTargetArn=nothing)

# Templates.
packages = [a for p in c.get_paginator("list_rules_packages").paginate() for a in p["rulesPackageArns"]]
kwargs = {"assessmentTargetArn": target, "assessmentTemplateName": "nightly", "durationInSeconds": 180, "rulesPackageArns": packages,
          "userAttributesForFindings": [{"key": "ticket", "value": "SEC-1"}]}
template = c.create_assessment_template(**kwargs)["assessmentTemplateArn"]
fails(x.InvalidInputException, "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN", c.create_assessment_template, **kwargs)
one = c.describe_assessment_templates(assessmentTemplateArns=[template])["assessmentTemplates"][0]
assert one["rulesPackageArns"] == packages and one["assessmentRunCount"] == 0 and one["userAttributesForFindings"] == kwargs["userAttributesForFindings"], one
c.set_tags_for_resource(resourceArn=template, tags=tags)
c.set_tags_for_resource(resourceArn=template, tags=tags[1:])
assert c.list_tags_for_resource(resourceArn=template)["tags"] == tags[1:]
assert c.list_assessment_templates(assessmentTargetArns=[target], filter={"namePattern": "night*", "durationRange": {"minSeconds": 180, "maxSeconds": 200}})["assessmentTemplateArns"] == [template]
assert c.list_event_subscriptions(resourceArn=template)["subscriptions"] == []

# Runs: one at a time for a host, stopped, deleted once.
agents = [a for p in c.get_paginator("preview_agents").paginate(previewAgentsArn=target) for a in p["agentPreviews"]]
assert [a["agentId"] for a in agents] == ["i-0123456789abcdef0"], agents
token = c.create_exclusions_preview(assessmentTemplateArn=template)["previewToken"]
assert c.get_exclusions_preview(assessmentTemplateArn=template, previewToken=token)["previewStatus"] in ("WORK_IN_PROGRESS", "COMPLETED")
topic = f"arn:aws:sns:{c.meta.region_name}:{me['Account']}:findings"
c.subscribe_to_event(resourceArn=template, event="ASSESSMENT_RUN_COMPLETED", topicArn=topic)
(sub,) = c.list_event_subscriptions(resourceArn=template)["subscriptions"]
assert sub["topicArn"] == topic and sub["eventSubscriptions"][0]["event"] == "ASSESSMENT_RUN_COMPLETED", sub
c.unsubscribe_from_event(resourceArn=template, event="ASSESSMENT_RUN_COMPLETED", topicArn=topic)
run = c.start_assessment_run(assessmentTemplateArn=template, assessmentRunName="first")["assessmentRunArn"]
try:
    c.start_assessment_run(assessmentTemplateArn=template)
    raise SystemExit("a second run was started on the same host")
except x.AgentsAlreadyRunningAssessmentException as e:
    assert e.response["agents"] == [{"agentId": "i-0123456789abcdef0", "assessmentRunArn": run}] and e.response["agentsTruncated"] is False, e.response
try:
    c.delete_assessment_run(assessmentRunArn=run)
    raise SystemExit("a run in progress was deleted")
except x.AssessmentRunInProgressException as e:
    assert e.response["assessmentRunArns"] == [run] and e.response["assessmentRunArnsTruncated"] is False, e.response
c.stop_assessment_run(assessmentRunArn=run, stopAction="SKIP_EVALUATION")
one = c.describe_assessment_runs(assessmentRunArns=[run])["assessmentRuns"][0]
assert one["state"] == "CANCELED" and one["name"] == "first" and one["stateChanges"][0]["state"] == "CREATED", one
assert set(one["findingCounts"]) == {"High", "Medium", "Low", "Informational", "Undefined"} and one["notifications"] == [], one
assert c.list_assessment_runs(assessmentTemplateArns=[template])["assessmentRunArns"] == [run]
assert [a["agentId"] for a in c.list_assessment_run_agents(assessmentRunArn=run)["assessmentRunAgents"]] == ["i-0123456789abcdef0"]
assert "telemetryMetadata" in c.get_telemetry_metadata(assessmentRunArn=run)
c.delete_assessment_run(assessmentRunArn=run)
fails(x.NoSuchEntityException, "ASSESSMENT_RUN_DOES_NOT_EXIST", c.delete_assessment_run, assessmentRunArn=run)

# Findings of the run that is over: default pages, pages of 500, a describe of each whole page.
assert len(c.list_findings()["findingArns"]) == 10
for size in (None, 500):
    config = {"PageSize": size} if size else {}
    pages = [p["findingArns"] for p in c.get_paginator("list_findings").paginate(assessmentRunArns=[seed], PaginationConfig=config)]
    assert sum(map(len, pages)) == len({a for p in pages for a in p}) == total, [len(p) for p in pages]
    for page in pages if size else pages[:3]:
        findings = c.describe_findings(findingArns=page)["findings"]
        assert [f["arn"] for f in findings] == page
high = [a for p in c.get_paginator("list_findings").paginate(assessmentRunArns=[seed], filter={"severities": ["High"]}) for a in p["findingArns"]]
assert len(high) == total // 4, len(high)
finding = high[0]
c.add_attributes_to_findings(findingArns=[finding], attributes=[{"key": "owner", "value": "me"}])
f = c.describe_findings(findingArns=[finding])["findings"][0]
assert {"key": "owner", "value": "me"} in f["userAttributes"], f
assert c.list_findings(filter={"userAttributes": [{"key": "owner", "value": "me"}]})["findingArns"] == [finding]
c.remove_attributes_from_findings(findingArns=[finding], attributeKeys=["owner"])
assert c.describe_findings(findingArns=[finding])["findings"][0]["userAttributes"] == []
exclusions = [a for p in c.get_paginator("list_exclusions").paginate(assessmentRunArn=seed) for a in p["exclusionArns"]]
explained = c.describe_exclusions(exclusionArns=exclusions)["exclusions"]
assert explained[exclusions[0]]["scopes"] == [{"key": "INSTANCE_ID", "value": "i-0123456789abcdef0"}], explained
report = c.get_assessment_report(assessmentRunArn=seed, reportFileFormat="HTML", reportType="FINDING")
assert report["status"] in ("WORK_IN_PROGRESS", "COMPLETED"), report
role = "arn:aws:iam::" + me["Account"] + ":role/inspector"
c.register_cross_account_access_role(roleArn=role)
described = c.describe_cross_account_access_role()
assert described["roleArn"] == role and described["valid"] in (True, False), described

# Deletes are final, and take everything below with them.
c.delete_assessment_template(assessmentTemplateArn=template)
fails(x.NoSuchEntityException, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", c.delete_assessment_template, assessmentTemplateArn=template)
c.delete_assessment_target(assessmentTargetArn=target)
print("ok")
