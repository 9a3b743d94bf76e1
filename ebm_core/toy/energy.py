# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy E(x) of a point of the plane, and what is trained and saved with it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ..model_files import read_model
from ..sampling.langevin import Langevin, StepRange
from ..sampling.replay import ReplayBuffer
from .config import PlaneConfig
from .curves import HALF_WIDTH

# A chain samples from exp(−E), for noise² = 2 · step; no step is longer than step · clip = 0.12.
STEP, NOISE, CLIP = 0.0008, 0.04, 150.0


class PlaneEnergy(nn.Sequential):
    """Three hidden layers from x (..., 2) to E (..., 1)."""

    def __init__(self, hidden: int) -> None:
        super().__init__(
            nn.Linear(2, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 1),
        )

    def gradient(self, x: Tensor) -> Tensor:
        """Return ∂E/∂x (..., 2), which training does not differentiate."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(self(x).sum(), x)[0]


class PlaneLearner(nn.Module):
    """The energy, the chains on it, and where they go on."""

    def __init__(self, config: PlaneConfig) -> None:
        super().__init__()
        self.energy = PlaneEnergy(config.hidden)
        steps = {'point': StepRange(STEP, STEP, CLIP)}
        # Nothing tells which step sizes are better: the likelihood does not see the chains.
        self.sampler = Langevin(config.chain_steps, steps).requires_grad_(False)
        self.buffer = ReplayBuffer(anywhere(config.buffer))

    @torch.no_grad()
    def sample(self, number: int) -> Tensor:
        """Return the ends (number, 2) of chains that go on from the buffer, and keep them there."""
        start, places = self.buffer.draw(anywhere(number).to(self.buffer.samples))
        ends = self.sampler.chain('point', start, self.energy.gradient, NOISE)
        self.buffer.put(places, ends)
        return ends


def anywhere(number: int) -> Tensor:
    """Return points (number, 2) drawn evenly from the square."""
    return HALF_WIDTH * (2 * torch.rand(number, 2) - 1)


def load_plane(directory: Path | str) -> tuple[PlaneLearner, dict]:
    """Load a model's directory, and return it with its card; ModelError says what is wrong."""
    files = read_model(directory)
    learner = PlaneLearner(files.config(PlaneConfig))
    files.load_into(learner)
    return learner.eval(), files.card
