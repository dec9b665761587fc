"""Facts of OCSF's schema that the tests compare exports with: of each class and
object that Assay uses, the attributes with type, requirement, enumeration. No
text of the schema is taken.

usage: ocsf-facts.py CHECKOUT >ocsf-1.8.0.json     (ocsf/ocsf-schema at tag 1.8.0)"""
import json
import sys

root = sys.argv[1]
classes = ["vulnerability_finding", "compliance_finding", "detection_finding"]
objects = ["analytic", "compliance", "cve", "cvss", "evidences", "file", "finding_info", "key_value_object", "metadata",
           "affected_package", "product", "remediation", "resource_details", "vulnerability", "object"]


def read(path):
    with open(f"{root}/{path}.json") as f:
        return json.load(f)


dictionary = read("dictionary")


def attributes(folder, name):
    """The attributes of a class or object with those that it inherits, without profiles'."""
    try:
        d = read(f"{folder}/{name}")
    except FileNotFoundError:
        d = read(f"events/{name}")
    base = attributes(folder, d["extends"]) if "extends" in d else ({}, {})
    attrs, constraints = dict(base[0]), d.get("constraints", base[1])
    for key, own in d.get("attributes", {}).items():
        if key == "$include":
            continue
        fact = attrs.get(key)
        if fact is None:
            entry = dictionary["attributes"][key]
            fact = {"type": entry["type"], "array": entry.get("is_array", False), "required": False, "enum": sorted(entry.get("enum", {}), key=int if "_id" in key else str)}
        if "requirement" in own:
            fact = {**fact, "required": own["requirement"] == "required"}
        if "enum" in own:
            fact = {**fact, "enum": sorted({*fact["enum"], *own["enum"]}, key=int if "_id" in key else str)}
        if "@deprecated" in own:
            fact = {**fact, "deprecated": True}
        attrs[key] = fact
    return attrs, constraints


def facts(folder, name):
    attrs, constraints = attributes(folder, name)
    return {"attributes": attrs, "constraints": constraints}


def event(name):
    """A class; its own numbers are what OCSF's compiler fills in."""
    uid = category * 1000 + read(f"events/findings/{name}")["uid"]
    fact = facts("events/findings", name)
    fact["attributes"]["class_uid"]["enum"] = [str(uid)]
    fact["attributes"]["category_uid"]["enum"] = [str(category)]
    fact["attributes"]["type_uid"]["enum"] = []
    return {"uid": uid, **fact}


types = {k: {"base": v.get("type", ""), "regex": v.get("regex", "")} for k, v in dictionary["types"]["attributes"].items()}
category = read("categories")["attributes"]["findings"]["uid"]
out = {
    "source": "https://github.com/ocsf/ocsf-schema, tag 1.8.0 (Apache License 2.0)",
    "version": read("version")["version"],
    "types": types,
    "classes": {c: event(c) for c in classes},
    "objects": {o: facts("objects", o) for o in objects},
}
json.dump(out, sys.stdout, indent=1, sort_keys=True)
print()
