# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A plan as an immutable snapshot that gives a torque for any time it is valid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


class PlanExpired(RuntimeError):
    """The time asked for is not one that the plan is valid at."""


class NotFinite(ValueError):
    """A plan gave a torque that is not finite."""


class InvalidState(ValueError):
    """A joint state that no torque can be computed for; the message names the reason."""


# Below this speed the friction's direction is not known.
FRICTION_SPEED_RAD_S = 0.01
# No joint turns as far or as fast; beyond, arithmetic on the state could overflow.
_PLAUSIBLE = 1e4


def check_state(state: np.ndarray, num_joints: int) -> None:
    """Raise InvalidState unless `state` is (2n,), finite and within what any arm could do."""
    if state.shape != (2 * num_joints,):
        raise InvalidState(f'state: {state.size} numbers, expected {2 * num_joints}')
    # One norm is faster than to look at each, and mostly tells enough.
    if not math.hypot(*state.tolist()) < _PLAUSIBLE and not (np.abs(state) < _PLAUSIBLE).all():
        raise InvalidState(f'state: contains NaN, infinity or more than {_PLAUSIBLE:.0f} rad')


def read_only(array: np.ndarray) -> np.ndarray:
    """Return an array of doubles, contiguous, that nobody writes to: itself if it is one."""
    array = np.asarray(array, float, order='C')
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Plan:
    """N planned steps of an arm with n joints; torque = û + K (x - x̂) + friction, clipped.

    Arrays that cannot be written to are kept, of others there are copies.

    start_s: time of the first knot; expires_at_s: no torque is given after it.
    states: (N + 1, 2n) positions rad, velocities rad/s. efforts: (N, n) N·m.
    gains: (N, n, 2n). friction_nm, limits_nm: (n,).
    cost, iterations, plan_time_s: of the planner, for the record.
    """

    start_s: float
    expires_at_s: float
    step_s: float
    states: np.ndarray
    efforts: np.ndarray
    gains: np.ndarray
    friction_nm: np.ndarray
    limits_nm: np.ndarray
    cost: float
    iterations: int
    plan_time_s: float

    def __post_init__(self) -> None:
        for name in ('states', 'efforts', 'gains', 'friction_nm', 'limits_nm'):
            array = read_only(getattr(self, name))
            # A sum of squares is told to be finite in a third of the time that all of them are.
            if not math.isfinite(np.vdot(array, array)) and not np.isfinite(array).all():
                raise ValueError(f'{name}: contains NaN or infinity')
            object.__setattr__(self, name, array)
        times_and_cost = self.start_s, self.expires_at_s, self.step_s, self.cost
        if not all(map(math.isfinite, times_and_cost)):
            raise ValueError('start_s, expires_at_s, step_s and cost must be finite')

    @classmethod
    def trusted(cls, fields: dict[str, object], addresses: tuple[int, ...]) -> Plan:
        """Return a plan of all its fields without a look at them; addresses: see there.

        For arrays that are known to be finite, of doubles, contiguous, and not to be written to.
        """
        plan = cls.__new__(cls)
        plan.__dict__.update(fields, addresses=addresses)
        return plan

    @cached_property
    def addresses(self) -> tuple[int, int, int, int, int]:
        """Where states, efforts, gains, friction and limits begin, for compiled code.

        They stay there for as long as the plan lives.
        """
        arrays = self.states, self.efforts, self.gains, self.friction_nm, self.limits_nm
        return tuple(array.ctypes.data for array in arrays)

    def effort(
        self, time_s: float, positions_rad: np.ndarray, velocities_rad_s: np.ndarray
    ) -> np.ndarray:
        """Return the torque (n,) N·m at a measured state: finite, within the limits.

        Raises PlanExpired before the plan starts (a clock that jumped back) or after it expires,
        InvalidState when the state is not plausible or has another length.
        """
        n = len(self.limits_nm)
        k, part = self.knot(time_s)
        state = np.concatenate([np.ravel(positions_rad), np.ravel(velocities_rad_s)])
        check_state(state, n)
        before, after = self.states[k], self.states[k + 1]
        expected = before + part * (after - before)
        # The planned speed a step ahead: at rest it tells which way friction will act.
        friction = self.friction_nm * np.tanh(after[n:] / FRICTION_SPEED_RAD_S)
        effort = self.efforts[k] + self.gains[k] @ (state - expected) + friction
        return np.minimum(np.maximum(effort, -self.limits_nm), self.limits_nm)

    def gains_at(self, time_s: float) -> np.ndarray:
        """Return K (n, 2n) of the torque at a time at which the plan is valid."""
        return self.gains[self.knot(time_s)[0]]

    def knot(self, time_s: float) -> tuple[int, float]:
        """Return the knot before a time, and the part of the way from there to the next.

        Raises PlanExpired.
        """
        if not self.start_s - 1e-6 <= time_s <= self.expires_at_s:
            raise PlanExpired(
                f'plan valid from {self.start_s:.3f} to {self.expires_at_s:.3f} s, asked at '
                f'{time_s:.3f} s'
            )
        knots = max(time_s - self.start_s, 0.0) / self.step_s
        k = min(int(knots), len(self.efforts) - 1)
        return k, min(knots - k, 1.0)
