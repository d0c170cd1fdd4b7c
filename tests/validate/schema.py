"""Do the JSON Schemas say what the program accepts?

Usage: schema.py PROGRAM. Every shipped rule and every scaffold must be valid, and so must alerts and the
example configurations; what the program refuses for a key, a word or a type must be invalid.
"""

import copy
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path

import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]
MOST_SHOWN = 20

# Mistakes that a schema can see; the others need more than the document's shape.
STRUCTURE = {
    "unknown-key", "missing-key", "wrong-type", "unknown-word", "unknown-correlation", "unknown-field",
    "unknown-modifier", "timespan", "id", "name", "date", "logsource", "computed-field", "empty", "steps",
}


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, as the program and editors read it: `no` and dates are text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def documents(path):
    """The documents of a rule file."""
    return list(yaml.load_all(path.read_text(encoding="utf-8"), Loader))


class Program:
    """The program under test."""

    def __init__(self, path):
        self.path = path

    def run(self, *arguments):
        """What it prints; its exit code does not matter here."""
        done = subprocess.run([self.path, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode > 1:
            raise SystemExit(f"{' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    def validator(self, of):
        """The schema of a thing, itself held against the schema of schemas."""
        schema = json.loads(self.run("schema", of))
        Draft7Validator.check_schema(schema)
        return Draft7Validator(schema)

    def codes(self, folder):
        """The codes of the errors that a check tells of each file in a folder."""
        found = defaultdict(set)
        for line in filter(None, self.run("check", "--format", "json", str(folder)).split("\n")):
            one = json.loads(line)
            if one["severity"] == "error":
                found[Path(one["file"]).name].add(one["code"])
        return found


def mistakes(validator, document):
    """What the schema says, in short."""
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:160]}" for error in validator.iter_errors(document)]


def paths(value, path=()):
    """Every map and list in a document with the way to it."""
    if isinstance(value, (dict, list)):
        yield path, value
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, key))


def at(document, path):
    """The value at a way."""
    for key in path:
        document = document[key]
    return document


# Maps whose keys are the author's own: any key is a name there.
OWN_NAMES = {"detection", "aliases", "values"}


def mutants(document):
    """The document with one mistake each, and what was done."""
    for path, value in paths(document):
        if not isinstance(value, dict):
            continue
        if not (path and path[-1] in OWN_NAMES) and "aliases" not in path:
            changed = copy.deepcopy(document)
            at(changed, path)["zzz"] = 1
            yield f"{path}: another key", changed
        for key, inner in value.items():
            wrong = {"a": {"b": "c"}} if not isinstance(inner, dict) else [["x"]]
            changed = copy.deepcopy(document)
            at(changed, path)[key] = wrong
            yield f"{path}.{key}: another type", changed
            changed = copy.deepcopy(document)
            del at(changed, path)[key]
            yield f"{path}.{key}: left out", changed
            if isinstance(inner, str):
                changed = copy.deepcopy(document)
                at(changed, path)[key] = "?!"
                yield f"{path}.{key}: another word", changed
            if "detection" in path and len(path) > 1:
                changed = copy.deepcopy(document)
                at(changed, path)[f"{key}|contians"] = at(changed, path).pop(key)
                yield f"{path}.{key}: another modifier", changed


def scaffolds(program, schema, folder):
    """A new rule of every type."""
    types = schema["else"]["properties"]["correlation"]["properties"]["type"]["enum"]
    for kind in ["detection", *types]:
        name = "new-" + kind.replace("_", "-")
        yield Path(program.run("new", name, "--type", kind, "--dir", str(folder), "--author", "Ana").strip())


def rules(program, folder):
    """Valid documents are valid, and what is refused is not."""
    validator = program.validator("rule")
    shipped = sorted((ROOT / "detections").glob("**/*.yml"))
    made = list(scaffolds(program, validator.schema, folder))
    valid, refused = 0, 0
    for path in [*shipped, *made]:
        for document in documents(path):
            valid += 1
            yield from (f"{path.name}: {problem}" for problem in mistakes(validator, document))
    samples = [*made, *(path for path in shipped if "exceptions" in path.read_text(encoding="utf-8"))]
    for path in samples:
        *parts, main = documents(path)
        changed = list(mutants(main))
        inside = folder / path.stem
        inside.mkdir()
        for number, (_, mutant) in enumerate(changed):
            text = yaml.safe_dump_all([*parts, mutant], sort_keys=False, allow_unicode=True)
            (inside / f"{number}.yml").write_text(alone(text, path.stem, number), encoding="utf-8")
        codes = program.codes(inside)
        for number, (what, mutant) in enumerate(changed):
            found, broken = codes[f"{number}.yml"], mistakes(validator, mutant)
            if broken and not found:
                yield f"{path.name}: {what}: refused by the schema alone: {broken}"
            if found & STRUCTURE and not broken and not deeper(what):
                yield f"{path.name}: {what}: accepted by the schema alone, refused for {found & STRUCTURE}"
            refused += bool(broken)
    print(f"{valid} documents are valid, {refused} mutants are not")


def alone(text, name, number):
    """The rules of a file under names and ids of their own, so that many copies stand side by side."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}-)", rf"{number:08x}\1", text)
    return text.replace(name, f"{name}-{number}")


def deeper(what):
    """Whether the mistake lies in what a schema does not read: names of fields and formulas in a correlation."""
    return "correlation" in what


def configurations(program, folder):
    """The example configurations are valid, and another key is not."""
    validator = program.validator("config")
    files = [ROOT / "deploy/oktawatch.example.toml", ROOT / "deploy/oktawatch.container.toml"]
    for path in files:
        yield from (f"{path.name}: {problem}" for problem in mistakes(validator, tomllib.loads(path.read_text(encoding="utf-8"))))
    for text in ["[engine]\nworkerz = 1", "[engin]", "[engine]\nworkers = 'two'", "[time]\nidle_timeout = 'soon'",
                 "[output]\nformat = 'xml'", "[input]\nmax_record_bytes = 'big'", "[geoip]\nsites = [{ name = 'x' }]",
                 "[geoip]\nroles = [{ role = 'api_client' }]", "[geoip]\nroles = [{ cidr = '192.0.2.1', role = 'x' }]"]:
        file = folder / "wrong.toml"
        file.write_text(text, encoding="utf-8")
        done = subprocess.run([program.path, "config", "show", "--config", file], capture_output=True, check=False)
        if done.returncode == 0 or not mistakes(validator, tomllib.loads(text)):
            yield f"configuration {text!r}: exit code {done.returncode}, schema {mistakes(validator, tomllib.loads(text))}"


def alerts(program):
    """Every alert in the flat format is valid."""
    validator = program.validator("alert")
    events = sorted(str(path) for path in (ROOT / "tests/cases").glob("*/events.jsonl"))
    told = program.run("replay", "--set", "output.format=flat", "--rules", "detections", *events).splitlines()
    golden = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests/alerts/golden").glob("flat-*.json"))]
    if not told or not golden:
        yield "no alerts"
    for text in [*told, *golden]:
        yield from (f"alert: {problem}" for problem in mistakes(validator, json.loads(text)))
    print(f"{len(told)} alerts of replay and {len(golden)} golden ones are held against the schema")


def main(program):
    """Prints every problem; the exit code is 1 if there is one."""
    program = Program(program)
    with tempfile.TemporaryDirectory() as folder:
        problems = [*rules(program, Path(folder)), *configurations(program, Path(folder)), *alerts(program)]
    for problem in problems[:MOST_SHOWN]:
        print(problem)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
