"""Which rules and events do several evaluators judge?

Few fields with few values, so that rules meet events: rules ask for what stands in some event, whole or
in part, with wildcards, in another case, encoded. All is drawn from a seed.
"""

import base64
import json
import random
import re
import uuid
from datetime import UTC, datetime, timedelta

# What stands for an absent value in Okta's events.
ABSENT = [None, "", "null", "unknown", "None", "-"]

COMMANDS = [
    "run -enc x",
    "run /enc x",
    "run –enc x",
    "run enc x",
    "a-b",
    "-a -b",
    "/a /b",
    "C:\\Users\\*",
    "C:\\Users\\ana",
    "50% off",
    "100?",
    "what is * here",
    "",
    "x",
]
SECRETS = ["secret", "pass word", "Ünicode", "ab"]
ENCODINGS = ["utf-8", "utf-16le", "utf-16be"]


def blob(drawn):
    """Base64 of data that holds a secret somewhere."""
    encoded = drawn.choice(SECRETS).encode(drawn.choice(ENCODINGS))
    return base64.b64encode(b"\x00" * drawn.randrange(3) + encoded + b" " * drawn.randrange(3)).decode()


POOLS = {
    "eventType": lambda drawn: drawn.choice(
        ["user.session.start", "user.session.end", "App.Access", "zone.update"]
    ),
    "actor.alternateId": lambda drawn: drawn.choice(
        ["ana@example.com", "ANA@EXAMPLE.COM", "bob", "Ärger", "ärger", "K\u212a", *ABSENT]
    ),
    "outcome.reason": lambda drawn: drawn.choice([*COMMANDS, *COMMANDS, *ABSENT]),
    "severity": lambda drawn: drawn.choice(["INFO", "WARN", "warn", "ERROR", None]),
    "displayMessage": lambda drawn: drawn.choice(
        ["User login to Okta", "user LOGOUT", "日本 login", "ana", "443", "true", None]
    ),
    "client.ipAddress": lambda drawn: drawn.choice(
        ["10.1.2.3", "10.200.0.1", "192.0.2.77", "2001:db8::5", "2001:db9::5", None]
    ),
    "securityContext.asNumber": lambda drawn: drawn.choice([0, 443, 64500, 64501, None]),
    "securityContext.isProxy": lambda drawn: drawn.choice([True, False, None]),
    "debugContext.debugData.requestUri": lambda drawn: drawn.choice(
        [blob(drawn), blob(drawn), "/api/v1/authn", "/API/V1/users/x", None]
    ),
    "debugContext.debugData.figure": lambda drawn: drawn.choice(
        [1, 1.5, -0.25, 443, "443", "1.50", "007", 10**9, True, "true", None, "x"]
    ),
    "debugContext.debugData.copy": lambda drawn: drawn.choice(
        ["ana@example.com", "Ana", "INFO", "warn", "user", "%", "_", None]
    ),
}
LISTS = ["target.type", "target.alternateId", "target.id"]
NUMBERS = ["securityContext.asNumber", "debugContext.debugData.figure"]
CONTAINERS = ["target", "device", "debugContext.debugData"]
TIMES = ["published"]
KINDS = ["User", "AppUser", "app instance", None, "unknown"]

PLACEHOLDERS = {
    "people": ["ana@example.com", "b?b", "*ERROR*", "user"],
    "offices": ["10.1.0.0/16", "192.0.2.77", "2001:db8::/32"],
}


class World:
    """Draws events and rules; the same ones for the same seed."""

    def __init__(self, seed, events):
        self.random = random.Random(seed)
        self.events = [self.event(number) for number in range(events)]
        self.flat = [flat(event) for event in self.events]

    def pick(self, items):
        return self.random.choice(items)

    def maybe(self, chance):
        return self.random.random() < chance

    # Events

    def event(self, number):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.random.randrange(60 * 24 * 700))
        event = {
            "uuid": f"u{number}",
            "published": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        for path, draw in POOLS.items():
            if path == "eventType" or self.maybe(0.85):
                put(event, path, draw(self.random))
        if self.maybe(0.7):
            event["target"] = [self.target() for _ in range(self.pick([0, 1, 1, 1, 2, 3]))]
        return event

    def target(self):
        target = {"type": self.pick(KINDS), "id": self.pick(["t1", "T1", "t2", ""])}
        if self.maybe(0.8):
            target["alternateId"] = self.pick(["ana@example.com", "bob", "Ana", None, "x"])
        return target

    # Values

    def seen(self, path):
        """A value that some event has at the path, or anything."""
        found = [value for event in self.random.sample(self.flat, 12) for value in event.get(path, [])]
        return self.pick(found) if found else "nothing"

    def text(self, path):
        """A pattern that some event's value fits, if it is drawn as it is."""
        value = self.seen(path)
        text = spelled(value)
        cut = sorted(self.random.randrange(len(text) + 1) for _ in range(2)) if text else [0, 0]
        parts = [escaped(part) for part in (text[: cut[0]], text[cut[0] : cut[1]], text[cut[1] :])]
        form = self.random.randrange(8)
        if form == 0:
            parts[1] = "*"
        elif form == 1:
            parts[1] = "?" * (cut[1] - cut[0])
        elif form == 2:
            parts = ["*", parts[1], "*"]
        elif form == 3:
            parts = [parts[0], "*", ""]
        elif form == 4:
            parts = [text]  # a star in the value is a wildcard then
        elif form == 5:
            parts = [part.swapcase() for part in parts]
        return "".join(parts)

    def part(self, path, edge):
        text = spelled(self.seen(path))
        length = self.random.randint(1, max(1, min(len(text), 5)))
        start = {"startswith": 0, "endswith": max(0, len(text) - length)}.get(
            edge, self.random.randint(0, max(0, len(text) - length))
        )
        cut = escaped(text[start : start + length]) or "x"
        return self.pick(
            [cut, cut, cut.swapcase(), cut + "*", cut[:-1] + "?" if not cut.endswith("\\") else cut]
        )

    def many(self, draw):
        return [draw() for _ in range(self.random.randint(1, 4))] if self.maybe(0.4) else draw()

    def expression(self, path):
        text = spelled(self.seen(path))
        length = self.random.randint(1, max(1, min(len(text), 6)))
        start = self.random.randint(0, max(0, len(text) - length))
        cut = re.escape(text[start : start + length])
        return self.pick(
            [
                cut,
                f"^{cut}",
                f"{cut}$",
                f"^{cut}$",
                f"({cut}|nothing)",
                "[a-f]+\\.",
                f"{cut}.*",
                "^.{1,5}$",
                "^[A-Z]+$",
            ]
        )

    # Detections

    def item(self):
        path = self.pick([*POOLS, *POOLS, *LISTS, *TIMES])
        draw = self.pick(
            [
                self.equal,
                self.equal,
                self.equal,
                self.placed,
                self.placed,
                self.regex,
                self.network,
                self.order,
                self.part_of_time,
                self.presence,
                self.other_field,
                self.dashes,
                self.encoded,
                self.listed,
                self.nothing,
            ]
        )
        key, value = draw(path)
        if self.maybe(0.12) and "|neq" not in key and "exists" not in key:
            key += "|neq"
        return key, value

    def equal(self, path):
        if path in NUMBERS and self.maybe(0.5):
            return path, self.many(lambda: self.pick([1, 1.5, 443, 64500, 7, -0.25]))
        if self.maybe(0.1):
            return path, self.pick([True, False, "true", "443", 443])
        key = path + self.pick(["", "", "", "|cased"])
        value = self.many(lambda: self.text(path) or None)
        if isinstance(value, list) and self.maybe(0.3):
            return key + "|all", [value or "x" for value in value]
        return (path, value) if value is None or isinstance(value, list) and None in value else (key, value)

    def placed(self, path):
        edge = self.pick(["contains", "contains", "startswith", "endswith"])
        key = f"{path}|{edge}" + self.pick(["", "", "|cased"])
        value = self.many(lambda: self.part(path, edge))
        return (key + "|all", value) if isinstance(value, list) and self.maybe(0.4) else (key, value)

    def regex(self, path):
        flags = self.pick(["", "", "|i", "|i|s", "|m", "|contains", "|startswith", "|endswith"])
        return f"{path}|re{flags}", self.many(lambda: self.expression(path))

    def network(self, _):
        nets = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "192.0.2.64/26",
            "2001:db8::/32",
            "::/0",
            "0.0.0.0/0",
            "192.0.2.77",
        ]
        return "client.ipAddress|cidr", self.many(lambda: self.pick(nets))

    def order(self, _):
        return f"{self.pick(NUMBERS)}|{self.pick(['lt', 'lte', 'gt', 'gte'])}", self.pick(
            [0, 1, 1.5, 443, 64500, 7, -1]
        )

    def part_of_time(self, _):
        part, low, high = self.pick(
            [
                ("minute", 0, 59),
                ("hour", 0, 23),
                ("day", 1, 31),
                ("week", 1, 53),
                ("month", 1, 12),
                ("year", 2026, 2027),
            ]
        )
        how = self.pick(["", "|gte", "|lt"]) if self.maybe(0.6) else ""
        number = lambda: self.random.randint(low, high)
        return f"published|{part}{how}", number() if how else [number() for _ in range(4)]

    def presence(self, path):
        return f"{self.pick([path, *CONTAINERS])}|exists", self.maybe(0.5)

    def nothing(self, path):
        return self.pick(
            [
                (path, None),
                (path, ""),
                (path, [None, self.text(path) or "x"]),
                (path, "*"),
                (self.pick(CONTAINERS), None),
            ]
        )

    def other_field(self, path):
        other = self.pick([*POOLS, *LISTS])
        return f"{path}|fieldref{self.pick(['', '', '|startswith', '|endswith', '|contains'])}", other

    def dashes(self, _):
        chain = self.pick(["windash", "windash|contains", "windash|startswith", "windash|contains|all"])
        draw = lambda: self.pick(["-enc", " -enc x", "run -enc x", "/enc", "-a -b", "a-b", "run /enc*", "-a"])
        return f"outcome.reason|{chain}", [draw(), draw()] if chain.endswith("all") else self.many(draw)

    def encoded(self, _):
        chain = self.pick(
            [
                "base64offset|contains",
                "base64offset|contains",
                "wide|base64offset|contains",
                "utf16be|base64offset|contains",
                "base64",
                "wide|base64",
                "base64|startswith",
            ]
        )
        return f"debugContext.debugData.requestUri|{chain}", self.many(
            lambda: self.pick(["secret", "pass word"])
        )

    def listed(self, path):
        if self.maybe(0.3):
            return "client.ipAddress|expand", "%offices%"
        path = self.pick(["actor.alternateId", "severity", "displayMessage", path])
        if path in TIMES or path == "client.ipAddress":
            path = "severity"
        return (
            f"{path}|{self.pick(['expand', 'expand|contains', 'contains|expand', 'expand|cased'])}",
            "%people%",
        )

    def keyword(self):
        path = self.pick([path for path in POOLS if "debug" not in path or self.maybe(0.5)])
        return (
            self.part(path, "contains")
            if self.maybe(0.7)
            else self.pick(["login", "443", "true", "EXAMPLE", "absent", "t1"])
        )

    def keywords(self):
        words = [self.keyword() for _ in range(self.random.randint(1, 3))]
        return self.pick(
            [
                words,
                words[0],
                {"|all": words},
                {"|contains": words},
                {"|cased": words},
                {"|re": self.expression("displayMessage")},
                {"|all": words, **dict([self.item()])},
            ]
        )

    def selection(self):
        kind = self.random.randrange(20)
        if kind < 14:
            return dict(self.item() for _ in range(self.pick([1, 1, 2])))
        if kind < 17:
            return [dict([self.item()]) for _ in range(self.random.randint(2, 3))]
        return self.keywords()

    def formula(self, names, depth=0):
        if depth < 2 and self.maybe(0.5):
            text = f"{self.formula(names, depth + 1)} {self.pick(['and', 'or'])} {self.formula(names, depth + 1)}"
            return f"({text})" if self.maybe(0.5) else text
        if self.maybe(0.25):
            return f"not {self.formula(names, 2)}"
        return self.pick([*names, *names, *names, "1 of them", "all of sel*", "1 of sel*"])

    def rule(self, number):
        names = self.pick([["sel"], ["sel"], ["sel"], ["sel", "sel_other"], ["sel", "sel_other", "filter"]])
        condition = self.formula(names) if len(names) > 1 else "sel"
        return {
            "title": f"Rule {number}",
            "name": f"rule{number}",
            "id": str(uuid.UUID(int=number + 1)),
            "status": "test",
            "level": "low",
            "tags": ["attack.t1078"],
            "logsource": {"product": "okta", "service": "okta"},
            "detection": {**{name: self.selection() for name in names}, "condition": condition},
        }

    def filter(self, number, name):
        return {
            "title": f"Filter {number}",
            "name": f"filter{number}",
            "id": str(uuid.UUID(int=number + 1_000_000)),
            "logsource": {"product": "okta", "service": "okta"},
            "filter": {
                "rules": [name],
                "allowed": self.selection(),
                "condition": self.pick(["not allowed", "not 1 of them"]),
            },
        }


def put(event, path, value):
    """Sets a value at a dotted path."""
    *keys, last = path.split(".")
    for key in keys:
        event = event.setdefault(key, {})
    event[last] = value


def is_absent(value, path):
    """Whether a value only says that there is none."""
    return (
        value is None
        or isinstance(value, str)
        and value in ABSENT
        or path.endswith("asNumber")
        and value == 0
    )


def values_at(node, keys):
    """All values at a path; a list on the way stands for each of its elements."""
    if isinstance(node, list):
        for element in node:
            yield from values_at(element, keys)
    elif not keys:
        yield node
    elif isinstance(node, dict) and keys[0] in node:
        yield from values_at(node[keys[0]], keys[1:])


def flat(event):
    """The present values of every field by path."""
    found = {}
    for path in [*POOLS, *LISTS, *TIMES]:
        values = [value for value in values_at(event, path.split(".")) if not is_absent(value, path)]
        if values:
            found[path] = values
    return found


def words(node, path=""):
    """Every present value of an event, whatever its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from words(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from words(value, path)
    elif not is_absent(node, path):
        yield node


def spelled(value):
    """A value as text."""
    return json.dumps(value) if isinstance(value, (bool, int, float)) else value


def escaped(text):
    """A text as a Sigma value that means just that."""
    return re.sub(r"[\\*?]", r"\\\g<0>", text)
