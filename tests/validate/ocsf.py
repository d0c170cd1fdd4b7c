"""Do two independent packages accept these OCSF Detection Findings?

Usage: ocsf.py FILE... (one finding a line). Every finding is held against the JSON schema of the
version and the profiles that it declares, and read by the models of py-ocsf-models.
"""

import json
import sys
from collections import Counter

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema, get_packaged_versions
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

MOST_SHOWN = 20


def validator(version, profiles, cache={}):
    key = (version, tuple(profiles))
    if key not in cache:
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
        cache[key] = Draft202012Validator(schema.get_class_schema("detection_finding", profiles=profiles))
    return cache[key]


def problems(finding):
    metadata = finding["metadata"]
    for error in validator(metadata["version"], metadata.get("profiles", [])).iter_errors(finding):
        where = "/".join(str(part) for part in error.absolute_path)
        yield f"ocsf-json-schema {metadata['version']}: {where}: {error.message[:200]}"
    try:
        DetectionFinding.model_validate(finding)
    except ValueError as error:
        yield f"py-ocsf-models: {str(error)[:400]}"


def main(files):
    seen, bad = Counter(), 0
    for file in files:
        with open(file, encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                finding = json.loads(line)
                seen[finding["metadata"]["version"]] += 1
                for problem in problems(finding):
                    bad += 1
                    if bad <= MOST_SHOWN:
                        print(f"{file}:{number}: {problem}")
    missing = [version for version in seen if version not in get_packaged_versions()]
    print(f"{sum(seen.values())} findings, by version {dict(seen)}, {bad} problems, no schema for {missing}")
    return 1 if bad or missing or not seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
