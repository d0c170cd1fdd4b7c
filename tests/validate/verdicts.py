"""Do other evaluators find the same events for the same rules?

Run: python tests/validate/verdicts.py PROGRAM [SEED]     (needs pySigma 2 and its SQLite backend from PyPI)

Rules and events of world.py are judged by the program (`replay`), by evaluate.py over pySigma's reading
of the rules, and, where SQL has words for a rule, by pySigma's SQLite backend. Every verdict must agree.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml
from sigma.collection import SigmaCollection

import evaluate
import sql
from syntax import check, judge, quiet
from world import PLACEHOLDERS, World

RULES, EVENTS, SEED = 500, 120, 20260131
FILTERED = 0.08
MOST_SHOWN = 20


def drawn(world):
    """Rule files by the name of their rule: some with a filter."""
    files = {}
    for number in range(RULES):
        documents = [world.rule(number)]
        if world.maybe(FILTERED):
            documents.append(world.filter(number, documents[0]["name"]))
        files[documents[0]["name"]] = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)
    return files


def taken(program, files):
    """The files that pySigma and the program both take."""
    with quiet():
        refused = {name for name, text in files.items() if judge(text)}
    refused |= {
        name.removesuffix(".yml")
        for name in ours(program, {name: files[name] for name in files.keys() - refused})
    }
    return {name: text for name, text in files.items() if name not in refused}


def ours(program, files):
    named = {f"{name}.yml": text for name, text in files.items()}
    return check(program, named, lists=PLACEHOLDERS, needless={"no-tests"})


def replayed(program, files, events):
    """For each rule, the numbers of the events that it matches, by the program."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules"
        write_rules(rules, files)
        log = Path(folder) / "events.jsonl"
        log.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        command = [program, "replay", "--rules", rules, log]
        done = subprocess.run(command, capture_output=True, check=True)
    found = {name: set() for name in files}
    for line in filter(None, done.stdout.split(b"\n")):
        alert = json.loads(line)
        uids = [event["uid"] for event in alert["finding_info"]["related_events"]]
        found[alert["metadata"]["event_code"]] |= {int(uid[1:]) for uid in uids}
    return found


def write_rules(folder, files):
    (folder / "lists").mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    for name, values in PLACEHOLDERS.items():
        (folder / "lists" / f"{name}.txt").write_text("\n".join(values), encoding="utf-8")


def main(program, seed):
    """Prints what differs; the exit code is 1 if anything does."""
    world = World(seed, EVENTS)
    files = taken(program, drawn(world))
    events = [evaluate.Event(*pair) for pair in zip(world.events, world.flat)]
    table = sql.Table(events)
    found = replayed(program, files, world.events)
    tally, different = Counter(), []
    for name, text in files.items():
        rule = SigmaCollection.from_yaml(text).rules[0]
        wanted = {number for number, event in enumerate(events) if evaluate.matches(rule, event)}
        opinions = {"evaluate.py": wanted, "SQLite": table.found(rule)}
        tally["verdicts"] += len(events)
        tally["matches"] += len(found[name])
        tally["by SQLite"] += len(events) if opinions["SQLite"] is not None else 0
        for who, theirs in opinions.items():
            if theirs is not None and theirs != found[name]:
                different.append((name, who, theirs ^ found[name], theirs, text))
    for name, who, numbers, theirs, text in different[:MOST_SHOWN]:
        number = min(numbers)
        said = f"{who} says {'yes' if number in theirs else 'no'}, the program the contrary"
        shown = json.dumps(world.events[number], ensure_ascii=False)
        print(f"\n{name}: {len(numbers)} events; {said} of\n{shown}\n{text}", file=sys.stderr)
    print(
        f"{len(files)} of {RULES} rules taken, {len(events)} events, {dict(tally)}, {len(different)} rules with differences"
    )
    enough = (
        len(files) > RULES * 0.7
        and tally["matches"] * 20 > tally["verdicts"]
        and tally["by SQLite"] * 5 > tally["verdicts"]
    )
    return 0 if enough and not different else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else SEED))
