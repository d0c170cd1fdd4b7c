"""Do pySigma and this program accept and refuse the same rule files?

Run: python tests/validate/syntax.py PROGRAM [COUNT [SEED]]     (needs pySigma 2 from PyPI)

Both are asked about the files of corpus.py. Where one of them is stricter, the reason stands in a table
below, by the program's code or pySigma's exception; any other difference fails, and so does a reason
that no file needs.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from corpus import cases

COUNT, SEED = 3000, 20260131
MOST_SHOWN = 20

# What the program refuses on purpose: its code, what the message holds, why.
STRICTER = [
]

# What pySigma refuses and the program takes on purpose: exception, what its message holds, why.
LAXER = [
]


def judge(text):
    """pySigma's verdict: None if it accepts, or what it says."""
    try:
        for rule in SigmaCollection.from_yaml(text).rules:
            for condition in rule.detection.parsed_condition if isinstance(rule, SigmaRule) else []:
                condition.parse()
    except SigmaError as error:
        return f"{type(error).__name__}: {error}"
    except yaml.YAMLError as error:
        return f"YAMLError: {' '.join(str(error).split())}"
    except Exception as error:  # a document that it did not think of
        return f"crash: {type(error).__name__}: {error}"
    return None


@contextlib.contextmanager
def quiet():
    """RE2 writes of every expression that it refuses; what it says is in the exception, too."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def refused(program, folder, needless):
    """Mistakes of each file of the folder that has any, as far as they are told at once."""
    command = [program, "check", "--format", "json", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr[-2000:]}")
    found = {}
    for line in done.stdout.splitlines():
        told = json.loads(line)
        if told["severity"] == "error" and told["code"] not in {"too-many", *needless}:
            found.setdefault(Path(told["file"]).name, []).append((told["code"], told["message"]))
    return found


def check(program, files, lists=None, needless=()):
    """The program's mistakes by file, but for codes that are needless. Those of one file may keep others
    from being told, so that the files without mistakes are asked about again until none is left that
    has one."""
    verdicts = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        for name, values in (lists or {}).items():
            (Path(folder) / "lists").mkdir(exist_ok=True)
            (Path(folder) / "lists" / f"{name}.txt").write_text("\n".join(values), encoding="utf-8")
        while found := refused(program, folder, needless):
            verdicts |= found
            for name in found:
                (Path(folder) / name).unlink()
    return verdicts


class Table:
    """Reasons for differences, and how often each was needed."""

    def __init__(self, reasons):
        self.reasons, self.needed = reasons, Counter()

    def explains(self, code, message):
        for number, (known, pattern, _) in enumerate(self.reasons):
            if known == code and re.search(pattern, message):
                self.needed[number] += 1
                return True
        return False

    def print(self, title):
        print(title)
        for number, (code, pattern, why) in enumerate(self.reasons):
            print(f"  {self.needed[number]:5}  {code} {pattern!r}: {why}" if pattern else
                  f"  {self.needed[number]:5}  {code}: {why}")

    def unneeded(self):
        return [reason[:2] for number, reason in enumerate(self.reasons) if not self.needed[number]]


def main(program, count, seed):
    """Prints what differs; the exit code is 1 if a difference has no reason."""
    files = dict(cases(seed, count))
    with quiet():
        theirs = {name: judge(text) for name, text in files.items()}
    ours = check(program, files)
    stricter, laxer, open_ends, tally = Table(STRICTER), Table(LAXER), [], Counter()
    for name, text in files.items():
        said, told = theirs[name], ours.get(name)
        tally[name[6:-4], said is None, told is None] += 1
        if said is None and told and not any(stricter.explains(*mistake) for mistake in told):
            open_ends.append((name, f"pySigma accepts; told: {told}", text))
        if said is not None and not told and not laxer.explains(*said.split(": ", 1)):
            open_ends.append((name, f"the program accepts; pySigma says: {said}", text))
    report(tally)
    stricter.print("refused by the program alone:")
    laxer.print("refused by pySigma alone:")
    for name, what, text in open_ends[:MOST_SHOWN]:
        print(f"\n{name}: {what}\n{text}", file=sys.stderr)
    unneeded = stricter.unneeded() + laxer.unneeded() if count >= COUNT else []
    for reason in unneeded:
        print(f"no file needs the reason {reason}", file=sys.stderr)
    print(f"{len(files)} files, {len(open_ends)} differences without a reason")
    return 1 if open_ends or unneeded else 0


def report(tally):
    """How many files of each kind there were, and what became of them."""
    print("kind          both take  both refuse  pySigma takes  program takes")
    for kind in sorted({kind for kind, _, _ in tally}):
        numbers = [tally[kind, *verdicts] for verdicts in [(True, True), (False, False), (True, False), (False, True)]]
        print(f"{kind:12} {numbers[0]:10} {numbers[1]:12} {numbers[2]:14} {numbers[3]:14}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:] or (COUNT, SEED)) if len(sys.argv) != 3 else (int(sys.argv[2]), SEED)))
