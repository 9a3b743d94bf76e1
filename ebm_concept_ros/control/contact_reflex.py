# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Contact that nobody expected: when a torque from outside is a blow, and what is done then."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.control.compiled_momentum import momentum_of
from ebm_concept_ros.control.control_law import ControllerInputs
from ebm_concept_ros.control.momentum import Bounds, Seen
from ebm_concept_ros.control.momentum_observer import MomentumObserver
from ebm_concept_ros.planning.plan_model import PlanModel

# What is done about a blow: to hold; to give way for a moment and then to hold; nothing.
HOLD, RETREAT, IGNORE = 'hold', 'retreat', 'ignore'

_RETREAT_S = 0.4
_RETREAT_SPEED_SHARE = 0.15
# By how much a joint may have come further than its speeds before and after tell, rad.
_UNEXPLAINED_RAD = 0.02


@dataclass(frozen=True, eq=False)
class Contact:
    """A blow. reason: in words. retreat_rad_s: (n,) rad/s away from it, None: it is not to."""

    at_s: float
    reason: str
    retreat_rad_s: np.ndarray | None = None

    def retreat_at(self, time_s: float) -> np.ndarray | None:
        """Return the velocities (n,) rad/s to give way with at a time, None where it is over."""
        return self.retreat_rad_s if 0.0 <= time_s - self.at_s <= _RETREAT_S else None


class ContactReflex:
    """Notices blows from joint states and torques, for one thread.

    A joint is struck where the momentum observer's residual, smoothed once more against the noise
    of velocities, exceeds `effort_share` of its effort limit and its friction, which the observer
    does not know. An arm that weighs 20 % less than its model shows a quarter of the torque that it
    is given as if it came from outside, one that weighs 20 % more a sixth: with the default share
    of a quarter neither is ever a blow. A state that the arm cannot be in is none either.
    """

    def __init__(self, arm: ArmConfig, on_contact: str, longest_step_s: float) -> None:
        """on_contact: HOLD or RETREAT. longest_step_s: between states that belong together."""
        self._names = arm.joint_names
        self._longest_step_s = longest_step_s
        self._retreats = on_contact == RETREAT
        self._speed_limits_rad_s = arm.velocity_limits_rad_s
        model = PlanModel(arm, 0.002)
        self.threshold_nm = arm.contact.effort_share * arm.effort_limits_nm + model.friction_nm
        bandwidth_rad_s = 2.0 * math.pi * arm.contact.bandwidth_hz
        bounds = Bounds(self.threshold_nm, bandwidth_rad_s, 2.0 * bandwidth_rad_s, _UNEXPLAINED_RAD)
        self._observer = MomentumObserver(momentum_of(model, bounds), longest_step_s)

    @property
    def external_nm(self) -> np.ndarray:
        """What is exerted from outside, (n,) N·m, as of the last state."""
        return self._observer.momentum.external_nm

    @property
    def share(self) -> float:
        """How much of its threshold the joint that is struck hardest has from outside."""
        return float((np.abs(self.external_nm) / self.threshold_nm).max())

    def reset(self) -> None:
        """Forget everything: what comes next is the first state."""
        self._observer.reset()

    def watch(self, now: ControllerInputs) -> Contact | None:
        """Return what strikes the arm at a state, or None.

        What acts is what the driver reports, and else the torque before.
        """
        # A torque older than that acts no more: the arm's own watchdog holds it.
        is_acting = 0.0 <= now.elapsed_s <= self._longest_step_s
        seen = self._observer.update(now.sample, now.former_nm if is_acting else None, now.impulse)
        if seen != Seen.STRUCK:
            return None
        worst = int(np.argmax(np.abs(self.external_nm) / self.threshold_nm))
        return Contact(
            now.sample.stamp_s,
            f'struck something: {self._names[worst]} has {abs(self.external_nm[worst]):.1f} N·m '
            f'from outside, {self.threshold_nm[worst]:.1f} are allowed',
            self._away_rad_s() if self._retreats else None,
        )

    def _away_rad_s(self) -> np.ndarray:
        """Return the velocities (n,) rad/s that the blow by itself would bring about, but slow."""
        away = np.linalg.solve(self._observer.momentum.inertia, self.external_nm)
        return away * (_RETREAT_SPEED_SHARE / (np.abs(away) / self._speed_limits_rad_s).max())
