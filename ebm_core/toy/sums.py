# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sums of energies on the plane: sampled by the shared chains, and held against closed forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..sampling.langevin import Langevin, StepRange
from .curves import point_on
from .energy import CLIP, STEP, PlaneLearner, anywhere
from .quality import near

Gradient = Callable[[Tensor], Tensor]
EDGE, STEEPNESS = 0.0, 60.0  # of the half-plane x > EDGE: E = STEEPNESS · max(0, EDGE − x)
WITHIN = 0.12


class Gaussian(NamedTuple):
    """E(x) = ½ (x − mean)ᵀ P (x − mean), with mean (2,) and precision P (2, 2)."""

    mean: Tensor
    precision: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return E (..., 1) of points (..., 2)."""
        away = x - self.mean
        return 0.5 * ((away @ self.precision) * away).sum(-1, keepdim=True)

    def gradient(self, x: Tensor) -> Tensor:
        """Return ∂E/∂x (..., 2)."""
        return (x - self.mean) @ self.precision

    def times(self, other: Gaussian) -> Gaussian:
        """Return the product of both densities, up to its constant: precisions add."""
        precision = self.precision + other.precision
        weighted = self.precision @ self.mean + other.precision @ other.mean
        return Gaussian(torch.linalg.solve(precision, weighted), precision)


FIRST = Gaussian(torch.tensor([-0.5, 0.2]), torch.tensor([[25.0, 10.0], [10.0, 9.0]]))
SECOND = Gaussian(torch.tensor([0.5, 0.4]), torch.tensor([[6.0, -6.0], [-6.0, 22.0]]))


def half_plane(x: Tensor) -> Tensor:
    """Return E (..., 1) of points (..., 2): zero within the half-plane, rising outside of it."""
    return STEEPNESS * torch.relu(EDGE - x[..., :1])


def half_plane_gradient(x: Tensor) -> Tensor:
    """Return ∂E/∂x (..., 2)."""
    outside = STEEPNESS * (x[..., :1] < EDGE)
    return torch.cat((-outside, torch.zeros_like(outside)), -1)


def sum_of(*gradients: Gradient) -> Gradient:
    """Return the gradient of the energies' sum."""
    return lambda x: sum(gradient(x) for gradient in gradients)


def sample(
    gradient: Gradient, number: int, steps: int, step: float = STEP, clip: float = CLIP
) -> list[Tensor]:
    """Return the path (steps + 1) of points (number, 2) that begin anywhere in the square."""
    chain = Langevin(steps, {'point': StepRange(step, step, clip)}).requires_grad_(False)
    with torch.no_grad():
        return list(chain.path('point', anywhere(number), gradient, (2 * step) ** 0.5))


def product_of_gaussians(number: int, seed: int) -> dict:
    """Sample FIRST + SECOND, and return mean and covariance beside the closed form.

    error: the largest difference of the means, over the largest entry of the true one; and the same
    of the covariances. The step is a hundredth of the least variance, which biases by half of that.
    """
    torch.manual_seed(seed)
    truth = FIRST.times(SECOND)
    step = 0.01 / float(torch.linalg.eigvalsh(truth.precision)[-1])
    # The slowest direction forgets its start within e⁻¹⁰.
    steps = int(10 / (step * float(torch.linalg.eigvalsh(truth.precision)[0])))
    ends = sample(sum_of(FIRST.gradient, SECOND.gradient), number, steps, step, clip=1e6)[-1]
    true_covariance = torch.linalg.inv(truth.precision)
    mean, covariance = ends.mean(0), torch.cov(ends.T)
    return {
        'samples': number,
        'steps': steps,
        'mean': mean.tolist(),
        'true mean': truth.mean.tolist(),
        'mean error': float((mean - truth.mean).abs().max() / truth.mean.abs().max()),
        'covariance': covariance.tolist(),
        'true covariance': true_covariance.tolist(),
        'covariance error': float(
            (covariance - true_covariance).abs().max() / true_covariance.abs().max()
        ),
    }


def cut_spiral(learner: PlaneLearner, number: int, steps: int, seed: int) -> dict:
    """Sample the spiral's energy plus the half-plane's, and return how well it is the cut spiral.

    The cut spiral: its points with x > EDGE. found: the share of its stretches, of 60 even ones
    of the whole spiral, that a sample is near.
    """
    torch.manual_seed(seed)
    ends = sample(sum_of(learner.energy.gradient, half_plane_gradient), number, steps)[-1]
    whole = sample(learner.energy.gradient, number, steps)[-1]
    stretches = point_on('spiral', (np.arange(60) + 0.5) / 60)
    kept = torch.from_numpy(stretches[stretches[:, 0] > EDGE + WITHIN].astype(np.float32))
    return {
        'samples': number,
        'steps': steps,
        'inside': float((ends[:, 0] > EDGE - 0.02).float().mean()),
        'inside without it': float((whole[:, 0] > EDGE - 0.02).float().mean()),
        'near the spiral': float(near('spiral', ends, WITHIN).mean()),
        'found': float((torch.cdist(kept, ends).min(1).values < WITHIN).float().mean()),
    }


def energies(learner: PlaneLearner) -> Mapping[str, tuple[Gradient, Gradient, float, int]]:
    """Return what is drawn, by title: energy, gradient, step and number of steps."""
    spiral = learner.energy
    both = FIRST.times(SECOND)
    return {
        'first Gaussian': (FIRST, FIRST.gradient, 5e-4, 300),
        'second Gaussian': (SECOND, SECOND.gradient, 5e-4, 300),
        'their sum': (both, sum_of(FIRST.gradient, SECOND.gradient), 5e-4, 300),
        'spiral': (spiral, spiral.gradient, STEP, 150),
        'half-plane': (half_plane, half_plane_gradient, STEP, 150),
        'sum: the cut spiral': (
            lambda x: spiral(x) + half_plane(x),
            sum_of(spiral.gradient, half_plane_gradient),
            STEP,
            150,
        ),
    }
