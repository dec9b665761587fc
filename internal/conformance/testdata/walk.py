"""Makes the calls that come in, a line each, with boto3, and answers with a line each."""
import json
import os
import re
import sys

import boto3

client = boto3.client("inspector", endpoint_url=os.environ["ASSAY_ENDPOINT"])
for line in sys.stdin:
    call = json.loads(line)
    method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", call["operation"]).lower()
    print(json.dumps(getattr(client, method)(**call["input"]), default=str), flush=True)
