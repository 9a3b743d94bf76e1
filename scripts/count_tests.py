# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sum up pytest's result files below a folder in one line; status 1 if any failed or none ran."""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

KINDS = ('tests', 'failures', 'errors', 'skipped')


def count(folder: Path) -> Counter[str]:
    """Return the sums of tests, failures, errors and skipped tests."""
    total: Counter[str] = Counter()
    for path in folder.rglob('*.xunit.xml'):
        for suite in ElementTree.parse(path).getroot().iter('testsuite'):
            total.update({kind: int(suite.get(kind) or 0) for kind in KINDS})
    return total


if __name__ == '__main__':
    total = count(Path(sys.argv[1]))
    failed = total['failures'] + total['errors']
    passed = total['tests'] - failed - total['skipped']
    print(f'{passed} passed, {failed} failed, {total["skipped"]} skipped')
    sys.exit(failed > 0 or passed == 0)
