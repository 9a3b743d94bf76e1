# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Joint velocities from joint positions alone, for drivers that do not measure them."""

from __future__ import annotations

import numpy as np

# After a longer gap, or a step back, what was before says nothing about now.
_MAX_GAP_S = 0.1


class VelocityFilter:
    """Differences of positions through a first-order low-pass.

    v += dt / (tau + dt) * ((q - q_before) / dt - v), which is the low-pass 1 / (tau s + 1) by
    backward Euler. time_constant_s: tau, by which it is late where a speed changes steadily; 0
    leaves the differences as they are.
    """

    def __init__(self, time_constant_s: float) -> None:
        self._time_constant_s = time_constant_s
        self._before: tuple[int, np.ndarray] | None = None
        self._velocities_rad_s: np.ndarray | None = None

    def velocities_rad_s(self, stamp_ns: int, positions_rad: np.ndarray) -> np.ndarray | None:
        """Return (n,) rad/s at a stamp; None for the first one, and after a gap or a step back."""
        before, self._before = self._before, (stamp_ns, positions_rad)
        step_s = 0.0 if before is None else (stamp_ns - before[0]) / 1e9
        if before is None or not 0.0 <= step_s <= _MAX_GAP_S:
            self._velocities_rad_s = None
        elif step_s > 0.0:
            difference = (positions_rad - before[1]) / step_s
            if self._velocities_rad_s is None:
                self._velocities_rad_s = difference
            else:
                share = step_s / (self._time_constant_s + step_s)
                self._velocities_rad_s = self._velocities_rad_s + share * (
                    difference - self._velocities_rad_s
                )
        return self._velocities_rad_s
