"""Which rule files are two parsers asked about?

Documents of every form, drawn from a seed, right ones and wrong ones: detections with all modifiers
in legal and illegal order, values of every kind, conditions, keywords, correlations of Sigma's types,
filters, and right ones that a tired author or a broken tool has spoiled. Each has a name and an id of
its own, and is off, so that nothing is asked of its tests.
"""

import random
import string
import uuid

import yaml

from corpus_words import (
    TEXT,
    OTHER,
    UNKNOWN,
    MODIFIERS,
    STRANGE,
    WORDS,
    GOOD_NETWORKS,
    NETWORKS,
    GOOD_REGEXES,
    REGEXES,
    NUMBERS,
    NAMES,
    KINDS,
    OPERATORS,
    LEGAL,
    WRITTEN,
    FILES,
)


class Corpus:
    """Draws documents; the same ones for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0

    def maybe(self, chance):
        return self.random.random() < chance

    def pick(self, items):
        return self.random.choice(items)

    # Values

    def word(self):
        return self.pick(WORDS)

    def scalar(self):
        kind = self.random.randrange(10)
        if kind < 6:
            return self.word()
        return self.pick([self.pick(NUMBERS), self.maybe(0.5), None, self.pick(NETWORKS)])

    def value_for(self, kind):
        if kind in ("words", "plains"):
            return [self.value_for(kind[:-1]) for _ in range(self.random.randint(1, 4))]
        if kind == "plain":
            return self.pick(
                ["cmd /c a", "-enc x", "powershell", "a b", "Ünicode", "-a -b -c", "-a -b -c -d", "", "a/b"]
            )
        if kind == "list":
            return self.pick(
                ["%known%", "%known%", "a%known%b", ["%known%", "a%known%"], "%unknown%", "known", "%"]
            )
        drawn = {
            "word": self.word,
            "any": self.scalar,
            "number": lambda: self.pick(NUMBERS),
            "flag": lambda: self.maybe(0.5),
            "regex": lambda: self.pick(GOOD_REGEXES if self.maybe(0.85) else REGEXES),
            "network": lambda: self.pick(GOOD_NETWORKS if self.maybe(0.8) else NETWORKS),
            "field": lambda: self.pick(TEXT + OTHER),
        }[kind]
        return [drawn() for _ in range(self.random.randint(1, 3))] if self.maybe(0.3) else drawn()

    def value(self):
        kind = self.random.randrange(12)
        if kind < 7:
            return self.scalar()
        if kind < 10:
            return [self.scalar() for _ in range(self.random.randint(1, 4))]
        return self.pick([[], {}, {"a": "b"}, [["a"]], [{"a": 1}], [None], ["", None], {"a": [1, 2]}])

    # Detections

    def field(self):
        return self.pick(UNKNOWN) if self.maybe(0.02) else self.pick(TEXT + TEXT + OTHER)

    def item(self):
        if self.maybe(0.8):
            modifiers, kind = self.pick(LEGAL)
            value = self.value_for(kind) if self.maybe(0.95) else self.value()
        else:
            pool = MODIFIERS if self.maybe(0.9) else MODIFIERS + STRANGE
            modifiers = [self.pick(pool) for _ in range(self.pick([0, 1, 1, 2, 2, 3, 4]))]
            value = self.value() if self.maybe(0.5) else self.value_for(self.pick(LEGAL)[1])
        name = "" if self.maybe(0.04) else self.field()
        return "|".join([name, *modifiers]), value

    def items(self):
        return dict(self.item() for _ in range(self.pick([1, 1, 1, 1, 2, 3])))

    def selection(self):
        kind = self.random.randrange(20)
        if kind < 14:
            return self.items()
        if kind < 17:
            return [self.items() for _ in range(self.random.randint(1, 3))]
        return self.pick(
            [
                lambda: [self.scalar() for _ in range(self.random.randint(1, 3))],
                self.word,
                self.scalar,
                lambda: {},
                lambda: [],
                lambda: [self.word(), self.items()],
                lambda: [[self.items()], self.items()],
                lambda: [self.items(), [self.word()]],
            ]
        )()

    def condition(self, names):
        if self.maybe(0.1):
            return self.pick(
                [
                    "",
                    None,
                    5,
                    True,
                    [],
                    ["a", None],
                    {"a": 1},
                    "selection | count() > 5",
                    "(selection",
                    "selection)",
                    "selection and",
                    "and selection",
                    "not",
                    "2 of them",
                    "1 of",
                    "of them",
                    "selection filter_main",
                    "selection AND selection",
                    "1 of nothing*",
                    "all of",
                    "1 of sel-one*",
                    "any of them",
                    "selection,",
                    "(",
                    "not not selection",
                    "((selection))",
                    "1 of them and all of them",
                    "selection or not (1 of *)",
                    "them",
                ]
            )
        text = self.formula(names, 0)
        return [text, self.formula(names, 1)] if self.maybe(0.05) else text

    def formula(self, names, depth):
        if depth < 3 and self.maybe(0.5):
            left, right = self.formula(names, depth + 1), self.formula(names, depth + 1)
            text = f"{left} {self.pick(['and', 'or'])} {right}"
            return f"({text})" if self.maybe(0.4) else text
        if self.maybe(0.25):
            return f"not {self.formula(names, depth + 1)}"
        if self.maybe(0.25):
            start = self.pick(names)[:2] + "*"
            return f"{self.pick(['1', 'all', 'any'])} of {self.pick(['them', '*', start, start, self.pick(names), 'sel*', '_*'])}"
        return self.pick(names) if self.maybe(0.99) else self.pick(NAMES)

    def detection(self):
        names = self.random.sample(NAMES, self.pick([1, 1, 2, 2, 3]))
        # One selection is drawn from everything, so that many documents have at most one mistake.
        selections = {name: self.safe_detection()["selection"] for name in names}
        selections[self.pick(names)] = self.selection()
        if self.maybe(0.02):
            return self.pick(
                [None, [], "text", {}, {"condition": "selection"}, {"selection": {"severity": "a"}}]
            )
        return {**selections, "condition": self.condition(names)}

    def safe_detection(self):
        return {"selection": {self.pick(TEXT): self.pick(["a", "b", "c*"])}, "condition": "selection"}

    # Documents

    def head(self, name=None):
        self.count += 1
        name = name or f"rule{self.count}"
        return {
            "title": f"Rule {self.count}",
            "name": name,
            "id": str(uuid.UUID(int=self.count)),
            "status": "test",
            "level": "low",
            "oktawatch": {"mode": "off"},
        }

    def rule(self, detection=None):
        source = {"product": "okta", "service": "okta"}
        return {**self.head(), "logsource": source, "detection": detection or self.detection()}

    def metadata(self):
        key, values = self.pick(
            [
                ("title", ["x" * 256, "x" * 257, "", None, 5, ["a"]]),
                (
                    "id",
                    ["no uuid", None, 5, str(uuid.uuid5(uuid.NAMESPACE_OID, str(self.count))).upper(), ""],
                ),
                ("name", ["", None, 7, "Upper", ["a"]]),
                ("taxonomy", ["sigma", "", 5, None]),
                (
                    "related",
                    [
                        [],
                        None,
                        "x",
                        [{"id": str(uuid.UUID(int=7)), "type": "derived"}],
                        [{"id": "x", "type": "derived"}],
                        [{"id": str(uuid.UUID(int=7)), "type": "child"}],
                        [{"type": "derived"}],
                        ["x"],
                    ],
                ),
                ("status", ["stable", "STABLE", "done", None, 5, "unsupported", "deprecated"]),
                ("description", ["text", 5, None, ["a"], ""]),
                ("license", ["MIT", 5, None]),
                ("references", [["https://example.com"], "https://example.com", [], None, 5, {"a": 1}]),
                ("author", ["A", ["A"], None, 5]),
                (
                    "date",
                    [
                        "2026-01-31",
                        "2026/1/31",
                        "2026/01/31",
                        "31.01.2026",
                        "2026-13-01",
                        "2026-1-31",
                        None,
                        20260131,
                        "soon",
                    ],
                ),
                ("modified", ["2026-02-28", "2026-02-30", "", "2026/2/3"]),
                ("fields", [["eventType"], "eventType", [], None, 5, [5], ["nothing.here"]]),
                ("falsepositives", [["none"], "none", None, 5]),
                ("level", ["low", "LOW", "severe", None, 5, "informational", "critical"]),
                (
                    "tags",
                    [
                        ["attack.t1621"],
                        ["attack.credential-access", "cve.2021-44228"],
                        "attack.t1621",
                        ["t1621"],
                        [5],
                        [],
                        None,
                        ["attack.t1"],
                        ["tlp.red"],
                        ["attack.credential_access"],
                        ["detection.dfir"],
                        ["nonsense.x"],
                    ],
                ),
                ("scope", [["server"], "server", None]),
                (
                    "logsource",
                    [
                        {"product": "okta"},
                        {"service": "okta"},
                        {},
                        None,
                        "okta",
                        {"product": "okta", "service": "okta", "definition": "x"},
                        {"product": 5},
                        {"category": "x"},
                        {"product": "okta", "custom": "x"},
                    ],
                ),
                ("unknown", ["x"]),
                ("action", ["reset", "nonsense"]),
            ]
        )
        document = self.rule(self.safe_detection())
        if self.maybe(0.1):
            document.pop(key, None)
        else:
            document[key] = self.pick(values)
        return [document]

    def threshold(self, kind):
        number = (
            self.pick([1, 2, 5, 0, -1, 1.5, "3", "many", None, True, 1e9, [2]])
            if self.maybe(0.2)
            else self.random.randint(1, 9)
        )
        condition = {self.pick(OPERATORS): number}
        if kind.startswith("value_") or self.maybe(0.05):
            condition["field"] = self.pick(TEXT + OTHER + [["actor.alternateId", "severity"]])
        if kind == "value_percentile" or self.maybe(0.03):
            condition["percentile"] = self.pick([95, 50, 0, 100, 101, -1, "95", "x", 99.5])
        if self.maybe(0.08):
            condition[self.pick(OPERATORS)] = self.random.randint(1, 9)
        if self.maybe(0.04):
            condition.pop(self.pick(sorted(condition)))
        if self.maybe(0.03):
            condition["extra"] = 1
        return condition

    def rule_formula(self, names):
        if self.maybe(0.15):
            return self.pick(
                [
                    "",
                    f"{names[0]} and",
                    f"({names[0]}",
                    f"not {names[0]}",
                    f"{names[0]} {names[0]}",
                    "nothing",
                    "1 of them",
                    f"all of {names[0][:4]}*",
                ]
            )
        terms = [f"not {name}" if self.maybe(0.25) else name for name in names]
        text = terms[0]
        for term in terms[1:]:
            text = f"{text} {self.pick(['and', 'and', 'or'])} {term}"
            text = f"({text})" if self.maybe(0.2) else text
        return text

    def correlation(self):
        rules = [self.rule(self.safe_detection()) for _ in range(self.pick([1, 2, 2, 3]))]
        names = [rule["name"] for rule in rules]
        kind = self.pick(KINDS) if self.maybe(0.97) else self.pick(["sequnce", "Event_Count", "", 5, None])
        body = {"type": kind, "rules": names, "timespan": self.pick(["1m", "5m", "1h", "2d", "1w"])}
        temporal = str(kind).startswith("temporal")
        if temporal and self.maybe(0.5):
            if self.maybe(0.6):
                body["condition"] = self.rule_formula(names)
            else:
                body["condition"] = {self.pick(OPERATORS): self.random.randint(0, 4)}
        elif not temporal or self.maybe(0.1):
            body["condition"] = self.threshold(str(kind))
        if self.maybe(0.6):
            body["group-by"] = self.pick(
                [["actor.alternateId"], ["client.ipAddress", "severity"], "actor.alternateId", []]
            )
        if self.maybe(0.3):
            body["generate"] = self.maybe(0.5)
        if self.maybe(0.25):
            body["aliases"] = {"who": {name: self.pick(TEXT) for name in names}}
            body["group-by"] = ["who"]
        if self.maybe(0.2):
            self.spoil_correlation(body, names)
        document = {**self.head(), "correlation": body}
        if self.maybe(0.15):
            below = document["name"]
            chained = {
                **self.head(),
                "correlation": {
                    "type": "event_count",
                    "rules": below,
                    "timespan": "1h",
                    "condition": {"gte": 2},
                },
            }
            return [*rules, document, chained]
        return [*rules, document]

    def spoil_correlation(self, body, names):
        key, values = self.pick(
            [
                (
                    "rules",
                    [
                        "nothing",
                        [],
                        None,
                        5,
                        names[0],
                        [*names, names[0]],
                        [5],
                        {"a": 1},
                        [*names, "nothing"],
                    ],
                ),
                (
                    "timespan",
                    ["0m", "5", "m", "5 m", "1M", "1y", 5, None, "-5m", "1.5h", "5min", "99999999w", ["1m"]],
                ),
                ("group-by", ["nothing.here", [5], None, 5, {"a": 1}, ["actor"], [None]]),
                ("generate", ["yes", 1, None, "true", []]),
                (
                    "aliases",
                    [
                        [],
                        "x",
                        {},
                        {"a": {}},
                        {"a": "b"},
                        {"a": {"nothing": "severity"}},
                        {"a": {names[0]: "nothing.here"}},
                        {"a": {names[0]: 5}},
                        None,
                    ],
                ),
                (
                    "condition",
                    [
                        None,
                        5,
                        [],
                        "text",
                        {},
                        {"gte": 1, "lte": 5},
                        {"field": "severity"},
                        f"{names[0]} or {names[-1]}",
                    ],
                ),
                ("type", [None, 5, "EVENT_COUNT", "temporal"]),
                ("extra", ["x"]),
            ]
        )
        if self.maybe(0.2):
            body.pop(key, None)
        else:
            body[key] = self.pick(values)

    def filter(self):
        rules = [self.rule(self.safe_detection()) for _ in range(self.pick([1, 2]))]
        names = [rule["name"] for rule in rules]
        selections = self.random.sample(["selection", "allowed_a", "allowed_b"], self.pick([1, 1, 2]))
        body = {name: {self.pick(TEXT): self.word()} for name in selections}
        body["rules"] = self.pick([names, names[:1], names[0], [rules[0]["id"]]])
        body["condition"] = f"not {selections[0]}" if self.maybe(0.7) else self.condition(selections)
        if self.maybe(0.3):
            key, values = self.pick(
                [
                    ("rules", ["nothing", None, 5, [5], {"a": 1}, ["nothing", names[0]]]),
                    (
                        "condition",
                        [
                            None,
                            5,
                            ["not selection"],
                            "not nothing",
                            "not 1 of allowed_*",
                            "not all of them",
                            "",
                        ],
                    ),
                    ("selection", [None, [], "word", {"nothing.here": 1}, {"severity|re": "("}]),
                    ("extra", [{"severity": "x"}]),
                ]
            )
            if self.maybe(0.25):
                body.pop(key, None)
            else:
                body[key] = self.pick(values)
        head = self.head()
        head.pop("oktawatch")
        document = {**head, "logsource": {"product": "okta", "service": "okta"}, "filter": body}
        if self.maybe(0.1):
            document["logsource"] = self.pick([None, {}, {"product": "okta"}, "okta"])
            if self.maybe(0.3):
                document.pop("logsource")
        return [*rules, document]

    def written(self):
        """A scalar, or a whole file, as no program would write it."""
        if self.maybe(0.25):
            text = text_of([self.rule(self.safe_detection())])
            return self.pick(FILES).format(rule=text)
        document = self.rule(
            {
                "selection": {self.pick(["severity", "published|gt", "severity|re"]): "WRITTEN"},
                "condition": "selection",
            }
        )
        return text_of([document]).replace("WRITTEN", self.pick(WRITTEN))

    def broken(self):
        safe = self.safe_detection
        drawn = self.pick([lambda: [self.rule()], lambda: [self.rule(safe())], self.correlation, self.filter])
        return spoil(self.random, text_of(drawn()))


def text_of(documents):
    """The file that these documents make."""
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=10_000)


def spoil(drawn, text):
    """Changes a text in a few places."""
    for _ in range(drawn.choice([1, 1, 2])):
        lines = text.split("\n")
        place = drawn.randrange(len(lines))
        at = drawn.randrange(len(text) + 1)
        change = drawn.randrange(8)
        if change == 0:
            del lines[place]
        elif change == 1:
            lines.insert(place, drawn.choice(lines))
        elif change == 2:
            lines[place] = drawn.choice([" ", "  "]) + lines[place]
        elif change == 3:
            lines[place] = lines[place].removeprefix("  ")
        text = "\n".join(lines)
        if change == 4:
            text = text[:at] + drawn.choice("""-:#'"[]{}|>,*&!%@?~`\\\t\r""") + text[at:]
        elif change == 5:
            text = text[:at] + text[at + drawn.randint(1, 3) :]
        elif change == 6 and drawn.random() < 0.5:
            text = text[:at]
        elif change == 7:
            text = text[:at] + drawn.choice(string.ascii_letters + string.digits) + text[at + 1 :]
    return text


def cases(seed, count):
    """File names and their texts."""
    corpus = Corpus(seed)
    kinds = [
        ("detection", lambda: text_of([corpus.rule()]), 12),
        ("metadata", lambda: text_of(corpus.metadata()), 3),
        ("correlation", lambda: text_of(corpus.correlation()), 6),
        ("filter", lambda: text_of(corpus.filter()), 2),
        ("broken", corpus.broken, 5),
        ("written", corpus.written, 2),
    ]
    weights = [weight for _, _, weight in kinds]
    for number in range(count):
        kind, draw, _ = corpus.random.choices(kinds, weights)[0]
        yield f"{number:05}-{kind}.yml", draw()
