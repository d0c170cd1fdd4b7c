"""Do pySigma and this program accept and refuse the same rule files?

Run: python tests/validate/syntax.py PROGRAM [COUNT [SEED]]     (needs pySigma 2 from PyPI)

Both are asked about the files of corpus.py. Where one of them is stricter, the reason stands in a table
below, by the program's code or pySigma's exception, and is counted; any other difference fails.
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
    # What only Okta's events and this program know.
    ("unknown-field", "^no field ", "fields are those of Okta's events"),
    ("container-field", "", "an object has no value to compare"),
    ("unknown-list", "", "a placeholder names a list that is there"),
    ("no-list", "", "`expand` has something to expand"),
    ("logsource", "^the (product|service) is `okta`", "rules are for Okta's events"),
    ("name", "is no name of a rule", "a name is a slug"),
    (
        "wrong-type",
        r"holds (addresses|true or false|whole numbers|text)$",
        "a modifier goes with what the field holds",
    ),
    # What means nothing, or not what it seems to mean, is told.
    ("unknown-key", "", "a key that nobody reads is a slip"),
    ("duplicate-key", "", "of two equal keys, one would be lost"),
    ("missing-key", "^a rule needs `(id|name|detection|logsource)`", "a rule has a name and an id"),
    ("missing-key", "^`(logsource|condition|correlation)` needs ", "nothing is made up that was left out"),
    ("unknown-word", "is no (level|status|mode)$", "words are written in lower case"),
    ("unknown-correlation", "", "types are written in lower case"),
    ("date", "is no date$", "a date is a day of the calendar"),
    ("timespan", "is no timespan$", "months and years have no fixed length"),
    (
        "wrong-type",
        r" is (text|true or false|a list|a map), not nothing$",
        "a key that says nothing is left out",
    ),
    ("wrong-type", r"^`oktawatch` is a map, not ", "options are a map"),
    ("wrong-type", r"^a field takes a value", "a list or a map is no regular expression"),
    ("wrong-type", r"^an alias names a field", "an alias stands for a field"),
    ("alias", "", "an alias is of a rule that is taken"),
    ("empty", "^an empty list matches nothing", "a list of nothing matches nothing"),
    ("wrong-type", r" takes a whole number from \d+ to \d+$", "there is no hour 443"),
    (
        "wrong-type",
        r"^`(gt|gte|lt|lte|eq|neq|percentile)` is a (whole )?number",
        "a figure that can be reached, written as a number",
    ),
    ("wrong-type", r" takes one field$", "the figure is that of one field"),
    ("wrong-type", "^null asks for a field", "a keyword is a value"),
    ("wrong-type", "^null can only be asked for without a modifier", "nothing contains nothing"),
    ("wrong-type", "^this comparison takes an instant", "YAML 1.1 reads times of the day as numbers"),
    ("keywords", "^this asks for a field", "a modifier of a field goes with one"),
    ("empty", "^every text contains", "what matches everything is no test"),
    ("empty", "^every event holds such a keyword", "what matches everything is no test"),
    ("empty", "^a selection needs a field", "a list of nothing matches nothing"),
    ("empty", "^so short a text", "what matches nearly everything is no test"),
    ("condition", "asks for more rules than", "what cannot be is no condition"),
    ("condition", "^no window can satisfy", "what cannot be is no condition"),
    ("condition", "^every window holds at least nothing", "what is always so is no condition"),
    ("condition", "holds without a match of any rule", "something must happen"),
    ("condition", "^an ordered correlation", "an order is of all of them"),
    ("duplicate-rule", "", "a rule is taken once"),
    ("empty", "^`rules` needs a rule", "a list of rules that is there names some"),
    ("id", "is no UUID$", "an id has its four hyphens and no others"),
    ("duplicate-name", "", "a name is taken once"),
    ("unknown-rule", "", "a filter goes on a rule that is there"),
    ("modifier-conflict", "no field holds the bytes of UTF-16", "what no text can hold is no test"),
    ("modifier-conflict", "is said twice$", "once is enough"),
    ("modifier-conflict", "cannot (follow|stand first)", "what changes nothing, or everything, is told"),
    ("never-true", "", "what no event can satisfy is no test"),
    # Other grammars.
    ("regex", "unrecognized escape sequence", "RE2 knows more escapes"),
    (
        "cidr",
        r"^`(10.0.0.0/255.0.0.0|fe80::%1/64)` is no network",
        "a network is an address and the length of a prefix",
    ),
    ("yaml", "^the YAML tag ", "tags mean nothing in a rule"),
    ("yaml", "invalid Unicode character escape", "half a character is none"),
]

# What pySigma refuses and the program takes on purpose: exception, what its message holds, why.
LAXER = [
    (
        "SigmaCorrelationConditionError",
        "must have exactly one condition item",
        "a figure may have two bounds",
    ),
    (
        "SigmaCorrelationConditionError",
        "^Failed to parse extended condition",
        "`1 of` and hyphens are known there, too",
    ),
    (
        "SigmaRegularExpressionError",
        r"Regular expression '(a\*\*|a\{1001\}|a\+\+|\\z|\\u0041)' is invalid",
        "grammars differ at the edges",
    ),
    ("SigmaValueError", "^Regular expression modifier only", "`neq` and `all` may stand anywhere"),
    (
        "SigmaModifiedError",
        "^windash modifier expands at most three",
        "dashes are left open, not written out",
    ),
    (
        "SigmaTypeError",
        r"incompatible to value type of '(True|False|-?\d+(\.\d+)?)'$",
        "numbers and booleans are as they are spelled",
    ),
    (
        "SigmaTypeError",
        "^Modifier SigmaGreaterThanModifier incompatible to value type of '.*[^0-9.].*'",
        "instants are in order, too",
    ),
    ("SigmaTypeError", "SigmaNull object", "null beside texts asks for an absent field"),
    ("SigmaDetectionError", "must be a valid YAML map", "a boolean is as it is spelled, in `re`, too"),
    ("SigmaDateError", "'20260131'", "ISO 8601 writes a date without hyphens, too"),
    ("SigmaTitleError", "must be a string$", "a number is as it is spelled"),
    ("SigmaTypeError", "^Unsupported type: <class 'datetime", "YAML 1.2 has no dates"),
    ("SigmaTypeError", "has host bits set$", "an address with a length stands for its network"),
    ("SigmaValueError", r"^(UTF-16(BE)?|Wide) modifier only allowed for", "any text can be encoded"),
    ("SigmaValueError", "^Invalid number$", "YAML 1.2 has no infinity that a field could hold: it is text"),
    ("SigmaValueError", "^Sigma tag must start with namespace", "tags are only passed on"),
    ("SigmaTagError", "", "one text stands for a list of one"),
    ("SigmaConditionError", "found '-' ", "a name with a hyphen may stand after `1 of`"),
    (
        "YAMLError",
        "could not determine a constructor for the tag 'tag:yaml.org,2002:(value|merge)'",
        "YAML 1.2 has no `=` and no `<<`",
    ),
    (
        "YAMLError",
        r"special characters are not allowed",
        "a character that cannot be seen is in no event, but may be asked for",
    ),
    ("YAMLError", r"found character '\\t' that cannot start any token", "white space may end a line"),
] + [
    (f"Sigma{key}Error", "", "what no alert needs is passed on as it is")
    for key in [
        "Author",
        "Description",
        "FalsePositives",
        "Fields",
        "License",
        "References",
        "Related",
        "Scope",
        "Taxonomy",
    ]
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
        raise RuntimeError(
            f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr[-2000:]}"
        )
    found = {}
    for line in filter(None, done.stdout.split("\n")):
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
            print(
                f"  {self.needed[number]:5}  {code} {pattern!r}: {why}"
                if pattern
                else f"  {self.needed[number]:5}  {code}: {why}"
            )


def main(program, count, seed):
    """Prints what differs; the exit code is 1 if a difference has no reason."""
    files = dict(cases(seed, count))
    with quiet():
        theirs = {name: judge(text) for name, text in files.items()}
    ours = check(program, files, lists={"known": ["a", "b*"]})
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
    print(f"{len(files)} files, {len(open_ends)} differences without a reason")
    return 1 if open_ends or not tally else 0


def report(tally):
    """How many files of each kind there were, and what became of them."""
    print("kind          both take  both refuse  pySigma takes  program takes")
    for kind in sorted({kind for kind, _, _ in tally}):
        numbers = [
            tally[kind, *verdicts]
            for verdicts in [(True, True), (False, False), (True, False), (False, True)]
        ]
        print(f"{kind:12} {numbers[0]:10} {numbers[1]:12} {numbers[2]:14} {numbers[3]:14}")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[2:]]
    sys.exit(main(sys.argv[1], *(numbers + [COUNT, SEED][len(numbers) :])))
