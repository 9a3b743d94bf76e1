# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What processes of Linux use of the processor, how they are scheduled, and a load beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROC = Path('/proc')
_NODE = '__node:='
_USER, _SYSTEM = 11, 12  # of what stands behind the name in a process's stat


def nodes_of(process_id: int) -> dict[str, int]:
    """Return the process ids of the nodes that a launch has started, by the names of the nodes."""
    found = {}
    for child in _children(process_id):
        words = (_PROC / str(child) / 'cmdline').read_text().split('\0')
        names = [word.removeprefix(_NODE) for word in words if word.startswith(_NODE)]
        if names:
            found[names[-1]] = child
    return found


def _children(process_id: int) -> Iterator[int]:
    for thread in (_PROC / str(process_id) / 'task').iterdir():
        yield from map(int, (thread / 'children').read_text().split())


def processor_s(process_id: int) -> float:
    """Return how long a process has run so far, threads that have ended with it, s; ended: 0.

    Processes that it has started, and that still run, are among them.
    """
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        # Behind the name, which may have blanks.
        fields = (_PROC / str(process_id) / 'stat').read_text().rpartition(')')[2].split()
        ticks = int(fields[_USER]) + int(fields[_SYSTEM])
        return ticks / os.sysconf('SC_CLK_TCK') + childrens_s(process_id)
    return 0.0


def childrens_s(process_id: int) -> float:
    """Return of that what the processes have run that it has started, s."""
    return sum(map(processor_s, list(_children(process_id))))


def machine_idle_s() -> float:
    """Return how long all cores together have had nothing to do since the machine's start, s."""
    fields = (_PROC / 'stat').read_text().splitlines()[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf('SC_CLK_TCK')


def real_time_threads(process_id: int) -> int:
    """Return how many threads of a process SCHED_FIFO schedules."""
    threads = (_PROC / str(process_id) / 'task').iterdir()
    policies = [os.sched_getscheduler(int(each.name)) for each in threads]
    return sum(policy & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO for policy in policies)


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """Run so many ordinary processes that never wait."""
    code = 'while True: pass'
    processes = [subprocess.Popen([sys.executable, '-c', code]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
