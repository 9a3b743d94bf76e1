# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Point the ROS 2 wheels' exported CMake files at this Python's headers.

The wheels export the include directories of the machine that built them, for instance
/opt/python/cp311-cp311/include/python3.11. Run it with the Python of the virtual environment, after
every installation of wheels; a second run changes nothing.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy

BUILD_MACHINE_PATHS = (
    (
        re.compile(r'/opt/python/cp\d+-cp\d+t?/include/python3\.\d+t?'),
        sysconfig.get_path('include'),
    ),
    (
        re.compile(
            r'/opt/python/cp\d+-cp\d+t?/lib/python3\.\d+t?/site-packages/numpy/_core/include'
        ),
        numpy.get_include(),
    ),
)


def rewrite(share: Path) -> int:
    """Rewrite every CMake file below `share`; returns how many changed."""
    changed = 0
    for path in share.rglob('*.cmake'):
        text = original = path.read_text()
        for pattern, actual in BUILD_MACHINE_PATHS:
            text = pattern.sub(lambda _, actual=actual: Path(actual).as_posix(), text)
        if text != original:
            path.write_text(text)
            changed += 1
    return changed


if __name__ == '__main__':
    print(f'{rewrite(Path(sys.prefix) / "share")} exported CMake files rewritten')
