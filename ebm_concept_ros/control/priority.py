# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Real-time scheduling of the control thread and of whom it waits for, where the system lets it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

_THREADS = Path('/proc/self/task')


def prioritise(priority: int, with_others: bool = False) -> str:
    """Have Linux run the calling thread before all ordinary ones; return how it runs, in words.

    priority: of SCHED_FIFO, 1 to 99. Needs the right to it (`ulimit -r`, or CAP_SYS_NICE); without,
    the thread runs as any other. with_others: the other threads of the process come next, one
    priority below, where there is one. An ordinary program that takes the processor from who has
    the interpreter, or a lock of the middleware, takes it from who waits for these. `relax` gives
    it back.
    """
    try:
        _schedule(0, os.SCHED_FIFO, priority)
    except (AttributeError, OSError) as error:  # another system, or no right to it
        return f'as any thread, not with SCHED_FIFO {priority}: {error}'
    if with_others and priority > 1:
        _schedule_others(os.SCHED_FIFO, priority - 1)
    return f'SCHED_FIFO {priority}'


def relax() -> None:
    """Have all threads of the process run as any, where `prioritise` had them go before."""
    with suppress(AttributeError, OSError):
        if os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK != os.SCHED_FIFO:
            return
        _schedule(0, os.SCHED_OTHER, 0)
        _schedule_others(os.SCHED_OTHER, 0)


def relax_this_thread() -> None:
    """Have the calling thread run as any, for it computes for long."""
    with suppress(AttributeError, OSError):
        _schedule(0, os.SCHED_OTHER, 0)


def _schedule_others(policy: int, priority: int) -> None:
    for thread in list(_THREADS.iterdir()):
        if int(thread.name) != threading.get_native_id():
            with suppress(OSError):  # it has ended
                _schedule(int(thread.name), policy, priority)


def _schedule(thread_id: int, policy: int, priority: int) -> None:
    # What is started by such a thread runs as any.
    os.sched_setscheduler(thread_id, policy | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
