"""A whole assessment as a program written against AWS does it: no word in it is
Assay's but the endpoint in the environment."""
import os
import time

import boto3

inspector = boto3.client("inspector", endpoint_url=os.environ["ASSAY_ENDPOINT"])
sts = boto3.client("sts", endpoint_url=os.environ["ASSAY_ENDPOINT"])

identity = sts.get_caller_identity()
assert len(identity["Account"]) == 12, identity

group = inspector.create_resource_group(resourceGroupTags=[{"key": "role", "value": "web"}])["resourceGroupArn"]
target = inspector.create_assessment_target(assessmentTargetName="boto", resourceGroupArn=group)["assessmentTargetArn"]
packages = inspector.list_rules_packages()["rulesPackageArns"]
described = inspector.describe_rules_packages(rulesPackageArns=packages)["rulesPackages"]
assert [p["arn"] for p in described] == packages, described
template = inspector.create_assessment_template(
    assessmentTargetArn=target,
    assessmentTemplateName="boto",
    durationInSeconds=180,
    # Without the one that would take all of the time.
    rulesPackageArns=[p["arn"] for p in described if p["name"] != "Runtime Behavior Analysis"],
    userAttributesForFindings=[{"key": "ticket", "value": "SEC-1"}],
)["assessmentTemplateArn"]
inspector.set_tags_for_resource(resourceArn=template, tags=[{"key": "team", "value": "red"}])
assert inspector.list_tags_for_resource(resourceArn=template)["tags"] == [{"key": "team", "value": "red"}]

agents = [a for page in inspector.get_paginator("preview_agents").paginate(previewAgentsArn=target) for a in page["agentPreviews"]]
assert len(agents) == 1 and agents[0]["agentHealth"] == "HEALTHY", agents

run = inspector.start_assessment_run(assessmentTemplateArn=template, assessmentRunName="boto")["assessmentRunArn"]
try:
    inspector.delete_assessment_run(assessmentRunArn=run)
    raise SystemExit("a run in progress was deleted")
except inspector.exceptions.AssessmentRunInProgressException as e:
    assert e.response["Error"]["Code"] == "AssessmentRunInProgressException", e.response

for _ in range(600):
    state = inspector.describe_assessment_runs(assessmentRunArns=[run])["assessmentRuns"][0]
    if state["state"] in ("COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "ERROR", "CANCELED"):
        break
    time.sleep(0.2)
assert state["state"].startswith("COMPLETED"), state
assert set(state["findingCounts"]) == {"High", "Medium", "Low", "Informational", "Undefined"}, state
assert state["dataCollected"] and state["startedAt"] <= state["completedAt"], state
assert [c["state"] for c in state["stateChanges"]][0] == "CREATED", state

arns = [a for page in inspector.get_paginator("list_findings").paginate(assessmentRunArns=[run]) for a in page["findingArns"]]
assert len(arns) == sum(state["findingCounts"].values()), (arns, state)
findings = inspector.describe_findings(findingArns=arns)["findings"]
for f in findings:
    assert f["userAttributes"] == [{"key": "ticket", "value": "SEC-1"}], f
    assert f["assetAttributes"]["agentId"] == agents[0]["agentId"], f
    assert f["serviceAttributes"]["assessmentRunArn"] == run, f
print(len(findings), "findings:", sorted((f["severity"], f["title"]) for f in findings))

for page in inspector.get_paginator("list_assessment_run_agents").paginate(assessmentRunArn=run):
    for agent in page["assessmentRunAgents"]:
        assert agent["telemetryMetadata"], agent
inspector.delete_assessment_run(assessmentRunArn=run)
inspector.delete_assessment_target(assessmentTargetArn=target)
assert inspector.list_assessment_targets()["assessmentTargetArns"] == []
