# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The torques of fingers: they open by a servo, and grip by torques that keep them centred."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.arm.effort_rate import EffortRateLimit
from ebm_concept_ros.grasping.hand import HandConfig


@dataclass(frozen=True)
class Open:
    """Fingers go to `joint`, rad, and stay there."""

    joint: float


@dataclass(frozen=True)
class Grip:
    """Fingers press: `first_nm` for `wait_s`, then changing to `last_nm` within `ramp_s`."""

    first_nm: float
    last_nm: float
    wait_s: float = 0.0
    ramp_s: float = 0.0

    def at(self, elapsed_s: float) -> float:
        """Return the torque of an opposing finger, N·m."""
        if self.ramp_s <= 0.0:
            return self.last_nm if elapsed_s >= self.wait_s else self.first_nm
        share = min(max((elapsed_s - self.wait_s) / self.ramp_s, 0.0), 1.0)
        return self.first_nm + share * (self.last_nm - self.first_nm)


FingerTarget = Open | Grip


def now_as(target: FingerTarget, elapsed_s: float) -> FingerTarget:
    """Return what a target asks for so long after it began, as one that does not change."""
    if isinstance(target, Open):
        return target
    return Grip(target.at(elapsed_s), target.at(elapsed_s))


def gripping_nm(hand: HandConfig, positions_rad: np.ndarray, opposing_nm: float) -> np.ndarray:
    """Return torques (f,) N·m: as much on the thumb as on all fingers opposed to it together.

    Equal and opposite forces alone leave what is gripped free to wander between the fingers, off
    the middle of the hand. So who is ahead presses less: the thumb against the others' mean, and
    each of the others against theirs.
    """
    grip, thumb = hand.grip, [finger.name for finger in hand.fingers].index(hand.thumb)
    opposed = np.arange(len(hand.fingers)) != thumb
    number, closing = int(opposed.sum()), hand.closing_sign
    positions_rad = closing * positions_rad
    ahead = positions_rad[thumb] - positions_rad[opposed].mean()
    torques = np.empty(len(hand.fingers))
    torques[thumb] = number * opposing_nm - grip.centring_nm_per_rad * ahead
    apart = positions_rad[opposed] - positions_rad[opposed].mean()
    torques[opposed] = (
        opposing_nm
        + grip.centring_nm_per_rad / number * ahead
        - number * grip.levelling_nm_per_rad * apart
    )
    return closing * torques


class Fingers:
    """What the fingers are told from one torque to the next; none is far from the one before."""

    def __init__(self, hand: HandConfig, period_s: float) -> None:
        """period_s: from one torque to the next."""
        self._hand, self._period_s = hand, period_s
        self._limits_nm = np.array([finger.effort_limit_nm for finger in hand.fingers])
        rates = np.array([finger.effort_rate_limit_nm_s for finger in hand.fingers])
        self._rate_limit = EffortRateLimit(rates, period_s)
        self._servo_rad: float | None = None  # where the opening servo is on its way

    def effort_nm(
        self,
        target: FingerTarget,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        former_nm: np.ndarray,
    ) -> np.ndarray:
        """Return the torque (f,) N·m, within limits and rates; the target is as it is now.

        former_nm: (f,) the torque before.
        """
        if isinstance(target, Grip):
            self._servo_rad = None
            wanted = gripping_nm(self._hand, positions_rad, target.last_nm)
        else:
            wanted = self._opening_nm(target.joint, positions_rad, velocities_rad_s)
        wanted = np.clip(wanted, -self._limits_nm, self._limits_nm)
        return self._rate_limit.limited(wanted, former_nm, self._period_s)

    def _opening_nm(
        self, joint: float, positions_rad: np.ndarray, velocities_rad_s: np.ndarray
    ) -> np.ndarray:
        grip = self._hand.grip
        if self._servo_rad is None:
            self._servo_rad = float(positions_rad.mean())
        step = grip.opening_rad_s * self._period_s
        self._servo_rad += min(max(joint - self._servo_rad, -step), step)
        return (
            grip.opening_nm_per_rad * (self._servo_rad - positions_rad)
            - grip.opening_nms_per_rad * velocities_rad_s
        )
