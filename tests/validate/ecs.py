"""Has every field of these ECS documents the type that the schema gives it?

Usage: ecs.py FILE... (one document a line). Field types are those of the Elastic Common Schema 8.17
for the fields that are used; `okta.*` are Elastic's Okta integration's, `oktawatch.*` are our own.
Any other field is a mistake.
"""

import ipaddress
import json
import re
import sys

KEYWORD, TEXT, DATE, IP, LONG, FLOAT, POINT = "keyword", "text", "date", "ip", "long", "float", "geo_point"
FIELDS = {
    "@timestamp": DATE, "message": TEXT, "tags": KEYWORD, "ecs.version": KEYWORD, "organization.name": KEYWORD,
    "observer.vendor": KEYWORD, "observer.product": KEYWORD, "observer.type": KEYWORD, "observer.version": KEYWORD,
    "event.kind": KEYWORD, "event.category": KEYWORD, "event.type": KEYWORD, "event.action": KEYWORD,
    "event.outcome": KEYWORD, "event.severity": LONG, "event.risk_score": FLOAT, "event.module": KEYWORD,
    "event.dataset": KEYWORD, "event.provider": KEYWORD, "event.id": KEYWORD, "event.code": KEYWORD,
    "event.created": DATE, "event.start": DATE, "event.end": DATE, "event.duration": LONG, "event.reason": KEYWORD,
    "event.reference": KEYWORD, "event.original": KEYWORD,
    "rule.id": KEYWORD, "rule.uuid": KEYWORD, "rule.name": KEYWORD, "rule.description": KEYWORD,
    "rule.version": KEYWORD, "rule.category": KEYWORD, "rule.author": KEYWORD, "rule.reference": KEYWORD,
    "threat.framework": KEYWORD, "threat.tactic.id": KEYWORD, "threat.tactic.name": KEYWORD,
    "threat.technique.id": KEYWORD, "threat.technique.name": KEYWORD,
    "threat.technique.subtechnique.id": KEYWORD, "threat.technique.subtechnique.name": KEYWORD,
    "source.address": KEYWORD, "source.ip": IP, "source.as.number": LONG, "source.as.organization.name": KEYWORD,
    "source.geo.city_name": KEYWORD, "source.geo.country_iso_code": KEYWORD, "source.geo.country_name": KEYWORD,
    "source.geo.region_name": KEYWORD, "source.geo.location": POINT,
    "user_agent.original": KEYWORD, "related.ip": IP, "related.user": KEYWORD,
    "okta.uuid": KEYWORD, "okta.event_type": KEYWORD, "okta.display_message": KEYWORD,
    "okta.outcome.result": KEYWORD, "okta.outcome.reason": KEYWORD, "okta.actor.id": KEYWORD,
    "okta.actor.type": KEYWORD, "okta.actor.alternate_id": KEYWORD, "okta.actor.display_name": KEYWORD,
    "okta.authentication_context.external_session_id": KEYWORD, "okta.target": None,
}
for user in ("user", "user.target"):
    FIELDS |= {f"{user}.{name}": KEYWORD for name in ("id", "name", "full_name", "email", "domain")}

ALLOWED = {
    "event.kind": {"alert"},
    "event.category": {"authentication", "configuration", "threat", "iam"},
    "event.type": {"info", "change", "indicator", "user"},
    "event.outcome": {"success", "failure", "unknown"},
}
REQUIRED = ["@timestamp", "ecs.version", "message", "event.kind", "event.id", "rule.id", "rule.name"]
# The fields that the schema says to write as arrays.
ARRAYS = {"event.category", "event.type", "tags", "rule.author", "related.ip", "related.user",
          "threat.tactic.id", "threat.tactic.name", "threat.technique.id", "threat.technique.name",
          "threat.technique.subtechnique.id", "threat.technique.subtechnique.name"}


def is_ip(value):
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


CHECKS = {
    KEYWORD: lambda value: isinstance(value, str),
    TEXT: lambda value: isinstance(value, str),
    DATE: lambda value: isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value),
    IP: lambda value: isinstance(value, str) and is_ip(value),
    LONG: lambda value: isinstance(value, int) and not isinstance(value, bool),
    FLOAT: is_number,
    POINT: lambda value: set(value) == {"lat", "lon"} and abs(value["lat"]) <= 90 and abs(value["lon"]) <= 180,
}


def leaves(path, value):
    known = path in FIELDS
    if isinstance(value, dict) and not known and path != "oktawatch":
        for key, inner in value.items():
            yield from leaves(f"{path}.{key}" if path else key, inner)
    elif path != "oktawatch":
        yield path, value


def problems(document):
    found = dict(leaves("", document))
    for path in REQUIRED:
        if path not in found:
            yield f"{path}: is missing"
    for path, value in found.items():
        if path not in FIELDS:
            yield f"{path}: is no field of the schema"
            continue
        if (path in ARRAYS) != isinstance(value, list) and FIELDS[path]:
            yield f"{path}: array or not? {value!r}"
        for one in value if isinstance(value, list) else [value]:
            check = CHECKS.get(FIELDS[path])
            if check and not check(one):
                yield f"{path}: {one!r} is no {FIELDS[path]}"
            if one not in ALLOWED.get(path, [one]):
                yield f"{path}: {one!r} is not among the allowed values"


def main(files):
    count, bad = 0, 0
    for file in files:
        with open(file, encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                count += 1
                for problem in problems(json.loads(line)):
                    bad += 1
                    if bad <= 20:
                        print(f"{file}:{number}: {problem}")
    print(f"{count} documents, {bad} problems")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
