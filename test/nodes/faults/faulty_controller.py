# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller, whose planner stalls or fails while the file named in PLANNER_FAULT says so.

The file holds `stall SECONDS`, `stall_once SECONDS` or `raise`; without it the planner works.
"""

import os
import signal
import sys
import time
from pathlib import Path

signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))

from ebm_concept_ros.nodes.controller import main  # noqa: E402
from ebm_concept_ros.planning.ilqg import IlqgPlanner  # noqa: E402

FAULT = Path(os.environ['PLANNER_FAULT'])
plan = IlqgPlanner.plan


def faulty_plan(*args, **kwargs):
    try:
        kind, *numbers = FAULT.read_text().split()
    except (OSError, ValueError):  # not there, or not written yet
        return plan(*args, **kwargs)
    if kind == 'raise':
        raise ZeroDivisionError('injected')
    if kind == 'stall_once':
        FAULT.unlink()
    began_s = time.time()  # of the system's clock, as messages are stamped when they are published
    time.sleep(float(numbers[0]))
    FAULT.with_suffix('.done').write_text(f'{began_s} {time.time()}')
    return plan(*args, **kwargs)


IlqgPlanner.plan = faulty_plan
sys.exit(main())
