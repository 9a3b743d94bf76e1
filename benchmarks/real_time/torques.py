# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether every torque of a recorded run was right, however late it came.

Three things are asked. The run repeated in one thread gives the same torques bit for bit, so that
no thread has seen a half of what another one wrote. Each torque is finite, within the arm's limits
and as far from the one before as the rates allow at most. The arm, which is simulated apart and
goes by what came and when, stayed within its limits and was struck by nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.package_files import load_weights
from ebm_concept_ros.recording.record import Record
from ebm_concept_ros.recording.replay import Replay

_ROUNDING = 1e-9
_MOVES = 0.02  # of the limit of any joint's speed
_MODE, _STRUCK = 3, 7  # columns of a record's decisions


@dataclass(frozen=True)
class Verdict:
    """What was found of so many torques; shares are the largest of any joint's limit.

    repeated: how many a replay gives again bit for bit, None where none was made. held: with how
    many it held, where it was to track. moving_share: of the time in which it moved.
    """

    torques: int
    repeated: int | None
    not_finite: int
    held: int
    struck: int
    effort_share: float
    rate_share: float
    speed_share: float
    moving_share: float

    @property
    def is_right(self) -> bool:
        """Tell whether all that was asked is so; to hold is right, but not what was wanted."""
        shares = (self.effort_share, self.rate_share, self.speed_share)
        return (
            self.repeated in (None, self.torques)
            and not self.not_finite
            and not self.struck
            and max(shares) <= 1.0 + _ROUNDING
        )


def judge(record: Record, replayed: bool) -> Verdict:
    """Judge all torques of a record from the first with which the arm tracked."""
    arm = record.header.settings.arm
    decisions, efforts_nm = record.arrays['decisions'], record.arrays['efforts_nm']
    repeated = None
    if replayed:
        outcome = Replay(record, load_weights('')).run()
        repeated = outcome.torques - (outcome.decisions - outcome.same)
    with_torque = ~np.isnan(efforts_nm).all(1)
    first = int(np.argmax(decisions[:, _MODE] == Mode.TRACKING))
    given_nm = efforts_nm[with_torque]
    elapsed_s = record.arrays['elapsed_s'][with_torque]
    # By the law a torque goes on from the one before while that is fresh, and then from the hold.
    is_next = elapsed_s[1:] <= record.header.settings.max_state_age_s
    step_s = np.minimum(elapsed_s[1:], record.header.settings.period_s)[is_next]
    rates = np.abs(np.diff(given_nm, axis=0))[is_next] / step_s[:, None]
    velocities_rad_s = np.split(record.arrays['states'], 2, axis=1)[1]
    speeds = np.abs(velocities_rad_s) / arm.velocity_limits_rad_s
    return Verdict(
        torques=int(with_torque.sum()),
        repeated=repeated,
        not_finite=int((~np.isfinite(given_nm)).any(1).sum()),
        held=int((decisions[first:, _MODE] != Mode.TRACKING).sum()),
        struck=int(decisions[:, _STRUCK].sum()),
        effort_share=_largest(np.abs(given_nm) / arm.effort_limits_nm),
        rate_share=_largest(rates / arm.effort_rate_limits_nm_s),
        speed_share=_largest(speeds),
        moving_share=float((speeds > _MOVES).any(1).mean()),
    )


def _largest(shares: np.ndarray) -> float:
    return float(shares.max(initial=0.0))
