# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Waiting for what another thread or process brings about."""

import time
from collections.abc import Callable

# For things that must happen, on however busy a machine. Nothing waits this long that works.
PATIENCE_S = 120.0


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f'waited {timeout_s} s for {what}'
        time.sleep(0.01)
