# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts composed: energies add, with weights, and the sum is descended as one.

The paper leaves this for the future (section 6). A satisfied concept has (nearly) no energy, so
where concepts have a joint solution the sum has its least there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..world.scene import PLANE_HALF_WIDTH, POSITION
from .energy import Energy
from .sampler import Sampler, starts, variable_of
from .state_energy import StateEnergy

STARTS = 24  # chains, one from x⁰ and the others from anywhere in the plane
DESCENT_STEPS = 60
# Where one entity moves to one place, its energy is looked up at so many places a side instead, and
# the best of them that are no neighbours are where descent begins, and others all over the plane:
# along a valley, what tells one place from another is too little to be descended by.
PLACES, BEST_PLACES, SPREAD_PLACES = 33, 8, 7
_PLACES_AT_ONCE = 99  # what caches hold
# What is exact in codes, maps and curves, is right to 0.03 units and less, and the network's energy
# is of another scale: where the two are compared, exact residuals count so many times. Then the
# network is to choose among the places that they leave.
EXACT = 10.0
# In sums, residuals that only tell which place of a curve it is count so little: who shows a line
# goes straight up to it, and where more is asked for, that is another of its places.
NEAREST = 0.03
_FIRST_LENGTH = 0.05  # of a descent step, particle units


class Term(NamedTuple):
    """One of several energies: its weight, and of which entities it is, by number."""

    weight: float
    energy: StateEnergy
    who: Tensor


class Composition:
    """A weighted sum of energies of the same states; stands in for a `StateEnergy`."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)

    def __call__(self, states: Tensor) -> Tensor:
        """Return E (B, M) of candidates (B, M, T, P, F)."""
        return sum(term.weight * term.energy(states[..., term.who, :]) for term in self.terms)

    def value_and_gradient(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Return E (B, M) and ∂E/∂states (B, M, T, P, F)."""
        value, gradient = torch.zeros_like(states[:, :, 0, 0, 0]), torch.zeros_like(states)
        for weight, energy, who in self.terms:
            of_term, by_those = energy.value_and_gradient(states[..., who, :])
            value += weight * of_term
            gradient[..., who, :] += weight * by_those
        return value, gradient


def weighed(energy: Energy, w: Tensor, *, in_sum: bool) -> Tensor:
    """Return action codes (B, D) whose energies can be compared: with a goal margin, or in_sum."""
    if energy.maps is None:
        return w
    w = w.clone()
    if in_sum:  # by itself, a map has no minimum but its own
        w[:, energy.maps.columns] *= EXACT
    if energy.curves is not None:
        # The network's residuals beside a curve were made small for its sake.
        w[:, : energy.network_code + 1] *= torch.where(energy.curves.are_in(w), EXACT, 1.0)[:, None]
        energy.curves.weigh(w, EXACT, NEAREST if in_sum else EXACT)
    return w


@torch.no_grad()
def generate(
    sampler: Sampler,
    energy: Composition | StateEnergy,
    states: Tensor,
    mutable: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the states (B, T, P, F) of least energy that a search and a descent find.

    A sum of energies is not what the sampler's K steps were trained on: chains from STARTS, or for
    one place of one entity a look at all of the plane, bring near, and a descent with a length that
    adapts arrives. states: (B, T, P, F), x⁰; mutable: (B, P, F).
    """
    if variable_of(mutable, states.shape[1]) == 'position':
        ends = _best_places(energy, states)
    else:
        ends = sampler.generate(energy, starts(states, mutable, STARTS, generator), mutable)[-1]
    end = descend(energy, ends, mutable[:, None, None])
    best = energy(end).argmin(1)
    return end[torch.arange(len(end), device=end.device), best]


def _best_places(energy: Composition | StateEnergy, states: Tensor) -> Tensor:
    """Return states (B, M, 1, P, F) with the first entity where the energy is low, or anywhere.

    They are the lowest of those places that are no higher than any neighbour's, and SPREAD_PLACES a
    side, evenly.
    """
    axis = torch.linspace(-PLANE_HALF_WIDTH, PLANE_HALF_WIDTH, PLACES, device=states.device)
    places = torch.cartesian_prod(axis, axis)
    at_each = []
    for some in places.split(_PLACES_AT_ONCE):
        moved = states.unsqueeze(1).repeat(1, len(some), 1, 1, 1)
        moved[:, :, 0, 0, POSITION] = some
        at_each.append(energy(moved))
    value = torch.cat(at_each, 1).unflatten(1, (1, PLACES, PLACES))
    least_around = -torch.nn.functional.max_pool2d(-value, 3, stride=1, padding=1)
    minima = torch.where(value <= least_around, value, torch.inf).flatten(1)
    lowest = places[minima.topk(BEST_PLACES, 1, largest=False).indices]
    spread = torch.linspace(0, PLACES - 1, SPREAD_PLACES + 2, device=axis.device)[1:-1].long()
    anywhere = torch.cartesian_prod(axis[spread], axis[spread]).expand(len(states), -1, -1)
    some = torch.cat((lowest, anywhere), 1)
    best = states.unsqueeze(1).repeat(1, some.shape[1], 1, 1, 1)
    best[:, :, 0, 0, POSITION] = some
    return best


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
