"""Verifies a delivery as docs/events.md says: argument 1 is the secret, standard
input {"headers": {...}, "body": "..."}. It shares no code with Assay."""
import base64, hashlib, hmac, json, sys


def verify(secret, headers, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [s.removeprefix("v1,") for s in headers["webhook-signature"].split() if s.startswith("v1,")]
    return any(hmac.compare_digest(want, s) for s in given)


delivery = json.load(sys.stdin)
print("valid" if verify(sys.argv[1], delivery["headers"], delivery["body"].encode()) else "FORGED")
