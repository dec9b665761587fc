"""A Lambda function as users have them, which is subscribed to a topic of
Inspector's events. It reads an event of a Lambda function, or an SNS envelope as
posted over HTTP, and prints what it understood."""
import json, re, sys


def lambda_handler(event, context):
    for record in event["Records"]:
        assert record["EventSource"] == "aws:sns"
        sns = record["Sns"]
        assert sns["Type"] == "Notification" and sns["MessageId"]
        message = json.loads(sns["Message"])
        kind = message["event"]
        out = [kind, message["target"].split("/")[-1], message["template"].split("/")[-1], message.get("run", "").split("/")[-1]]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["time"])
        if kind == "ASSESSMENT_RUN_STATE_CHANGED":
            out.append(message["newstate"])
        elif kind == "FINDING_REPORTED":
            out.append(message["finding"])
        elif kind == "ASSESSMENT_RUN_COMPLETED":
            counts = re.findall(r"=(\d+)[,}]", message["findingsCount"])
            out.append(str(sum(map(int, counts))))
        print(" ".join(out))


body = json.load(sys.stdin)
if "Records" not in body:
    body = {"Records": [{"EventSource": "aws:sns", "Sns": body}]}
lambda_handler(body, None)
