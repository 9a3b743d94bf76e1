# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Knowing what it does not know: whether the energy understands what demonstrations show.

The code is inferred from all demonstrations but one, and the one left out is judged: by how much
its action is more likely under the code than states drawn anywhere are (eq. 1, 12),

    score = mean over demonstrations of  −E(x) − log mean_x̃ exp(−E(x̃)).

Where nothing consistent is shown, a code from the others says nothing about the one left out and
the score is around zero or below. Demonstrations that change nothing are judged by their attention
in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..world.scene import COLOUR, MOVABLE, POSITION, Demonstration
from .energy import Energy
from .sampler import Sampler
from .state_energy import StateEnergy

ALTERNATIVES = 256
# One demonstration cannot outvote all others: a score is a mean of terms within these bounds.
BOUNDS = (-6.0, 6.0)


@torch.no_grad()
def understanding(
    energy: Energy, sampler: Sampler, demonstrations: Sequence[Demonstration], seed: int = 0
) -> float:
    """Return the score of demonstrations of one concept; more is better, zero is nothing.

    One demonstration is judged by the code that it gave itself.
    """
    generator = torch.Generator().manual_seed(seed)
    affine = torch.stack([_affine(energy, d) for d in demonstrations])
    terms = []
    for index, demonstration in enumerate(demonstrations):
        others = [i for i in range(len(demonstrations)) if i != index] or [index]
        w = sampler.infer_code(affine[others][None], generator=generator)
        true, alternatives = _energies(energy, demonstration, w, generator)
        share = torch.logsumexp(-alternatives, 0) - np.log(len(alternatives))
        terms.append(float((-true - share).clamp(*BOUNDS)))
    return float(np.mean(terms))


def _states(demonstration: Demonstration) -> tuple[Tensor, Tensor]:
    """Return states (T + 1, P, F) and attention (P,) of those who take part, movers first."""
    part = np.flatnonzero(demonstration.attention > 0.5)
    part = part[np.argsort(~demonstration.before.movable[part], kind='stable')]
    states = np.stack([state.features()[part] for state in demonstration.states])
    return torch.from_numpy(states), torch.ones(len(part))


def _affine(energy: Energy, demonstration: Demonstration) -> Tensor:
    """Return [A | b] (R, D + 1) of the demonstrated states."""
    states, gates = _states(demonstration)
    x = energy.inputs(states[None, 1:], states[None, 0])
    return energy.affine_of_event(x, gates[None])[0]


def _energies(
    energy: Energy, demonstration: Demonstration, w: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return E () of what was demonstrated and E (ALTERNATIVES,) of what might have been."""
    states, gates = _states(demonstration)
    changed = (states[1:] != states[:1]).any(0).any(0)
    if not changed.any():
        return _mask_energies(energy, demonstration, w, generator)
    movable = states[0, :, MOVABLE] > 0.5
    movers = int(movable.sum())
    free = torch.zeros_like(states[0])
    free[:movers, COLOUR if changed[COLOUR].any() else POSITION] = 1.0
    x = states[None, 1:]
    of_states = StateEnergy(energy, states[None, 0], x, gates[None], w, movers)
    anything = torch.rand((ALTERNATIVES, *x.shape[1:]), generator=generator)
    anything[..., POSITION] = 2 * anything[..., POSITION] - 1
    candidates = torch.cat((x, x * (1 - free) + anything * free))[None]
    energies = of_states(candidates)[0]
    return energies[0], energies[1:]


def _mask_energies(
    energy: Energy, demonstration: Demonstration, w: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the same of attentions."""
    states = torch.from_numpy(np.stack([s.features() for s in demonstration.states]))[None]
    pairs = energy.pair_sums(energy.inputs(states[:, 1:], states[:, 0]))
    true = torch.from_numpy((demonstration.attention > 0.5).astype(np.float32))[None]
    anyone = (torch.rand((ALTERNATIVES, true.shape[1]), generator=generator) < 0.5).float()
    masks = torch.cat((true, anyone))[None]
    energies = energy.energy_of_gates(pairs, masks, energy.with_code(w))[0]
    return energies[0], energies[1:]
