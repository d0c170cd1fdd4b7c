"""Does the table in detections/README.md say what the rules say?

Run: python tests/validate/coverage.py          writes the table anew
     python tests/validate/coverage.py --check  fails if that would change it   (needs PyYAML)
"""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "detections" / "README.md"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
LEVELS = ["critical", "high", "medium", "low", "informational"]


def load(folder):
    """The documents of each rule file, by the file's name. Every scalar is text: a selection may be called `off`."""
    for path in sorted(folder.glob("**/*.yml")):
        yield path, list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader))


def values(item):
    """One value or many, as a list."""
    return item if isinstance(item, list) else [item]


def event_types(documents):
    """Every event type that a positive search of the file names; a prefix ends in a star."""
    found = set()
    for document in documents:
        for name, search in document.get("detection", {}).items():
            excluded = f"not {name}" in document["detection"]["condition"] or name.startswith("not_")
            if name == "condition" or excluded:
                continue
            for part in values(search):
                if not isinstance(part, dict):
                    continue
                for field, value in part.items():
                    path, _, modifier = field.partition("|")
                    if path == "eventType" and modifier != "exists":
                        star = "*" if modifier == "startswith" else ""
                        found |= {f"{text}{star}" for text in values(value)}
    return sorted(found)


def kind(documents, main):
    """`event`, or the types of the correlations the rule is made of, inner ones first."""
    types = [document["correlation"]["type"] for document in documents if "correlation" in document]
    return " → ".join(types) if "correlation" in main else "event"


def techniques(main):
    """The techniques of the rule's tags, as ATT&CK writes them."""
    tags = [tag.removeprefix("attack.") for tag in main.get("tags", [])]
    return [tag.upper() for tag in tags if tag[0] == "t" and tag[1:].replace(".", "").isdigit()]


def row(path, documents):
    """One line of the table."""
    main = next(document for document in documents if document["name"] == path.stem)
    mode = main.get("oktawatch", {}).get("mode", "active")
    level = main["level"] if mode == "active" else f"{main['level']} ({mode})"
    logs = ", ".join(f"`{name}`" for name in event_types(documents)) or "every event"
    link = f"[{path.stem}]({path.relative_to(README.parent).as_posix()})"
    cells = [link, main["title"], level, " ".join(techniques(main)), kind(documents, main), logs]
    return LEVELS.index(main["level"]), path.stem, "| " + " | ".join(cells) + " |"


def filter_row(path, document):
    """One line of the table of filters."""
    link = f"[{document['name']}]({path.relative_to(README.parent).as_posix()})"
    rules = ", ".join(f"`{name}`" for name in values(document["filter"]["rules"]))
    return f"| {link} | {document['title']} | {rules} |"


def table(folder):
    """The whole table, the worst first; then the filters."""
    files = list(load(folder))
    filters = [(path, document) for path, documents in files for document in documents if "filter" in document]
    with_rules = ((path, [document for document in documents if "filter" not in document]) for path, documents in files)
    rows = sorted(row(path, documents) for path, documents in with_rules if documents)
    head = ["| rule | finds | level | ATT&CK | kind | events it needs |", "|---|---|---|---|---|---|"]
    lines = [f"{len(rows)} rules.", "", *head, *(line for _, _, line in rows)]
    if filters:
        head = ["", "| filter | leaves out | goes on |", "|---|---|---|"]
        lines += head + sorted(filter_row(path, document) for path, document in filters)
    return "\n".join(lines)


def main(arguments):
    """Writes or checks; the exit code is 1 if the check found a difference."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        print(f"{README}: no {BEGIN} … {END}", file=sys.stderr)
        return 1
    wanted = f"{before}{BEGIN}\n{table(ROOT / 'detections')}\n{END}{after}"
    if "--check" not in arguments:
        README.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        print(f"{README}: the table is out of date; run tests/validate/coverage.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
