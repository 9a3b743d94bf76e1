# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Real-time scheduling of a thread, where the system lets it."""

from __future__ import annotations

import os


def prioritise(priority: int) -> str:
    """Have Linux run the calling thread before all ordinary ones; return how it runs, in words.

    priority: of SCHED_FIFO, 1 to 99. Needs the right to it (`ulimit -r`, or CAP_SYS_NICE); without,
    the thread runs as any other.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except (AttributeError, OSError) as error:  # another system, or no right to it
        return f'as any thread, not with SCHED_FIFO {priority}: {error}'
    return f'SCHED_FIFO {priority}'
