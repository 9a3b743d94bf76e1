# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Answers y to a question x: F(x, y) of which only y is moved, and F(x, y, z) with a latent z.

The points of a curve are pairs of coordinates. Most x have several y, so the mean of all answers,
which the squared error learns, is none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..preset_recipe import PresetRecipe
from ..protocols import StepLosses
from ..sampling.langevin import Langevin, StepRange
from .config import PlanePreset, PlaneTraining, preset
from .curves import point_on
from .energy import PlaneEnergy, anywhere
from .quality import Fit, near
from .recipe import PlaneRecipe

WITHIN = 0.1  # of the curve: an answer is right
LATENTS = 4  # values of z: no more than there are answers, else z alone tells y and x nothing
CHAIN = Langevin(60, {'y': StepRange(0.02, 0.002, 20.0)}).requires_grad_(False)


class LatentAnswer(nn.Module):
    """F(x, y, z) = (y − g(x, z))², z one of a few in [−1, 1]; of one, the mean of the answers."""

    def __init__(self, hidden: int, latents: int) -> None:
        super().__init__()
        self.answer = PlaneEnergy(hidden)  # the same three layers from two inputs to one
        self.register_buffer('z', torch.linspace(-1, 1, latents) if latents > 1 else torch.zeros(1))

    def energies(self, x: Tensor, y: Tensor) -> Tensor:
        """Return F (B, Z) of pairs x, y (B, 1) for every z."""
        return (y - self(x, self.z.expand(len(x), -1))).square()

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the y (B, Z) of lowest F, for x (B, 1) and z (B, Z)."""
        return self.answer(torch.stack((x.expand_as(z), z), -1)).squeeze(-1)


@dataclass(frozen=True)
class LatentRecipe(PresetRecipe[PlanePreset, PlaneTraining]):
    """The energy of a pair is that of its best z, and is made low; z has too little room to lie."""

    latents: int = LATENTS

    @property
    def config(self) -> dict:
        """The preset, and the number of latents."""
        return {**super().config, 'latents': self.latents}

    @property
    def shown(self) -> Mapping[str, str]:
        """The energy of the data."""
        return {'F': 'energy'}

    def build(self) -> LatentAnswer:
        """Return an energy with weights at random."""
        return LatentAnswer(self.preset.model.hidden, self.latents)

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> Tensor:
        """Draw points (batch, 2) around the curve."""
        return PlaneRecipe(self.preset).draw(step, rng, device)

    def losses(self, module: LatentAnswer, batch: Tensor, step: int) -> StepLosses:
        """Return the mean over pairs of F at the best z."""
        energy = module.energies(batch[:, :1], batch[:, 1:]).min(-1).values.mean()
        return StepLosses(energy, {'energy': energy})


def descend(energy: PlaneEnergy, x: Tensor, y: Tensor, noise: float = 0.0) -> Tensor:
    """Return where chains over y (N, 1) end that keep their x (N, 1)."""
    return CHAIN.chain('y', y, lambda y: energy.gradient(torch.cat((x, y), -1))[:, 1:], noise)


def compare(fit: Fit, curve: str, seed: int, questions: int, **changes: object) -> list[dict]:
    """Train the mean, F(x, y) and F(x, y, z), and return how right and how varied they answer.

    questions: number of x; each is answered 32 times. Rows have the share of answers that lie near
    the curve, the share of the curve's own answers to these x that some answer is near, and points.
    """
    chosen = preset('conditional', seed=seed, curve=curve, **changes)
    ranked = fit(PlaneRecipe(chosen), None)
    mean = fit(LatentRecipe(chosen, latents=1), None)
    latent = fit(LatentRecipe(chosen), None)
    torch.manual_seed(seed)
    truth = point_on(curve, np.random.default_rng(seed).random(questions))
    truth = torch.from_numpy(truth.astype(np.float32))
    x = truth[:, :1].repeat_interleave(32, 0)
    with torch.no_grad():
        start = anywhere(len(x))[:, 1:]
        answers = {
            'mean of the answers': mean(x, torch.zeros_like(x)),
            'F(x, y), y descended': descend(ranked.energy, x, start),
            'F(x, y, z), z drawn': latent(x, latent.z[torch.randint(LATENTS, x.shape)]),
        }
    rows = []
    for name, y in answers.items():
        points = torch.cat((x, y), -1)
        reached = (y.view(questions, -1) - truth[:, 1:]).abs().min(1).values < WITHIN
        rows.append(
            {
                'answers by': name,
                'right': float(near(curve, points, WITHIN).mean()),
                'found': float(reached.float().mean()),
                'points': points.tolist(),
            }
        )
    return rows
