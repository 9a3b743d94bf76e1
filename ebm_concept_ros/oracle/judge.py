# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When a reach counts as done."""

from __future__ import annotations

import numpy as np

# Between two samples further apart than this the effector may have been anywhere.
MAX_GAP_S = 0.1


class ReachJudge:
    """Success: within the tolerance of the goal for `hold_s` that were watched, in simulated time.

    What a judge was too late to watch counts neither for the stay nor against it; `unseen_s` is how
    much of it there was. Where a concept knows no distance, its place is 0 m away where it holds,
    infinitely far else.
    """

    def __init__(self, tolerance_m: float, hold_s: float) -> None:
        self.tolerance_m = tolerance_m
        self.hold_s = hold_s
        self.distance_m = np.nan
        self.success = False
        self.reached_at_s: float | None = None  # when the stay that counts began
        self.unseen_s = 0.0
        self._watched_s = 0.0  # of that stay
        self._last_s: float | None = None

    def update(self, time_s: float, distance_m: float) -> bool:
        """Take how far the effector is from what the concept asks for; return success so far."""
        if self.success:
            return True
        since_last_s = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        self.distance_m = distance_m
        if since_last_s > MAX_GAP_S + 1e-9:
            self.unseen_s += since_last_s
        elif since_last_s >= 0.0:
            self._watched_s += since_last_s
        else:  # time that jumped back breaks the stay
            self.reached_at_s = None
        if not self.distance_m <= self.tolerance_m:  # not a number is not near either
            self.reached_at_s = None
        elif self.reached_at_s is None:
            self.reached_at_s, self._watched_s = time_s, 0.0
        self.success = self.reached_at_s is not None and self._watched_s >= self.hold_s - 1e-9
        return self.success
