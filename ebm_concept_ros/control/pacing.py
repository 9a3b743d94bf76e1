# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A loop at a fixed rate on the wall clock, with absolute deadlines."""

from __future__ import annotations

import time


def require_divisor(control_rate: float, state_rate: float) -> None:
    """Raise ValueError unless every torque acts for the same whole number of joint states."""
    ratio = state_rate / control_rate
    if ratio < 1 or abs(ratio - round(ratio)) > 1e-9:
        raise ValueError(
            f'control_rate: {control_rate:g} Hz does not divide the rate of the joint states, '
            f'which is {state_rate:g} Hz: torques would act for unequal times'
        )


class Pacer:
    """Sleeps until the next deadline; cycles that are late are skipped and counted.

    Never catches up in bursts: after an overrun the next deadline is the first of the original
    grid that still lies ahead.
    """

    def __init__(self, period_s: float, begin_s: float | None = None) -> None:
        """begin_s: a period before the first deadline, s on the monotonic clock; None: now."""
        self.period_s = period_s
        self.missed = 0
        self._deadline_s = time.monotonic() if begin_s is None else begin_s

    def wait(self) -> float:
        """Return at the next deadline, and which one it was, s on the monotonic clock."""
        self._deadline_s += self.period_s
        now = time.monotonic()
        remaining = self._deadline_s - now
        if remaining > 0:
            time.sleep(remaining)
        elif -remaining >= self.period_s:
            skipped = int(-remaining / self.period_s)
            self.missed += skipped
            self._deadline_s += skipped * self.period_s
        return self._deadline_s
