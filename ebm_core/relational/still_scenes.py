# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whom still scenes mean, where looks or a relation to the others tell it better than the network.

*All that are orange*, *the one that is closest to the actor*: a sum over pairs of those who take
part does not see the others, so the network can only guess how alike is alike, and how close is
closest. Beside the network's a code then has an exact answer (`leaders`): all that look as those
do who were meant in every demonstration, or whoever leads.

Shapes: C codes, M demonstrations, N entities, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..world.scene import COLOUR, MOVABLE, POSITION
from .energy import Energy
from .leaders import alike_code
from .leading import infer_relation
from .looks import (
    BY_BOTH,
    BY_COLOUR,
    BY_SHAPE,
    CLEARLY,
    SAME_LOOKS,
    SURE,
    likelihood_of_looks,
    mean_looks,
)
from .mask_energies import MaskEnergies
from .mask_search import energies_around

_RECURS = 3.0  # nats: that those who were meant look alike each time would be such a chance
_LEAST_ALIKE = 0.15  # in RGB: who is nearer than this is always taken for the same
_LITTLE = 1e-6
_LOOKS = (BY_COLOUR, BY_SHAPE, BY_BOTH)


@torch.no_grad()
def with_whom(
    energy: Energy,
    codes: Tensor,
    states: Tensor,
    attention: Tensor,
    present: Tensor,
    roles: Tensor | None,
) -> Tensor:
    """Return action codes (C, D) with whom M demonstrations mean, where nobody moves.

    states: x⁰ and xᵀ (C, M, 2, N, F); attention, present: (C, M, N) of 0 and 1; roles: (C, M, N, R)
    or None.
    """
    if energy.leaders is None or not len(states):
        return codes
    moved = (states[:, :, 0, :, POSITION] - states[:, :, 1, :, POSITION]).abs().amax((1, 2, 3))
    asked = moved < _LITTLE
    if not asked.any():
        return codes
    out, columns = codes.clone(), energy.leaders.columns
    rows = asked.nonzero().squeeze(1)
    roles = None if roles is None else roles[rows]
    shown = (states[rows], attention[rows], present[rows])
    alike, is_alike = _alike(*shown)
    is_still = (shown[0][:, :, 0] - shown[0][:, :, 1]).abs().amax((1, 2, 3)) < _LITTLE
    relation, leads = infer_relation(shown[0][:, :, 1], *shown[1:])
    leads &= is_still & ~is_alike
    if energy.curves is not None:
        leads &= ~energy.curves.are_in(codes[rows])
    if leads.any():
        some = leads.nonzero().squeeze(1)
        of_some = (part[some] for part in shown)
        sure = _likelihood_of_network(
            energy, codes[rows][some], *of_some, None if roles is None else roles[some]
        )
        leads[some] = sure < -SURE
    code = torch.where(is_alike.unsqueeze(-1), alike, relation)
    code = pad(code, (columns.start, codes.shape[-1] - columns.stop))
    out[rows] = codes[rows] + code * (is_alike | leads).unsqueeze(-1)
    return out


def _alike(states: Tensor, attention: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) of all that look alike, and whether (C,) those are meant.

    Of whoever changes colour it is what it came to be, and others may have been that before. As
    many each time, or who moves in each, may be meant for what they are to one another.
    """
    x, meant, here = states[:, :, 1], attention > 0.5, present > 0.5
    others = here & ~meant
    changed = (states[:, :, 0, :, COLOUR] - x[..., COLOUR]).abs().amax((2, 3)) > _LITTLE
    is_change = changed.all(1)
    told, recurs = likelihood_of_looks(x, meant, others, *_LOOKS)  # (3, C)
    which = (recurs + torch.where(is_change, 0.0, told)).argmax(0)
    counts = x.new_tensor(_LOOKS)[which]
    looks = mean_looks(x.flatten(1, 2).unsqueeze(1), meant.flatten(1, 2).unsqueeze(1))
    looks = looks.by(counts[:, :1], counts[:, 1:])
    off = looks.off(x.flatten(1, 2).unsqueeze(1)).squeeze(1)  # (C, M · N)
    farthest = off.masked_fill(~meant.flatten(1), 0.0).amax(-1)
    is_other = others.flatten(1) & ~(is_change.unsqueeze(-1) & (off <= farthest.unsqueeze(-1)))
    nearest = off.masked_fill(~is_other, 2 * SAME_LOOKS).amin(-1)
    bound = ((farthest + nearest) / 2).clamp(_LEAST_ALIKE, SAME_LOOKS)
    number = meant.sum(-1)
    varies = (number != number[:, :1]).any(-1)
    movers = (x[..., MOVABLE] > 0.5) & meant
    is_one = (number == 1).all(-1) & ~movers.any(-1).all(-1)
    row = torch.arange(len(x), device=x.device)
    tells = torch.where(is_change, (number == 1).all(-1), nearest - farthest > CLEARLY)
    found = (recurs[which, row] > _RECURS) & tells & (is_change | varies | is_one)
    found &= (farthest < SAME_LOOKS) & (is_change | ~changed.any(1))
    return alike_code(looks, bound), found


def _likelihood_of_network(
    energy: Energy,
    codes: Tensor,
    states: Tensor,
    attention: Tensor,
    present: Tensor,
    roles: Tensor | None,
) -> Tensor:
    """Return log p(a | x, w) (C,) of all demonstrations, among attentions near to each."""
    x = energy.inputs(states[:, :, 1:], states[:, :, 0], roles).flatten(0, 1)
    last = energy.with_code(codes.repeat_interleave(states.shape[1], 0))
    each = (part.flatten(0, 1) for part in (present, attention))
    own, around = energies_around(MaskEnergies(energy, x, last), *each)
    every = torch.cat((own.unsqueeze(1), around), 1)
    return (-own - torch.logsumexp(-every, 1)).unflatten(0, states.shape[:2]).sum(1)
