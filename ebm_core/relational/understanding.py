# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Knowing what it does not know: whether the energy understands what demonstrations show.

The code is inferred from all demonstrations but one, and the one left out is judged: by how much
its action is more likely under the code than states drawn anywhere are (eq. 1, 12),

    score = mean over demonstrations of  −E(x) − log mean_x̃ exp(−E(x̃)).

Where nothing consistent is shown, a code from the others says nothing about the one left out and
the score is around zero or below. Where a curve or a region explains all of them, what counts is
its evidence for each, in nats as well, if that is more: an area says little of where one is in it,
but its edge is no chance. Demonstrations that change nothing are judged by their attention
in the same way. A demonstration is what its keyframes say, however many states it has.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..world.scene import COLOUR, MOVABLE, POSITION, Demonstration
from .affine import Affine, joined
from .energy import Energy
from .explanations import explained
from .sampler import Sampler
from .sight import changes_colour, noise_seen, settled
from .state_energy import StateEnergy

ALTERNATIVES = 128
# In more dimensions than a colour has, no number covers the space, nor is it needed.
_FEW_ALTERNATIVES, _FEW_DIMENSIONS = 48, 3
# What a demonstration can add to the score, and take from it. No one of them outvotes all others;
# where two contradict the other three, the three do not outvote the two: 3 · 4 − 2 · 6 is nothing.
BOUNDS = (-6.0, 4.0)
# Energies 0.1 and 0.005 particle units from the place that a map says.
_ELSEWHERE, _THERE = 0.2, 5e-4
_PAIRS_AT_ONCE = 4096  # of entities that the network sees: what caches hold, and memory is bounded


@torch.no_grad()
def understanding(
    energy: Energy,
    sampler: Sampler,
    demonstrations: Sequence[Demonstration],
    seed: int = 0,
    *,
    in_time: bool = True,
    roles: Sequence[np.ndarray] | None = None,
) -> float:
    """Return the score of demonstrations of one concept; more is better, zero is nothing.

    One demonstration is judged by the code that it gave itself. in_time: whether the way counts
    where the ends do not tell what happened. roles: (N,) of each demonstration; None: all
    references play the same.
    """
    generator = torch.Generator().manual_seed(seed)
    alike: dict[_Kind, list[int]] = defaultdict(list)
    shown = [
        _participants(demonstration, in_time, None if roles is None else roles[i], energy)
        for i, demonstration in enumerate(demonstrations)
    ]
    for index, (states, _) in enumerate(shown):
        alike[_kind(states)].append(index)
    groups = {
        kind: tuple(torch.stack(parts) for parts in zip(*(shown[i] for i in some), strict=True))
        for kind, some in alike.items()
    }
    affine = joined([_affine(energy, *group) for group in groups.values()])
    number = len(demonstrations)
    others = torch.tensor([[j for j in range(number) if j != i] or [i] for i in range(number)])
    of_others = affine.each(lambda part: part[others])
    seen = noise_seen(demonstrations).expand(number)
    codes = sampler.infer_code(energy, of_others, generator=generator, seen=seen)
    of_all = -math.inf
    if len(groups) == 1:
        (group,) = groups.values()
        codes, _ = _with_curves(energy, codes, *(part[others] for part in group), seen)
        code = sampler.infer_code(
            energy, affine.each(lambda part: part[None]), generator=generator, seen=seen[:1]
        )
        _, evidence = _with_curves(energy, code, *(part[None] for part in group), seen[:1])
        of_all = float(evidence) / number
    exact = _are_exact_maps(energy, of_others, codes)
    terms, own = [], []
    for kind, some in alike.items():
        w, codes = codes[: len(some)], codes[len(some) :]
        if kind.changes is None:
            energies = torch.cat(
                [
                    _energies_of_attention(energy, demonstrations[i], code[None], generator)
                    for i, code in zip(some, w, strict=True)
                ]
            )
        else:
            energies = _energies_of_states(energy, *groups[kind], kind, w, generator)
        share = torch.logsumexp(-energies[:, 1:], 1) - math.log(energies.shape[1] - 1)
        terms.append((-energies[:, 0] - share).clamp(*BOUNDS))
        own.append(energies[:, 0])
    score = max(float(torch.cat(terms).mean()), min(of_all, BOUNDS[1]))
    # Where the others say a place exactly and one is not there, whatever explains all is chance.
    return min(score, 0.0) if (exact & (torch.cat(own) > _ELSEWHERE)).any() else score


def _are_exact_maps(energy: Energy, affine: Affine, codes: Tensor) -> Tensor:
    """Tell (C,) which codes are maps that all of their own demonstrations (C, M, …) follow."""
    if energy.maps is None:
        return torch.zeros(len(codes), dtype=torch.bool)
    off = energy.energy_of_affine(affine, codes.unsqueeze(1)).amax(1)
    return (codes[:, energy.maps.columns.start] > 0.5) & (off < _THERE)


def _with_curves(
    energy: Energy, codes: Tensor, states: Tensor, roles: Tensor, seen: Tensor
) -> tuple[Tensor, Tensor]:
    """Return `explained` of states (C, M, 2, P, F) of those who take part alone."""
    return explained(energy, codes, states, torch.ones_like(states[:, :, 0, :, 0]), roles, seen)


class _Kind(NamedTuple):
    """What demonstrations that are judged at once have in common.

    shape: of their states. movers: how many of the participants, which come first, can act.
    changes: what of the movers does, 'colour' or 'position'; None where nothing does.
    """

    shape: torch.Size
    movers: int
    changes: str | None


def _kind(states: Tensor) -> _Kind:
    changed = (states[1:] != states[:1]).any(0).any(0)
    movers = int((states[0, :, MOVABLE] > 0.5).sum())
    if not changed.any():
        return _Kind(states.shape, movers, None)
    is_colour = changed[COLOUR].any() and bool(changes_colour(states[None, None], movers))
    return _Kind(states.shape, movers, 'colour' if is_colour else 'position')


def _participants(
    demonstration: Demonstration, in_time: bool, roles: np.ndarray | None, energy: Energy
) -> tuple[Tensor, Tensor]:
    """Return states (T + 1, P, F) and roles (P, R) of those who take part, movers first."""
    part = demonstration.before.participants(demonstration.attention)
    judged = settled(demonstration.judged(in_time=in_time))
    states = torch.from_numpy(np.stack([state.features()[part] for state in judged]))
    if roles is None:
        roles = (~demonstration.before.movable).astype(np.int8)
    return states, energy.inputs.one_hot(roles[part])


def _affine(energy: Energy, states: Tensor, roles: Tensor) -> Affine:
    """Return the residuals (B, …) of demonstrated states (B, T + 1, P, F)."""
    x = energy.inputs(states[:, 1:], states[:, 0], roles)
    return energy.affine(x, torch.ones_like(states[:, 0, :, 0]))


def _energies_of_states(
    energy: Energy,
    states: Tensor,
    roles: Tensor,
    kind: _Kind,
    w: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Return E (B, 1 + alternatives) of what was done, and of what the movers might have done.

    states: (B, T + 1, P, F), of demonstrations of a kind; roles: (B, P, R).
    """
    before, x = states[:, 0], states[:, 1:]
    gates = torch.ones_like(before[..., 0])
    of_states = StateEnergy(energy, before, x, gates, w, kind.movers, roles)
    moves = kind.changes == 'position'
    feature = POSITION if moves else COLOUR
    drawn = _evenly_drawn(len(x), x[0, :, : kind.movers, feature].numel(), generator)
    candidates = x.unsqueeze(1).repeat(1, 1 + drawn.shape[1], 1, 1, 1)
    acted = candidates[:, 1:, :, : kind.movers, feature]
    acted[:] = (2 * drawn - 1 if moves else drawn).view(acted.shape)
    pairs = len(x) * x.shape[1] * x.shape[2] ** 2
    few = candidates.split(max(1, _PAIRS_AT_ONCE // pairs), 1)
    return torch.cat([of_states(some) for some in few], 1)


def _evenly_drawn(number: int, dimensions: int, generator: torch.Generator) -> Tensor:
    """Return points (number, alternatives, dimensions) of [0, 1], which few cover like many."""
    seed = int(torch.randint(2**31, (), generator=generator))
    points = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=seed)
    drawn = points.draw(ALTERNATIVES if dimensions <= _FEW_DIMENSIONS else _FEW_ALTERNATIVES)
    # Each demonstration has the points shifted its own way, around the edges of the cube.
    return (drawn + torch.rand((number, 1, dimensions), generator=generator)) % 1.0


def _energies_of_attention(
    energy: Energy, demonstration: Demonstration, w: Tensor, generator: torch.Generator
) -> Tensor:
    """Return the same, (1, 1 + ALTERNATIVES), of whom a demonstration attends to, or might."""
    before, after = (torch.from_numpy(s.features()) for s in demonstration.judged(in_time=False))
    pairs = energy.pair_sums(energy.inputs(after[None, None], before[None]))
    true = torch.from_numpy((demonstration.attention > 0.5).astype(np.float32))[None]
    anyone = (torch.rand((ALTERNATIVES, true.shape[1]), generator=generator) < 0.5).float()
    masks = torch.cat((true, anyone))[None]
    return energy.energy_of_gates(pairs, masks, energy.with_code(w))
