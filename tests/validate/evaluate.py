"""Does an event match a rule, as pySigma reads the rule?

pySigma parses the rule, applies its modifiers and filters and resolves its names; what is left is put
plainly here: texts with wildcards as regular expressions over folded texts, networks, numbers, parts of
time, and "any value of the field".
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network

from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionNOT, ConditionOR, ConditionSelector
from sigma.modifiers import SigmaEndswithModifier, SigmaStartswithModifier
from sigma.rule import SigmaDetection
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

from world import CONTAINERS, PLACEHOLDERS, spelled, values_at, words

FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}
COMPARE = {
    CompareOperators.LT: lambda left, right: left < right,
    CompareOperators.LTE: lambda left, right: left <= right,
    CompareOperators.GT: lambda left, right: left > right,
    CompareOperators.GTE: lambda left, right: left >= right,
}
PARTS = {
    TimestampPart.MINUTE: lambda at: at.minute,
    TimestampPart.HOUR: lambda at: at.hour,
    TimestampPart.DAY: lambda at: at.day,
    TimestampPart.WEEK: lambda at: at.isocalendar().week,
    TimestampPart.MONTH: lambda at: at.month,
    TimestampPart.YEAR: lambda at: at.year,
}


@lru_cache(maxsize=None)
def fold(text):
    """Lower case, character by character."""
    return "".join(char.lower() for char in text)


def pattern(string):
    """The regular expression that a text with wildcards is."""
    cased = isinstance(string, SigmaCasedString)
    parts = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    written = "".join(
        re.escape(part if cased else fold(part)) if isinstance(part, str) else parts[part]
        for part in string.s
    )
    compiled = re.compile(written, re.DOTALL)
    return compiled, (lambda text: text) if cased else fold


def spellings(string):
    """The texts that a text with names of lists stands for, and networks if it is nothing but those."""
    for place, part in enumerate(string.s):
        if isinstance(part, Placeholder):
            for value in PLACEHOLDERS[part.name]:
                listed = type(string)()
                listed.s = string.s[:place] + SigmaString(value).s + string.s[place + 1 :]
                yield from spellings(listed)
            return
    yield string


def number_of(value):
    """A value as a number; none if it spells none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


class Event:
    """One event with the present values of its fields."""

    def __init__(self, raw, flat):
        self.raw, self.flat = raw, flat
        self.words = list(words(raw))

    def values(self, path):
        return self.flat.get(path, [])

    def has(self, path):
        if path in CONTAINERS:
            return any(value is not None for value in values_at(self.raw, path.split(".")))
        return bool(self.values(path))


def holds(condition, detections, event):
    """Whether a parsed condition holds for an event."""
    match condition:
        case ConditionAND():
            return all([holds(part, detections, event) for part in condition.args])
        case ConditionOR():
            return any([holds(part, detections, event) for part in condition.args])
        case ConditionNOT():
            return not holds(condition.args[0], detections, event)
        case ConditionSelector():
            found = [
                holds(part, detections, event) for part in condition.resolve_referenced_detections(detections)
            ]
            return any(found) if condition.cond_class is ConditionOR else all(found)
        case ConditionIdentifier():
            return selection_holds(detections[condition.identifier], event)
    raise TypeError(type(condition))


def selection_holds(selection, event):
    found = [
        selection_holds(item, event) if isinstance(item, SigmaDetection) else item_holds(item, event)
        for item in selection.detection_items
    ]
    return all(found) if selection.item_linking is ConditionAND else any(found)


def item_holds(item, event):
    test = keyword_holds if item.field is None else value_holds
    found = [test(item, value, event) for value in item.value]
    return (all(found) if item.value_linking is ConditionAND else any(found)) != item.negated


def value_holds(item, value, event):
    """Whether any value of the item's field fits."""
    present = event.values(item.field)
    match value:
        case SigmaExpansion():
            return any(value_holds(item, one, event) for one in value.values)
        case SigmaNull():
            return not event.has(item.field)
        case SigmaExists():
            return event.has(item.field) == value.exists
        case SigmaString() if not value.s:
            return not present
        case SigmaString() if value.s == [SpecialChars.WILDCARD_MULTI]:
            return event.has(item.field)
        case SigmaFieldReference():
            return any(refers(value, left, right) for left in present for right in event.values(value.field))
    return any(fits(item, value, one) for one in present)


def refers(reference, left, right):
    left, right = fold(spelled(left)), fold(spelled(right))
    if reference.starts_with and reference.ends_with:
        return right in left
    if reference.starts_with:
        return left.startswith(right)
    return left.endswith(right) if reference.ends_with else left == right


def fits(item, value, one):
    """Whether one value of a field is what the rule asks for."""
    match value:
        case SigmaString() if any(isinstance(part, Placeholder) for part in value.s):
            networks = len(value.s) == 1 and value.s[0].name == "offices"
            return any(
                fits(item, text, one) or networks and within(str(text), one) for text in spellings(value)
            )
        case SigmaString():
            compiled, folded = pattern(value)
            return bool(compiled.fullmatch(folded(spelled(one))))
        case SigmaTimestampPart():
            return PARTS[value.timestamp_part](instant(one)) == value.number
        case SigmaNumber():
            return number_of(one) == value.number
        case SigmaBool():
            return fold(spelled(one)) == str(value).lower()
        case SigmaRegularExpression():
            return searched(item, value, spelled(one))
        case SigmaCIDRExpression():
            return within(value.cidr, one)
        case SigmaCompareExpression():
            return compared(value, one)
    raise TypeError(type(value))


def searched(item, value, text):
    """A regular expression may match anywhere, unless a modifier says where."""
    compiled = re.compile(str(value.regexp), sum(FLAGS[flag] for flag in value.flags))
    if SigmaStartswithModifier in item.modifiers:
        return bool(compiled.match(text))
    if SigmaEndswithModifier in item.modifiers:
        return any(found.end() == len(text) for found in compiled.finditer(text))
    return bool(compiled.search(text))


def within(network, one):
    try:
        address = ip_address(spelled(one))
    except ValueError:
        return False
    return address in ip_network(network)


def compared(value, one):
    if isinstance(value.number, SigmaTimestampPart):
        return COMPARE[value.op](PARTS[value.number.timestamp_part](instant(one)), value.number.number)
    number = number_of(one)
    return number is not None and COMPARE[value.op](number, value.number.number)


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def keyword_holds(item, value, event):
    """Whether any value of the event holds a keyword."""
    match value:
        case SigmaExpansion():
            return any(keyword_holds(item, one, event) for one in value.values)
        case SigmaString():
            compiled, folded = pattern(value)
            return any(compiled.search(folded(spelled(word))) for word in event.words)
        case SigmaRegularExpression():
            return any(searched(item, value, spelled(word)) for word in event.words)
        case SigmaNumber() | SigmaBool():
            text = str(value).lower()
            return any(text in fold(spelled(word)) for word in event.words)
    raise TypeError(type(value))


def matches(rule, event):
    """Whether any of the rule's conditions holds."""
    conditions = rule.detection.parsed_condition
    return any(holds(condition.parse(postprocess=False), rule.detection, event) for condition in conditions)
