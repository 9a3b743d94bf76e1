# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When torques were due and when they went out, when plans were made, and what that amounts to."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Rows of the newest so many torques and plans are kept; older ones are overwritten.
_MAX_ROWS = 200_000


@dataclass(frozen=True, eq=False)
class TimingRecord:
    """Times on the machine's monotonic clock, s.

    torques: (C, 2) when each torque was due and when it had been published. plans: (P, 2) when each
    plan was begun and when it was ready, those that failed left out.
    """

    torques: np.ndarray
    plans: np.ndarray

    def since(self, time_s: float) -> TimingRecord:
        """Return what was due, or begun, from `time_s` on."""
        return self.between(time_s, np.inf)

    def between(self, begin_s: float, end_s: float) -> TimingRecord:
        """Return what was due, or begun, from `begin_s` until before `end_s`."""
        return TimingRecord(
            *(
                rows[(rows[:, 0] >= begin_s) & (rows[:, 0] < end_s)]
                for rows in (self.torques, self.plans)
            )
        )


class Timing:
    """Keeps the newest times. `torque` and `plan` are called by one thread each; reading is free.

    Only cycles with a torque are noted: before there is a concept, nothing depends on the deadline.
    """

    def __init__(self, keep: int) -> None:
        """keep: so many torques, and as many plans."""
        self._torques, self._plans = _Ring(min(keep, _MAX_ROWS)), _Ring(min(keep, _MAX_ROWS))

    def torque(self, due_s: float, published_s: float) -> None:
        """Note a torque."""
        self._torques.append(due_s, published_s)

    def plan(self, began_s: float, ready_s: float) -> None:
        """Note a plan."""
        self._plans.append(began_s, ready_s)

    def record(self, newest: int = _MAX_ROWS) -> TimingRecord:
        """Return a copy of the newest so many torques and plans of those kept, in order."""
        return TimingRecord(self._torques.rows(newest), self._plans.rows(newest))


class _Ring:
    def __init__(self, size: int) -> None:
        self._size = size
        self._numbers = array('d', bytes(16 * size))
        self._count = 0

    def append(self, first: float, second: float) -> None:
        at = 2 * (self._count % self._size)
        self._numbers[at] = first
        self._numbers[at + 1] = second
        self._count += 1

    def rows(self, newest: int) -> np.ndarray:
        count, size = self._count, self._size
        kept = min(newest, count, size)
        rows = np.frombuffer(self._numbers).reshape(size, 2)
        return rows.take(np.arange(count - kept, count), axis=0, mode='wrap')


def timing_numbers(records: Sequence[TimingRecord], period_s: float) -> dict[str, float | None]:
    """Return the rates, latenesses and plan times of all records taken together; None: unknown.

    period_s: of the torque loop. Lateness is from the deadline until the torque is published. A
    deadline is missed where no torque was due to it between two that were. Rates are of what came
    from the first to the last of each record.
    """
    late_s = np.concatenate([r.torques[:, 1] - r.torques[:, 0] for r in records] or [[]])
    plan_s = np.concatenate([r.plans[:, 1] - r.plans[:, 0] for r in records] or [[]])
    due = [np.diff(r.torques[:, 0]) / period_s for r in records]
    return {
        'torque_rate_hz': _rate([r.torques[:, 1] for r in records]),
        'lateness_s_p50': _percentile(late_s, 50),
        'lateness_s_p99': _percentile(late_s, 99),
        'lateness_s_max': _percentile(late_s, 100),
        'missed_deadlines': int(sum((np.round(gaps) - 1).clip(0).sum() for gaps in due)),
        'replan_rate_hz': _rate([r.plans[:, 0] for r in records]),
        'plan_time_s_median': _percentile(plan_s, 50),
        'plan_time_s_p95': _percentile(plan_s, 95),
        'plan_time_s_p99': _percentile(plan_s, 99),
    }


def _rate(times_s: Sequence[np.ndarray]) -> float | None:
    spans = [(len(t) - 1, t[-1] - t[0]) for t in times_s if len(t) > 1]
    count, duration_s = map(sum, zip(*spans, strict=True)) if spans else (0, 0.0)
    return float(count / duration_s) if duration_s > 0 else None


def _percentile(values: np.ndarray, share: float) -> float | None:
    return float(np.percentile(values, share)) if len(values) else None
