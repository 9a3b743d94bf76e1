# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a demonstration's two states tell about how exactly it was seen.

Who cannot move is seen twice in the same place, before and after. The mean of both is nearer to
where it is than either, and how much they differ is the noise of what is seen.

Shapes: C sets of M demonstrations, T + 1 states, N entities, F features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..world.scene import COLOUR, MOVABLE, POSITION, Demonstration, Scene

# Whoever differs by more was moved by somebody: particle units and RGB, per coordinate.
_NUDGED = 0.25
# The median of |x| of a normal distribution, in standard deviations; of a difference of two.
_MEDIAN = 0.6745 * 2**0.5
_COLOUR_PER_PLACE = 2.0  # RGB per particle unit, as noise is in them, per coordinate
_FEWEST = 4  # numbers, of which a noise can be told


def seen_twice(states: Tensor) -> Tensor:
    """Return states (..., T + 1, N, F) with who cannot move where it is in the mean of both.

    Of events of more than one step, nothing is changed: there references move, too.
    """
    if states.shape[-3] != 2:
        return states
    before, after = states.unbind(-3)
    off = (after - before)[..., : COLOUR.stop].abs().amax(-1, keepdim=True)
    is_one = (states[..., 0, :, MOVABLE, None] < 0.5) & (off > 0) & (off < _NUDGED)
    mean = (before + after) / 2
    one = torch.where(is_one.unsqueeze(-3), mean.unsqueeze(-3), states)
    return torch.cat((one[..., : COLOUR.stop], states[..., COLOUR.stop :]), -1)


def noise_of_places(states: Tensor, stays: Tensor) -> Tensor:
    """Return the noise (C,) of what is seen, a standard deviation in particle units.

    states: (C, M, T + 1, N, F); stays: (C, M, N) bool, who was not moved. Zero where too little
    stays for it to be told, as where nothing differs.
    """
    before, after = states[..., 0, :, POSITION], states[..., -1, :, POSITION]
    off = (after - before).abs().masked_fill(~stays.unsqueeze(-1), torch.nan)
    return _sigma(off.flatten(1))


def _sigma(off: Tensor) -> Tensor:
    """Return the standard deviation (C,) of one sight, of (C, numbers) by which two differ."""
    off = off.masked_fill(off > _NUDGED, torch.nan)
    if not off.shape[1]:
        return off.new_zeros(len(off))
    sigma = off.nanmedian(-1).values / _MEDIAN
    return torch.where((~off.isnan()).sum(-1) >= _FEWEST, sigma.nan_to_num(), 0.0)


def changes_colour(states: Tensor, movers: int = 1) -> Tensor:
    """Tell (C,) in which sets the movers' colour changes, rather than their place.

    states: (C, M, T + 1, P, F), movers first. Noise in one is less than what changes in the other.
    """
    off = (states[..., -1, :movers, :] - states[..., 0, :movers, :]).square()
    place, colour = (off[..., part].mean((-1, -2, -3)) for part in (POSITION, COLOUR))
    return colour > _COLOUR_PER_PLACE**2 * place


def settled(states: Sequence[Scene]) -> tuple[Scene, ...]:
    """Return the states of one event as `seen_twice` does."""
    if len(states) != 2 or _stand_still(*states):
        return tuple(states)
    x = torch.from_numpy(np.stack([state.features() for state in states]))
    one = seen_twice(x)
    return tuple(
        Scene(x[:, POSITION], x[:, COLOUR], state.shapes, state.movable)
        for x, state in zip(one.double().numpy(), states, strict=True)
    )


def _stand_still(before: Scene, after: Scene) -> bool:
    """Tell whether those who cannot move are the same twice."""
    stay = ~before.movable
    return all(
        np.array_equal(one[stay], other[stay])
        for one, other in ((before.positions, after.positions), (before.colours, after.colours))
    )


def noise_seen(demonstrations: Sequence[Demonstration]) -> Tensor:
    """Return the noise (1,) of what is seen in demonstrations, as `noise_of_places` does."""
    off = [np.zeros((0, 2))]
    for d in demonstrations:
        if len(d.keyframes) == 2:  # in a way through time, references move
            stays = ~(d.before.movable & (d.attention > 0.5))
            off.append(d.after.positions[stays] - d.before.positions[stays])
    return _sigma(torch.from_numpy(np.concatenate(off)).flatten().abs()[None])
