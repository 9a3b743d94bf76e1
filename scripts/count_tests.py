# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tell of each test file how it went, from pytest's result files below a folder.

The files that took longest come first, then what failed, last one line of sums. The status is 1 if
any failed or none ran. A process of tests that died is one failure, in the place of its results.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from pathlib import Path

KINDS = ('tests', 'failures', 'errors', 'skipped')


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


def lines(suites: list[ElementTree.Element]) -> list[str]:
    """Return a line for each test file, and for each test that failed."""
    files: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    failed = []
    for case in (case for suite in suites for case in suite.iter('testcase')):
        file = case.get('classname') or ''
        outcome = next((child.tag for child in case if child.tag != 'system-out'), 'passed')
        files[file][outcome] += 1
        seconds[file] += float(case.get('time') or 0.0)
        if outcome in ('failure', 'error'):
            failed.append(f'{outcome}: {file}::{case.get("name")}')
    return [
        f'{seconds[file]:7.1f} s  {file}: '
        + ', '.join(f'{number} {outcome}' for outcome, number in sorted(files[file].items()))
        for file in sorted(files, key=lambda file: -seconds[file])
    ] + failed


if __name__ == '__main__':
    found = suites(Path(sys.argv[1]))
    total = count(found)
    failed = total['failures'] + total['errors']
    passed = total['tests'] - failed - total['skipped']
    print(*lines(found), f'{passed} passed, {failed} failed, {total["skipped"]} skipped', sep='\n')
    sys.exit(failed > 0 or passed == 0)
