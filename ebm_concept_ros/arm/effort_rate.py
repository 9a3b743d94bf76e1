# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far a torque may be from the one before: arms stop, or break, where it jumps."""

from __future__ import annotations

import numpy as np


class EffortRateLimit:
    """Keeps the torques of n joints within their rates, whatever is wanted.

    rates_nm_s: (n,) N·m/s. period_s: from one torque to the next, s; one that comes later may not
    be further from the one before, so that a loop that stalled does not go on with a jump.
    """

    def __init__(self, rates_nm_s: np.ndarray, period_s: float) -> None:
        self._rates_nm_s = rates_nm_s
        self._period_s = period_s

    def limited(self, wanted_nm: np.ndarray, former_nm: np.ndarray, elapsed_s: float) -> np.ndarray:
        """Return what is nearest to the wanted torque (n,) N·m, elapsed_s after the former."""
        # As np.clip, in a third of its time.
        lowest, highest = self.reachable(former_nm, elapsed_s)
        return np.minimum(np.maximum(wanted_nm, lowest), highest)

    def reachable(self, former_nm: np.ndarray, elapsed_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest torque (n,) N·m, elapsed_s after the former."""
        step = self._rates_nm_s * min(elapsed_s, self._period_s)
        return former_nm - step, former_nm + step

    def resumed(
        self, resting_nm: np.ndarray, former_nm: np.ndarray | None, elapsed_s: float
    ) -> np.ndarray:
        """Return what to go on from where the arm has been left to itself for elapsed_s.

        resting_nm: (n,) N·m with which it holds itself. former_nm: what was last commanded, if
        anything.
        """
        if former_nm is None:
            return resting_nm
        step = self._rates_nm_s * elapsed_s
        return np.clip(resting_nm, former_nm - step, former_nm + step)
