# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts composed: energies add, with weights, and the sum is descended as one.

The paper leaves this for the future (section 6). A satisfied concept has (nearly) no energy, so
where concepts have a joint solution the sum has its least there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .sampler import Sampler, starts
from .state_energy import StateEnergy

STARTS = 24  # chains, one from x⁰ and the others from anywhere in the plane
DESCENT_STEPS = 60
_FIRST_LENGTH = 0.05  # of a descent step, particle units


class Composition:
    """A weighted sum of energies of the same states; stands in for a `StateEnergy`."""

    def __init__(self, terms: Sequence[tuple[float, StateEnergy]]) -> None:
        self.terms = tuple(terms)

    def __call__(self, states: Tensor) -> Tensor:
        """Return E (B, M) of candidates (B, M, T, P, F)."""
        return sum(weight * energy(states) for weight, energy in self.terms)

    def value_and_gradient(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Return E (B, M) and ∂E/∂states (B, M, T, P, F)."""
        parts = [(weight, *energy.value_and_gradient(states)) for weight, energy in self.terms]
        return sum(w * e for w, e, _ in parts), sum(w * g for w, _, g in parts)


@torch.no_grad()
def generate(
    sampler: Sampler,
    energy: Composition | StateEnergy,
    states: Tensor,
    mutable: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the states (B, T, P, F) of least energy that STARTS chains and a descent find.

    A sum of energies is not what the sampler's K steps were trained on: the chains bring near, and
    a descent with a length that adapts arrives. states: (B, T, P, F), x⁰; mutable: (B, P, F).
    """
    ends = sampler.generate(energy, starts(states, mutable, STARTS, generator), mutable)[-1]
    end = descend(energy, ends, mutable[:, None, None])
    best = energy(end).argmin(1)
    return end[torch.arange(len(end), device=end.device), best]


def descend(
    energy: Composition | StateEnergy,
    states: Tensor,
    mutable_mask: Tensor,
    steps: int = DESCENT_STEPS,
) -> Tensor:
    """Return states (B, M, T, P, F) after plain descent; mutable_mask: 1 for what may change.

    Each step is against the gradient, of a length that halves whenever the energy did not fall.
    """
    value, gradient = energy.value_and_gradient(states)
    length = torch.full((*value.shape, 1, 1, 1), _FIRST_LENGTH, device=states.device)
    for _ in range(steps):
        gradient = gradient * mutable_mask
        norm = gradient.flatten(2).norm(dim=-1)[..., None, None, None].clamp_min(1e-12)
        trial = states - length * gradient / norm
        trial_value, trial_gradient = energy.value_and_gradient(trial)
        fell = (trial_value < value)[..., None, None, None]
        states = torch.where(fell, trial, states)
        gradient = torch.where(fell, trial_gradient, gradient)
        value = torch.minimum(value, trial_value)
        length = torch.where(fell, length * 1.2, length / 2)
    return states
