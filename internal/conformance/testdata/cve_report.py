"""What scripts did with the findings of Common Vulnerabilities and Exposures: by
severity and by CVE, with the package and the scores from their attributes."""
import json
import os
import re

import boto3

c = boto3.client("inspector", endpoint_url=os.environ["ASSAY_ENDPOINT"])
run = os.environ["CVE_RUN"]

packages = c.describe_rules_packages(rulesPackageArns=c.list_rules_packages()["rulesPackageArns"])["rulesPackages"]
cve = next(p["arn"] for p in packages if p["name"] == "Common Vulnerabilities and Exposures")


def findings(**selection):
    arns = [a for page in c.get_paginator("list_findings").paginate(assessmentRunArns=[run], filter=selection) for a in page["findingArns"]]
    return [f for n in range(0, len(arns), 10) for f in c.describe_findings(findingArns=arns[n:n + 10])["findings"]]


rows = {}
for f in findings(rulesPackageArns=[cve], severities=["High", "Medium", "Low"]):
    title = re.fullmatch(r"Instance (i-[0-9a-f]+) is vulnerable to (CVE-[0-9]{4}-[0-9]+)", f["title"])
    attributes = {a["key"]: a["value"] for a in f["attributes"]}
    assert title and title[1] == f["assetAttributes"]["agentId"] == attributes["INSTANCE_ID"], f
    assert title[2] == f["id"] == attributes["CVE_ID"], f
    assert len(f["attributes"]) <= 50 and all(1 <= len(a["key"]) <= 128 and len(a["value"]) <= 256 for a in f["attributes"]), f
    assert len(attributes) == len(f["attributes"]), f
    assert f["serviceAttributes"] == {"schemaVersion": 1, "assessmentRunArn": run, "rulesPackageArn": cve}, f
    scores = {k: v for k, v in attributes.items() if k.startswith("CVSS")}
    rows[f["id"]] = [f["severity"], f["numericSeverity"], attributes["package_name"], scores]
one = findings(attributes=[{"key": "CVE_ID", "value": "CVE-2026-2"}])
assert [f["id"] for f in one] == ["CVE-2026-2"], one
assert not findings(attributes=[{"key": "CVE_ID", "value": "CVE-2026-2"}], severities=["Low"])
print(json.dumps({"arn": cve, "rows": rows}))
