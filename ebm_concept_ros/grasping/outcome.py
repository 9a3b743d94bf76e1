# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What came of a move, and how near its torques and speeds came to their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# From here on a block that nobody was to move counts as moved.
MOVED_M = 0.01


@dataclass(frozen=True)
class Outcome:
    """What came of a move.

    reason: why it failed, or empty. placing_error_m: of the block from its place, and
    placing_error_rad of its yaw (0 for a cylinder), in the end. time_s: on the simulation's clock.
    slips: how often a grip was lost or missed. retries: how often it was tried again. troubles: all
    that was noticed, in words. peak_…_share: of the limits of all joints and fingers.
    bystanders_m: how far each other block is from where it was.
    """

    entity: str
    success: bool
    reason: str
    placing_error_m: float
    placing_error_rad: float
    time_s: float
    slips: int
    retries: int
    troubles: tuple[str, ...]
    peak_effort_share: float
    peak_effort_rate_share: float
    peak_speed_share: float
    bystanders_m: Mapping[str, float] = field(default_factory=dict)

    @property
    def bystanders_moved(self) -> tuple[str, ...]:
        """Return the other blocks that were moved by a centimetre or more."""
        return tuple(id_ for id_, way_m in self.bystanders_m.items() if way_m >= MOVED_M)


class Peaks:
    """The largest shares of torque, torque rate and speed limits so far; arrays are (n + f,)."""

    def __init__(
        self, efforts_nm: np.ndarray, rates_nm_s: np.ndarray, speeds_rad_s: np.ndarray
    ) -> None:
        self._limits = efforts_nm, rates_nm_s, speeds_rad_s
        self.effort = self.effort_rate = self.speed = 0.0

    def add(
        self, effort_nm: np.ndarray, former_nm: np.ndarray, period_s: float, speeds: np.ndarray
    ) -> None:
        """Take in one torque, the one before, and the speeds that came of it."""
        efforts, rates, limits = self._limits
        self.effort = max(self.effort, float((np.abs(effort_nm) / efforts).max()))
        rate = np.abs(effort_nm - former_nm) / period_s / rates
        self.effort_rate = max(self.effort_rate, float(rate.max()))
        self.speed = max(self.speed, float((np.abs(speeds) / limits).max()))
