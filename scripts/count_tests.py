# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tell of each test file how it went, from pytest's result files below a folder.

The files that took longest come first, then why each test failed that did, then which did, last one
line of sums: who sees only the end of a log sees that. The status is 1 if any failed or none ran.
A process of tests that died is one failure, in the place of its results.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from pathlib import Path

KINDS = ('tests', 'failures', 'errors', 'skipped')
BAD = ('failure', 'error')
# Of the text of a failure; enough for what was compared, and for what the nodes said last.
SHOWN_LINES, SHOWN_CHARACTERS = 12, 200
# What test/conftest.py adds to it.
NODES = re.compile(r'^-+ said last by nodes -+$', re.MULTILINE)
# Where pytest says that a failure passed through, innermost last.
PLACE = re.compile(r'^(\S+\.py:\d+):', re.MULTILINE)


def suites(folder: Path) -> list[ElementTree.Element]:
    """Return the test suites of all result files."""
    roots = [ElementTree.parse(path).getroot() for path in sorted(folder.rglob('*.xunit.xml'))]
    return [suite for root in roots for suite in root.iter('testsuite')]


def count(suites: list[ElementTree.Element]) -> Counter[str]:
    """Return the sums of tests, failures, errors and skipped tests."""
    total: Counter[str] = Counter()
    for suite in suites:
        total.update({kind: int(suite.get(kind) or 0) for kind in KINDS})
    return total


def outcome_of(case: ElementTree.Element) -> ElementTree.Element | None:
    """Return what the file says of a test that did not pass; where it is both, that it failed."""
    said = [child for child in case if child.tag in (*BAD, 'skipped')]
    return min(said, key=lambda child: child.tag not in BAD, default=None)


def lines(suites: list[ElementTree.Element]) -> list[str]:
    """Return a line for each test file, then those that say why tests failed, then which did."""
    files: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    reasons, failed = [], []
    for case in (case for suite in suites for case in suite.iter('testcase')):
        file = case.get('classname') or ''
        outcome = outcome_of(case)
        kind = 'passed' if outcome is None else outcome.tag
        files[file][kind] += 1
        seconds[file] += float(case.get('time') or 0.0)
        if kind in BAD:
            failed.append(f'{kind}: {file}::{case.get("name")}')
            reasons += ['', failed[-1], *reason(outcome)]
    return [
        f'{seconds[file]:7.1f} s  {file}: '
        + ', '.join(f'{number} {outcome}' for outcome, number in sorted(files[file].items()))
        for file in sorted(files, key=lambda file: -seconds[file])
    ] + [*reasons, '', *failed]


def reason(outcome: ElementTree.Element) -> list[str]:
    """Return, indented, where a test failed, the end of what pytest and the nodes say of it."""
    text, *nodes = NODES.split(outcome.text or outcome.get('message') or '')
    places = PLACE.findall(text)
    shown = [' > '.join(places)] if places else []
    for part in (text, *nodes):
        shown += [line for line in part.splitlines() if line.strip()][-SHOWN_LINES:]
    return [f'    {line[:SHOWN_CHARACTERS]}' for line in shown]


if __name__ == '__main__':
    found = suites(Path(sys.argv[1]))
    total = count(found)
    failed = total['failures'] + total['errors']
    passed = total['tests'] - failed - total['skipped']
    print(*lines(found), f'{passed} passed, {failed} failed, {total["skipped"]} skipped', sep='\n')
    sys.exit(failed > 0 or passed == 0)
