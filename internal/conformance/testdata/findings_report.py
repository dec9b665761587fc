"""The script that many wrote: all findings of the last run as a table, with what
it takes from them by the keys of their attributes. PAGE is empty for the default."""
import collections
import json
import os

import boto3

client = boto3.client("inspector", endpoint_url=os.environ["ASSAY_ENDPOINT"])
page_size = os.environ.get("PAGE")
pagination = {"PageSize": int(page_size)} if page_size else {}

runs = []
for page in client.get_paginator("list_assessment_runs").paginate(
    filter={"states": ["COMPLETED", "COMPLETED_WITH_ERRORS"]}, PaginationConfig=pagination
):
    for i in range(0, len(page["assessmentRunArns"]), 10):
        runs += client.describe_assessment_runs(assessmentRunArns=page["assessmentRunArns"][i:i + 10])["assessmentRuns"]
last = sorted(runs, key=lambda r: r["completedAt"])[-1]

packages = {p["arn"]: p["name"] for p in client.describe_rules_packages(rulesPackageArns=last["rulesPackageArns"])["rulesPackages"]}
counts, rows = collections.Counter(), []
for page in client.get_paginator("list_findings").paginate(assessmentRunArns=[last["arn"]], PaginationConfig=pagination):
    for f in client.describe_findings(findingArns=page["findingArns"], locale="EN_US")["findings"]:
        attributes = {a["key"]: a["value"] for a in f["attributes"]}
        tags = {t["key"]: t["value"] for t in f["assetAttributes"]["tags"]}
        rows.append((
            f["createdAt"].strftime("%Y-%m-%d"), attributes["INSTANCE_ID"], attributes.get("CVE_ID", f["id"]), f["severity"], f["numericSeverity"],
            packages[f["serviceAttributes"]["rulesPackageArn"]], tags.get("role"), f["assetAttributes"]["ipv4Addresses"][0], f["title"], f["recommendation"],
        ))
        counts[f["severity"]] += 1
assert dict(counts) == {k: v for k, v in last["findingCounts"].items() if v}, (counts, last)
assert len(set(rows)) == len(rows)
print(json.dumps({"run": last["arn"], "rows": len(rows), "counts": counts, "first": rows[0][1:-2]}))
