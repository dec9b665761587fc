// AWS's JavaScript clients, the second generation or the third, against an endpoint
// that is not AWS's. The program sees of either only call(operation, input).
"use strict";
const assert = require("node:assert/strict");

const generation = process.argv[2];
const endpoint = process.env.ASSAY_ENDPOINT;
const region = process.env.AWS_REGION;
const seed = process.env.SEED_RUN;
const total = Number(process.env.SEED_FINDINGS);

const client = (service) => require("./clients.js").client(generation, service);
const call = client("Inspector");

// fails wants an exception; the members that are not in every error are told by
// the third generation only.
async function fails(exception, members, operation, input) {
  try {
    await call(operation, input);
  } catch (e) {
    assert.equal(generation === "v2" ? e.code : e.name, exception, e);
    assert.equal(generation === "v2" ? e.statusCode : e.$metadata.httpStatusCode, 400);
    assert.ok(e.message);
    if (generation === "v3") {
      for (const [k, v] of Object.entries(members)) assert.deepEqual(e[k], v, k);
      assert.equal(e.canRetry, false);
    }
    return;
  }
  assert.fail(`${operation} did not fail with ${exception}`);
}

// pages follows nextToken, with the third generation's paginators where it has them.
async function pages(operation, input, key, pageSize) {
  const all = [];
  if (generation === "v3") {
    const sdk = require("@aws-sdk/client-inspector");
    const c = new sdk.InspectorClient({ endpoint, region, maxAttempts: 1 });
    for await (const p of sdk["paginate" + operation]({ client: c, pageSize }, input)) all.push(p[key]);
    return all;
  }
  for (let nextToken; ; ) {
    const p = await call(operation, { ...input, nextToken, maxResults: pageSize });
    all.push(p[key]);
    if (!(nextToken = p.nextToken)) return all;
  }
}

async function main() {
  const me = await client("STS")("GetCallerIdentity");
  assert.ok(me.Arn.includes(me.Account));

  const resourceGroupTags = [{ key: "role", value: "web" }];
  const { resourceGroupArn } = await call("CreateResourceGroup", { resourceGroupTags });
  const { resourceGroups } = await call("DescribeResourceGroups", { resourceGroupArns: [resourceGroupArn] });
  assert.deepEqual(resourceGroups[0].tags, resourceGroupTags);
  assert.ok(resourceGroups[0].createdAt instanceof Date && Math.abs(Date.now() - resourceGroups[0].createdAt) < 3600e3);

  const name = { assessmentTargetName: "conform" };
  const { assessmentTargetArn } = await call("CreateAssessmentTarget", { ...name, resourceGroupArn });
  await fails("InvalidInputException", { errorCode: "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN" }, "CreateAssessmentTarget", name);
  await call("UpdateAssessmentTarget", { assessmentTargetArn, assessmentTargetName: "changed", resourceGroupArn });
  const { assessmentTargets, failedItems } = await call("DescribeAssessmentTargets", { assessmentTargetArns: [assessmentTargetArn, assessmentTargetArn.slice(0, -8) + "zzzzzzzz"] });
  assert.equal(assessmentTargets[0].name, "changed");
  assert.deepEqual(Object.values(failedItems), [{ failureCode: "ITEM_DOES_NOT_EXIST", retryable: false }]);
  const targets = await pages("ListAssessmentTargets", {}, "assessmentTargetArns", 1);
  assert.deepEqual(targets.map((p) => p.length), [1, 1]);
  await fails("InvalidInputException", { errorCode: "INVALID_ASSESSMENT_TARGET_ARN" }, "DescribeAssessmentTargets", { assessmentTargetArns: ["arn:nonsense"] });

  const { rulesPackageArns } = await call("ListRulesPackages");
  const nightly = { assessmentTargetArn, assessmentTemplateName: "nightly", durationInSeconds: 180, rulesPackageArns };
  const { assessmentTemplateArn } = await call("CreateAssessmentTemplate", nightly);
  await fails("InvalidInputException", { errorCode: "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN" }, "CreateAssessmentTemplate", nightly);
  const tags = [{ key: "umlaut", value: "äöü €" }];
  await call("SetTagsForResource", { resourceArn: assessmentTemplateArn, tags });
  assert.deepEqual((await call("ListTagsForResource", { resourceArn: assessmentTemplateArn })).tags, tags);

  await call("SubscribeToEvent", { resourceArn: assessmentTemplateArn, event: "FINDING_REPORTED", topicArn: `arn:aws:sns:${region}:${me.Account}:findings` });
  await call("CreateExclusionsPreview", { assessmentTemplateArn });

  const { assessmentRunArn } = await call("StartAssessmentRun", { assessmentTemplateArn });
  await fails("AgentsAlreadyRunningAssessmentException", { agents: [{ agentId: "i-0123456789abcdef0", assessmentRunArn }], agentsTruncated: false }, "StartAssessmentRun", { assessmentTemplateArn });
  await fails("AssessmentRunInProgressException", { assessmentRunArns: [assessmentRunArn], assessmentRunArnsTruncated: false }, "DeleteAssessmentRun", { assessmentRunArn });
  await call("StopAssessmentRun", { assessmentRunArn, stopAction: "SKIP_EVALUATION" });
  const { assessmentRuns } = await call("DescribeAssessmentRuns", { assessmentRunArns: [assessmentRunArn] });
  assert.equal(assessmentRuns[0].state, "CANCELED");
  assert.equal(Object.keys(assessmentRuns[0].findingCounts).length, 5);
  await call("DeleteAssessmentRun", { assessmentRunArn });
  await fails("NoSuchEntityException", { errorCode: "ASSESSMENT_RUN_DOES_NOT_EXIST" }, "DeleteAssessmentRun", { assessmentRunArn });

  for (const size of [undefined, 500]) {
    const found = await pages("ListFindings", { assessmentRunArns: [seed] }, "findingArns", size);
    assert.equal(new Set(found.flat()).size, total);
    assert.equal(found[0].length, size || 10);
    for (const findingArns of [found[0], found.at(-1)]) {
      const { findings } = await call("DescribeFindings", { findingArns });
      assert.deepEqual(findings.map((f) => f.arn), findingArns);
      assert.equal(findings[0].numericSeverity, { High: 9, Medium: 6, Low: 3, Informational: 0 }[findings[0].severity]);
    }
  }
  const [findingArn] = (await call("ListFindings", { maxResults: 1 })).findingArns;
  await call("AddAttributesToFindings", { findingArns: [findingArn], attributes: [{ key: "owner", value: "me" }] });
  await call("GetAssessmentReport", { assessmentRunArn: seed, reportFileFormat: "HTML", reportType: "FINDING" });
  const { exclusionArns } = await call("ListExclusions", { assessmentRunArn: seed });
  assert.equal((await call("DescribeExclusions", { exclusionArns })).exclusions[exclusionArns[0]].title, "Not all could be read");

  assert.ok(await call("DeleteAssessmentTemplate", { assessmentTemplateArn }));
  await call("DeleteAssessmentTarget", { assessmentTargetArn });
  await fails("NoSuchEntityException", { errorCode: "ASSESSMENT_TARGET_DOES_NOT_EXIST" }, "DeleteAssessmentTarget", { assessmentTargetArn });
  console.log("ok");
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
