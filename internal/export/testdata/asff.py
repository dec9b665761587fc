"""Checks a file of findings as boto3 checks what it sends to Security Hub: every
member known, of its type, within its range, none missing."""
import json
import sys

import botocore.loaders
import botocore.model
import botocore.validate

model = botocore.model.ServiceModel(botocore.loaders.create_loader().load_service_model("securityhub", "service-2"))
shape = model.operation_model("BatchImportFindings").input_shape
with open(sys.argv[1]) as f:
    findings = json.load(f)


def enums(shape, value, path):
    """botocore does not check enumerations and patterns; the service does."""
    if shape.type_name == "structure":
        for k, v in value.items():
            enums(shape.members[k], v, f"{path}.{k}")
    elif shape.type_name == "list":
        for i, v in enumerate(value):
            enums(shape.member, v, f"{path}[{i}]")
    elif shape.type_name == "map":
        for k, v in value.items():
            enums(shape.key, k, path)
            enums(shape.value, v, f"{path}[{k}]")
    elif shape.type_name == "string":
        assert not shape.enum or value in shape.enum, f"{path}: {value} is none of {shape.enum}"
        assert value.strip(), f"{path} is blank"


for i in range(0, len(findings), 100):
    batch = {"Findings": findings[i:i + 100]}
    report = botocore.validate.ParamValidator().validate(batch, shape)
    if report.has_errors():
        sys.exit(report.generate_report())
    enums(shape, batch, "")
    for finding in batch["Findings"]:
        assert len(json.dumps(finding)) < 240 * 1024, finding["Id"]
print(len(findings))
