#!/usr/bin/env python3
"""Where do the fuzz targets begin? Writes seeds below fuzz/corpus/, which git does not keep.

  rule      every shipped rule file
  evaluate  every shipped rule file with the events of tests/cases that have its event types
"""

import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SEPARATOR = "\n\0\n"
EVENTS = 6


def events():
    """Every recorded line with its event type."""
    for path in sorted(ROOT.glob("tests/cases/*/events.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.search(r'"eventType": ?"([^"]+)"', json.dumps(json.loads(line)))
            yield (found.group(1) if found else ""), line


def main():
    recorded = list(events())
    for target in ("rule", "evaluate"):
        (HERE / "corpus" / target).mkdir(parents=True, exist_ok=True)
    for path in sorted(ROOT.glob("detections/**/*.yml")):
        text = path.read_text(encoding="utf-8")
        named = [line for kind, line in recorded if kind and kind in text]
        lines = named[:EVENTS] or [line for _, line in recorded[:EVENTS]]
        (HERE / "corpus" / "rule" / path.name).write_text(text, encoding="utf-8")
        seed = text + SEPARATOR + "\n".join(lines)
        (HERE / "corpus" / "evaluate" / path.name).write_text(seed, encoding="utf-8")


if __name__ == "__main__":
    main()
