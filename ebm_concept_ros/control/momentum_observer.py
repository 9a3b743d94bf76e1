# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The momentum observer: which states belong together, and which torques acted between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.control.momentum import Momentum, Seen
from ebm_concept_ros.types import JointSample

# Of two states in a row; what is further apart is another time.
_LONGEST_STEP_S = 0.5
# What comes so many times later than the state before it did, has lost others on the way, and with
# them which torques acted in between.
_STEPS_LOST = 3.0
_SUMMED_AFTER = 32


@dataclass(slots=True, eq=False)
class Impulse:
    """What the driver says the motors have exerted since the state of a stamp.

    It is summed up where that is asked for: mostly one state follows another, and then what the
    last one says is enough. step_s: between the last two states, 0 where there were no two.
    before_nms: (n,) N·m·s; the first `count` of later add to that, steps in s and states. They may
    be shared with later impulses, which have more of them.
    """

    since_ns: int
    step_s: float
    before_nms: np.ndarray
    later: list[tuple[float, JointSample]]
    count: int

    @property
    def exerted_nms(self) -> np.ndarray:
        """Return all of it, (n,) N·m·s."""
        total_nms = self.before_nms
        for step_s, sample in self.later[: self.count]:
            total_nms = total_nms + step_s * sample.efforts_nm
        return total_nms

    def of_first(self, count: int) -> Impulse:
        """Return that of the first so many joints alone."""
        return Impulse(self.since_ns, self.step_s, self.exerted_nms[:count], [], 0)

    def with_state(self, step_s: float, sample: JointSample) -> Impulse:
        """Return the impulse up to the next state."""
        before_nms, later = self.before_nms, self.later
        if self.count >= _SUMMED_AFTER:
            before_nms, later = self.exerted_nms, []
        elif self.count < len(later):  # another went on from here already
            later = later[: self.count]
        later.append((step_s, sample))
        return Impulse(self.since_ns, step_s, before_nms, later, len(later))


def impulse_at(
    sample: JointSample, before: JointSample | None, former: Impulse | None
) -> Impulse | None:
    """Return the impulse up to a state, None where no efforts are reported.

    before, former: the state before and the impulse up to it. After a jump of the clock, or where
    states were lost, it begins anew.
    """
    if not sample.has_efforts:
        return None
    step_s = -1.0 if before is None else (sample.stamp_ns - before.stamp_ns) / 1e9
    is_next = former is not None and 0.0 <= step_s <= _LONGEST_STEP_S
    if not is_next or 0.0 < _STEPS_LOST * former.step_s < step_s:
        return Impulse(sample.stamp_ns, 0.0, np.zeros_like(sample.efforts_nm), [], 0)
    return former.with_state(step_s, sample)


class MomentumObserver:
    """Goes from one joint state to the next. Not for two threads at once.

    The same states and torques give the same residual, bit for bit.
    """

    def __init__(self, momentum: Momentum, longest_step_s: float) -> None:
        """momentum: nobody else's. longest_step_s: between two states.

        After more it is not known what acted in between, and the residual begins anew.
        """
        self.momentum = momentum
        self._longest_step_s = longest_step_s
        self._before: JointSample | None = None
        self._impulse: Impulse | None = None
        self._efforts_nm: list[np.ndarray] = []  # of all torques since the last state
        self._seen = Seen.QUIET  # with the last state

    def reset(self) -> None:
        """Forget everything: what comes next is the first state."""
        self._before = None

    def update(
        self,
        sample: JointSample,
        effort_nm: np.ndarray | None,
        impulse: Impulse | None = None,
    ) -> Seen:
        """Return what is seen at a state: nothing where the residual begins anew.

        effort_nm: (n,) N·m that the motors have been given since the last call, None where that is
        not known. impulse: up to the state, where that is reported; then the other does not count.
        A state that was seen before leaves the residual as it is.
        """
        before, step_s = self._before, 0.0
        if before is not None:
            step_s = (sample.stamp_ns - before.stamp_ns) / 1e9
        former = self._impulse
        is_reported = impulse is not None and former is not None
        is_known = before is not None and (is_reported or effort_nm is not None)
        if is_reported and impulse.since_ns != former.since_ns:
            is_known = False  # the clock has jumped in between, and perhaps back again
        if not is_known or not 0.0 <= step_s <= self._longest_step_s:
            return self._begin(sample, impulse)
        if effort_nm is not None:
            self._efforts_nm.append(effort_nm)
        if step_s == 0.0:
            return self._seen
        if not is_reported:
            acted_nm = _mean(self._efforts_nm)
        elif step_s == impulse.step_s and sample.has_efforts:  # no other state came in between
            acted_nm = None
        else:
            acted_nm = (impulse.exerted_nms - former.exerted_nms) / step_s
        seen = self.momentum.observe(sample, acted_nm, step_s)
        if seen == Seen.IMPOSSIBLE:
            return self._begin(sample, impulse)
        self._begin_interval(sample, impulse, seen)
        return seen

    def _begin(self, sample: JointSample, impulse: Impulse | None) -> Seen:
        self.momentum.begin(sample)
        self._begin_interval(sample, impulse, Seen.QUIET)
        return Seen.QUIET

    def _begin_interval(self, sample: JointSample, impulse: Impulse | None, seen: Seen) -> None:
        self._before, self._impulse, self._seen = sample, impulse, seen
        self._efforts_nm.clear()


def _mean(efforts_nm: list[np.ndarray]) -> np.ndarray:
    return efforts_nm[0] if len(efforts_nm) == 1 else sum(efforts_nm) / len(efforts_nm)
