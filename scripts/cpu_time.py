# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Run a command, and print the processor time of it and of all that it started.

    python scripts/cpu_time.py python -m pytest -q test/nodes/faults

Tests of nodes start them from a fork server, which outlives them: `time` does not count it. Waits
for every process that is left; the status is the command's. Linux only.
"""

import ctypes
import os
import resource
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main(command: list[str]) -> int:
    """Run a command; return its status."""
    # Who loses its parent becomes a child of this process, so that its time is counted here.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = subprocess.Popen(command)
    status = 0
    while True:
        try:
            pid, ended = os.wait()
        except ChildProcessError:
            break
        if pid == process.pid:
            status = os.waitstatus_to_exitcode(ended)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f'{used.ru_utime + used.ru_stime:.1f} s of processor time', file=sys.stderr)
    return status if status >= 0 else 128 - status


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
