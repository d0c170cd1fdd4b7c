"""Does every rule of detections/sigma load in pySigma, with every correlation and filter resolved?

Run: python tests/validate/pysigma.py [FOLDER]   (needs pySigma 2 from PyPI)
"""

import sys
from pathlib import Path

from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

ROOT = Path(__file__).resolve().parents[2]


def load_one(path):
    """Loads one file by itself: but for the rules that a filter goes on, a file leans on no other."""
    collection = SigmaCollection.from_yaml(path.read_text(encoding="utf-8"), collect_errors=False)
    collection.resolve_rule_references()
    return collection.rules + collection.filters


def problems_of(path, rules):
    """What pySigma lets through and this repository does not."""
    main = [rule for rule in rules if rule.name == path.stem]
    if len(main) != 1:
        yield f"{path.name}: no rule is named {path.stem}, like the file"
    for rule in rules:
        if rule.name is None or rule.id is None:
            yield f"{path.name}: {rule.title}: needs a name and an id"
        if isinstance(rule, SigmaFilter):
            continue
        if isinstance(rule, SigmaRule):
            source = (rule.logsource.product, rule.logsource.service)
            if source != ("okta", "okta"):
                yield f"{path.name}: {rule.name}: logsource is not okta/okta"
            for condition in rule.detection.parsed_condition:
                condition.parse()
        silent = rule.name != path.stem
        if silent and rule._output:
            yield f"{path.name}: {rule.name} feeds no correlation of its file"


def problems_of_filters(documents):
    """Whether every filter goes on a rule, and what it makes of that rule can still be read."""
    filters = [document for document in documents if isinstance(document, SigmaFilter)]
    rules = [document for document in documents if isinstance(document, SigmaRule)]
    words = {rule.name for rule in rules} | {str(rule.id) for rule in rules}
    for filter in filters:
        if isinstance(filter.filter.rules, list):
            for reference in filter.filter.rules:
                if reference.reference not in words:
                    yield f"filter {filter.name}: {reference.reference} is no detection"
    before = [list(rule.detection.condition) for rule in rules]
    SigmaCollection(documents)
    changed = 0
    for rule, condition in zip(rules, before):
        changed += rule.detection.condition != condition
        try:
            for parsed in rule.detection.parsed_condition:
                parsed.parse()
        except SigmaError as error:
            yield f"{rule.name}, filtered: {error}"
    if filters and not changed:
        yield "the filters change no rule"


def repeated(values):
    """Values that occur more than once."""
    seen, twice = set(), set()
    for value in values:
        (twice if value in seen else seen).add(value)
    return sorted(twice, key=str)


def main(folder):
    """Prints every problem; the exit code is 1 if there is one."""
    problems, rules = [], []
    for path in sorted(folder.glob("**/*.yml")):
        try:
            loaded = load_one(path)
            problems += problems_of(path, loaded)
        except SigmaError as error:
            problems.append(f"{path.name}: {error}")
            continue
        rules += loaded
    problems += problems_of_filters(rules)
    problems += [f"id {value} is used twice" for value in repeated(rule.id for rule in rules)]
    problems += [f"name {value} is used twice" for value in repeated(rule.name for rule in rules)]
    if not rules:
        problems.append(f"{folder}: no rules")
    for problem in problems:
        print(problem, file=sys.stderr)
    correlations = sum(isinstance(rule, SigmaCorrelationRule) for rule in rules)
    filters = sum(isinstance(rule, SigmaFilter) for rule in rules)
    print(
        f"{len(rules)} documents, {correlations} of them correlations and {filters} filters, {len(problems)} problems"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "detections" / "sigma"))
