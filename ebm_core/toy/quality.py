# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How well an energy of the plane fits a curve, and what it takes to get there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..protocols import Recipe
from .config import preset
from .curves import HALF_WIDTH, distance_to
from .energy import PlaneLearner
from .recipe import PlaneRecipe

RADIUS = 0.06  # of the tube around a curve that a zero set should fill
SIDE = 101  # points per side of the grid on which it is measured
# Trains a recipe, and calls back with the module and the step at every checkpoint.
Fit = Callable[[Recipe, Callable[[nn.Module, int], dict] | None], nn.Module]


def grid(side: int = SIDE) -> Tensor:
    """Return the points (side, side, 2) of a grid over the square."""
    line = torch.linspace(-HALF_WIDTH, HALF_WIDTH, side)
    return torch.stack(torch.meshgrid(line, line, indexing='xy'), -1)


class ZeroSet:
    """The tube of RADIUS around a curve, against the points of lowest energy, as many as it has."""

    def __init__(self, curve: str) -> None:
        """Find the tube on the grid."""
        self.points = grid().reshape(-1, 2)
        self.tube = torch.from_numpy(distance_to(curve, self.points.numpy()) < RADIUS)

    @torch.no_grad()
    def coverage(self, energy: Callable[[Tensor], Tensor]) -> float:
        """Return the share of the tube that the lowest energies (N, 2) → (N, 1) cover.

        Both sets are as large, so what the zero set has beside the curve it lacks on it: chance
        gives the tube's share of the square, about a fifth.
        """
        lowest = energy(self.points).squeeze(-1).argsort()[: int(self.tube.sum())]
        return float(self.tube[lowest].float().mean())


def widths(
    fit: Fit, hidden: Sequence[int], seeds: int, **changes: object
) -> tuple[list[dict], list[PlaneLearner]]:
    """Train an energy of the spiral for each width; return rows, and the first seed's learners."""
    zero_set, rows, learners = ZeroSet('spiral'), [], []
    for width in hidden:
        trained = [
            fit(PlaneRecipe(preset('ranking', hidden=width, seed=seed, **changes)), None)
            for seed in range(seeds)
        ]
        found = [zero_set.coverage(learner.energy) for learner in trained]
        learners.append(trained[0])
        rows.append({'hidden': width, 'coverage': found})
    return rows, learners


def negatives(fit: Fit, seeds: int, goal: float, every: int, **changes: object) -> list[dict]:
    """Train against random and against hard negatives, and return when each reaches a coverage.

    goal: the coverage. every: steps between measurements. A run that never reaches it has None.
    """
    zero_set, rows = ZeroSet('spiral'), []
    for kind in ('random', 'hard'):
        reached, curves = [], []
        for seed in range(seeds):
            chosen = preset('ranking', seed=seed, negatives=kind, checkpoint_every=every, **changes)
            curve: dict[int, float] = {}

            def measure(learner: PlaneLearner, step: int, curve: dict = curve) -> dict:
                curve[step] = zero_set.coverage(learner.energy)
                return {}

            fit(PlaneRecipe(chosen), measure)
            reached.append(next((step for step, value in curve.items() if value >= goal), None))
            curves.append(curve)
        rows.append({'negatives': kind, 'reached_at_step': reached, 'coverage': curves})
    return rows


def near(curve: str, points: Tensor, within: float) -> np.ndarray:
    """Return which of the points (N, 2) lie near a curve, (N,) of bool."""
    return distance_to(curve, points.detach().numpy()) < within
