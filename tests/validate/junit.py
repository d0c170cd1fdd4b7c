"""Can a program that reads JUnit XML read ours?

    python tests/validate/junit.py PROGRAM FOLDER

Runs the shipped rules' tests, and those of a rule written here that fail in every way, and reads the files with
`junitparser`, a library that build servers' plug-ins use. What it reads must be what the JSON output says.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from junitparser import Error, Failure, JUnitXml

RULE = """
title: Token made
id: 5f0c7f0e-5d0b-4c58-9f4e-0f3c3a3f6a11
name: token-made
logsource: {product: okta, service: okta}
detection:
  made:
    eventType: system.api_token.create
  condition: made
tests:
  - name: passes
    events: [{at: 0s, eventType: system.api_token.create}]
    expect: [{rule: token-made, at: 0s}]
  - name: another time <&"'> é
    events: [{at: 0s, eventType: system.api_token.create}]
    expect: [{rule: token-made, at: 1m}]
  - name: nothing is raised
    events: [{at: 0s, eventType: user.session.start}]
    expect: [{rule: token-made}]
  - name: an event that cannot be read
    events: [{at: 0s, published: soon}]
    expect: []
"""


def run(program, paths):
    """The results as junitparser reads them, and as JSON lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "results.xml"
        command = [program, "test", "--format", "json", "--junit", path, *paths]
        output = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        if output.returncode not in (0, 1):
            sys.exit(f"junit.py: {command} ended with {output.returncode}: {output.stderr}")
        return JUnitXml.fromfile(str(path)), [json.loads(line) for line in output.stdout.splitlines()]


def compare(xml, tests):
    """Every test is there, with what became of it."""
    read = {}
    for suite in xml:
        cases = list(suite)
        assert suite.tests == len(cases), (suite.name, suite.tests, len(cases))
        for case in cases:
            kinds = [type(result) for result in case.result]
            assert kinds in ([], [Failure], [Error]), kinds
            read[(suite.name, case.name)] = kinds
            assert case.classname and case.time is not None and (not kinds or case.result[0].message)
    said = {}
    for test in tests:
        kind = [] if test["passed"] else [Error] if test["failure"] else [Failure]
        said[(test["file"], test["test"])] = kind
    assert read == said, set(read.items()) ^ set(said.items()) if len(read) != len(said) else (read, said)
    failures = sum(kind == [Failure] for kind in said.values())
    errors = sum(kind == [Error] for kind in said.values())
    assert (xml.tests, xml.failures, xml.errors) == (len(said), failures, errors)
    return len(said), failures, errors


def main():
    program, folder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as rules:
        rule = pathlib.Path(rules) / "token-made.yml"
        rule.write_text(RULE, encoding="utf-8")
        counts = compare(*run(program, [rule]))
        assert counts == (4, 2, 1), counts
    tests, failures, errors = compare(*run(program, [folder]))
    print(f"junit.py: junitparser reads {tests} tests of {folder} ({failures} failed, {errors} errors), and 4 that fail")


main()
