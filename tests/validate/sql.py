"""Which events does pySigma's SQLite backend find for a rule?

A second opinion that shares nothing with the first but pySigma's parser. SQL knows one value a field and
folds ASCII alone; rules that need more are left to the other.
"""

import re
import sqlite3

from sigma.backends.sqlite import sqliteBackend

from sigma.exceptions import SigmaError
from sigma.modifiers import (
    SigmaEndswithModifier,
    SigmaRegularExpressionModifier,
    SigmaStartswithModifier,
    SigmaTimestampWeekModifier,
)
from sigma.rule import SigmaDetection
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNumber,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from world import CONTAINERS, LISTS, NUMBERS, POOLS, TIMES, spelled


class Table:
    """The events as rows, a field a column."""

    def __init__(self, events):
        self.columns = [*POOLS, *TIMES]
        self.connection = sqlite3.connect(":memory:")
        self.connection.create_function("REGEXP", 2, regexp)
        names = ", ".join(f'"{column}" COLLATE NOCASE' for column in self.columns)
        self.connection.execute(
            f'CREATE TABLE logs (number INTEGER, "all words" TEXT COLLATE NOCASE, {names})'
        )
        marks = ", ".join("?" * (len(self.columns) + 2))
        for number, event in enumerate(events):
            row = [self.cell(event, column) for column in self.columns]
            text = "\n".join(spelled(word) for word in event.words)
            self.connection.execute(f"INSERT INTO logs VALUES ({marks})", [number, text, *row])
        self.backend = sqliteBackend(collate_nocase=True, fulltext_field="all words")

    @staticmethod
    def cell(event, column):
        value = (event.values(column) or [None])[0]
        return spelled(value) if isinstance(value, bool) else value

    def found(self, rule):
        """The numbers of the events, or None if SQL has no word for the rule."""
        if not all(is_plain(item) for name in rule.detection.detections.values() for item in items(name)):
            return None
        try:
            queries = self.backend.convert_rule(rule)
        except SigmaError:
            return None
        return {row[0] for query in queries for row in self.connection.execute(query)}


def regexp(expression, text):
    return text is not None and re.search(expression, spelled(text)) is not None


def items(selection):
    for item in selection.detection_items:
        yield from items(item) if isinstance(item, SigmaDetection) else [item]


def is_plain(item):
    """Whether SQL can say what the item says."""
    if item.field is None:
        # The column holds all words at once: anchors and wildcards would see past the ends of one.
        if SigmaRegularExpressionModifier in item.modifiers:
            return False
        return all(in_ascii(value) and not has_wildcard(value) for value in item.value)
    if item.field in [*LISTS, *CONTAINERS] or SigmaTimestampWeekModifier in item.modifiers:
        return False
    placed = {SigmaStartswithModifier, SigmaEndswithModifier} & set(item.modifiers)
    if SigmaRegularExpressionModifier in item.modifiers and placed:
        return False  # SQL's expressions are not tied to an end
    return all(fits_column(item.field, value) for value in item.value)


def fits_column(field, value):
    """Whether the column holds the kind of value that is asked for: SQL converts nothing."""
    match value:
        case SigmaCIDRExpression():
            return value.network.prefixlen > 0  # it asks for any text then, of either family
        case SigmaExpansion():
            return all(fits_column(field, one) for one in value.values)
        case SigmaTimestampPart():
            return field in TIMES
        case SigmaCompareExpression():
            return field == "securityContext.asNumber" or field in TIMES
        case SigmaNumber():
            return field == "securityContext.asNumber"
        case SigmaBool():
            return field == "securityContext.isProxy"
        case SigmaFieldReference():
            return not {field, value.field} & {
                *NUMBERS,
                *LISTS,
                *CONTAINERS,
                "securityContext.isProxy",
                "actor.alternateId",
            }
        case SigmaString():
            return field not in NUMBERS and bool(value.s) and in_ascii(value)
    return True


def has_wildcard(value):
    """Whether a keyword has a wildcard inside; those that `contains` puts around it change nothing."""
    inner = value.s[1:-1] if isinstance(value, SigmaString) else []
    edges = [value.s[0], value.s[-1]] if isinstance(value, SigmaString) and value.s else []
    return any(not isinstance(part, str) for part in inner) or SpecialChars.WILDCARD_SINGLE in edges


def in_ascii(value):
    """SQL folds letters of ASCII alone: no other letter may fold to one of a text's, as the Kelvin sign
    does to k."""
    if isinstance(value, SigmaExpansion):
        return all(in_ascii(one) for one in value.values)
    if not isinstance(value, SigmaString):
        return True
    return all(plain_part(part) for part in value.s)


def plain_part(part):
    if isinstance(part, str):
        return part.isascii() and "k" not in part.lower()
    return not isinstance(part, Placeholder)
