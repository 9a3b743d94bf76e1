# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of several that are alike goes to which place, so that few move, and not far."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def assigned(starts: np.ndarray, places: np.ndarray, stays_within: float = 0.0) -> np.ndarray:
    """Return places (m, 2) in the order of starts (m, 2): as few move as can, the shortest way.

    stays_within: who is as near to a place counts as standing there. Of all assignments the sum of
    the distances is least among those in which as many as possible stay.
    """
    distances = np.linalg.norm(starts[:, None] - places[None], axis=-1)
    # No way that is saved is worth another move.
    a_move = distances.sum() + 1.0
    cost = np.where(distances <= stays_within, 0.0, distances + a_move)
    _, of_each = linear_sum_assignment(cost)
    return places[of_each]
