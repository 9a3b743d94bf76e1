# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Goals of worlds in which a place is the first numbers of a state."""

from __future__ import annotations

import numpy as np
from torch import Tensor


class PlaceFirst:
    """What a goal is, for worlds that have `start` and `allowed`."""

    def far(self, states: Tensor, goals: Tensor) -> Tensor:
        """Return how far states (..., d) are from goals (..., g) of fewer numbers, (...), L1."""
        return (states[..., : goals.shape[-1]] - goals).abs().sum(-1)

    def can_be_at(self, goals: np.ndarray) -> np.ndarray:
        """Return whether goals (N, g) are in the world, (N,)."""
        states = np.tile(self.start, (len(goals), 1))
        states[:, : goals.shape[1]] = goals
        return self.allowed(states)
