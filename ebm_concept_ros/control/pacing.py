"""A loop at a fixed rate on the wall clock, with absolute deadlines."""

from __future__ import annotations

import time


class Pacer:
    """Sleeps until the next deadline; cycles that are late are skipped and counted.

    Never catches up in bursts: after an overrun the next deadline is the first of the original
    grid that still lies ahead.
    """

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self.missed = 0
        self._deadline_s = time.monotonic()

    def wait(self) -> None:
        """Return at the next deadline."""
        self._deadline_s += self.period_s
        now = time.monotonic()
        remaining = self._deadline_s - now
        if remaining > 0:
            time.sleep(remaining)
        elif -remaining >= self.period_s:
            skipped = int(-remaining / self.period_s)
            self.missed += skipped
            self._deadline_s += skipped * self.period_s
