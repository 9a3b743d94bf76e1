# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who is told by a relation: whoever leads all others by it, as the closest to the cross does.

What one entity has and no other has, a sum over those who take part (eq. 4) cannot weigh: it does
not see the others. So an argument code may be a relation instead, and its energy is

    E(x, m) = ‖m − m*(x)‖²

for gates m of 0 and 1. m*(x) are the movable entities, the anchor, if there is one, and of all
others those who lead by

    − s ‖p − (α a + β r + o)‖ + u · p + t (r − a) / ‖r − a‖ · p + e d(p) − c ‖p − p̄‖

of their places p: the actor's is a, the anchor's r, the others' middle p̄, and d(p) is how far away
the nearest of them is. The anchor is told by what it looks like, and so may be who can lead. The
coefficients are part of the code. Demonstrations decide between a relation, the simplest that makes
those leaders who were meant, and what they look like, which is the network's (`leading`).

In still scenes m* may also be all that look alike (`still_scenes`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..world.scene import MOVABLE, POSITION
from .looks import SAME_LOOKS, SIZE_OF_LOOKS, Looks

_ABSENT = 1e6  # how far behind is who cannot lead
_NEVER_NEAR = 2.0  # particle units: how far the nearest other is where there is none


class Way(NamedTuple):
    """The coefficients of what is led by, (...) each: see the text above."""

    s: Tensor
    actor: Tensor
    anchor: Tensor
    offset_x: Tensor
    offset_y: Tensor
    along_x: Tensor
    along_y: Tensor
    towards_anchor: Tensor
    apart: Tensor
    middle: Tensor

    @property
    def offset(self) -> Tensor:
        return torch.stack((self.offset_x, self.offset_y), -1)

    @property
    def along(self) -> Tensor:
        return torch.stack((self.along_x, self.along_y), -1)


SIZE_OF_WAY = len(Way._fields)
# Whether it is a relation, and how many lead; or that all are meant who look alike, and how alike.
_ALIKE, _IS_ALIKE = 2.0, 1.5
SIZE = 2 + SIZE_OF_WAY + 2 * SIZE_OF_LOOKS


def way_of(code: Tensor) -> Way:
    """Return the way that a part (..., SIZE_OF_WAY) of a code says."""
    return Way(*code.unbind(-1))


def lead(way: Way, place: Tensor, can: Tensor, actor: Tensor, anchor: Tensor) -> Tensor:
    """Return by how much entities lead, (..., N); who cannot is far behind.

    place: (..., N, 2); can: (..., N) bool; actor, anchor: (..., 2); of the way (...), which may
    have more leading axes.
    """
    goal = way.actor.unsqueeze(-1) * actor + way.anchor.unsqueeze(-1) * anchor + way.offset
    ahead = -way.s.unsqueeze(-1) * (place - goal.unsqueeze(-2)).norm(dim=-1)
    to_anchor = torch.nn.functional.normalize(anchor - actor, dim=-1)
    along = way.along + way.towards_anchor.unsqueeze(-1) * to_anchor
    ahead = ahead + (place * along.unsqueeze(-2)).sum(-1)
    nearest, from_middle = _among_others(place, can)
    ahead = ahead + way.apart.unsqueeze(-1) * nearest - way.middle.unsqueeze(-1) * from_middle
    return torch.where(can, ahead, -_ABSENT)


def _among_others(place: Tensor, can: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far from the nearest other that can lead, and from their middle, (..., N) each."""
    n = place.shape[-2]
    off = torch.cdist(place, place) + torch.where(can, 0.0, _NEVER_NEAR).unsqueeze(-2)
    off = off + _NEVER_NEAR * torch.eye(n, device=place.device)
    some = can.unsqueeze(-1).to(place)
    middle = (place * some).sum(-2, keepdim=True) / some.sum(-2, keepdim=True).clamp_min(1)
    return off.amin(-1).clamp_max(_NEVER_NEAR), (place - middle).norm(dim=-1)


def alike_code(looks: Looks, bound: Tensor) -> Tensor:
    """Return codes (..., SIZE) of all whose looks are less than bound (...) off these."""
    head = torch.stack((torch.full_like(bound, _ALIKE), bound), -1)
    nothing = torch.zeros_like(bound).unsqueeze(-1)
    way, anchor = (nothing.expand(*bound.shape, n) for n in (SIZE_OF_WAY, SIZE_OF_LOOKS))
    return torch.cat((head, way, anchor, looks.code().squeeze(-2)), -1)


class Leaders(nn.Module):
    """Relations as a part of codes: who leads by them, or who looks alike.

    columns: where in a code its part stands; `first` is the first of them.
    """

    def __init__(self, first: int = 0) -> None:
        super().__init__()
        self.columns = slice(first, first + SIZE)
        # Weights that know relations are others than those that do not: codes of one are none of
        # the other.
        self.register_buffer('size', torch.tensor(float(SIZE)))

    def is_relation(self, w: Tensor) -> Tensor:
        """Tell (B,) which codes (B, D) are relations, or of all that look alike."""
        return w[:, self.columns.start] > 0.5

    def masks(self, x: Tensor, present: Tensor, w: Tensor) -> Tensor:
        """Return m* (B, N) of states x (B, N, F); present: (B, N) 0/1; w: codes (B, D).

        Of codes that are no relations it says nothing.
        """
        code = w[:, self.columns]
        here = present > 0.5
        place, movable = x[..., POSITION], here & (x[..., MOVABLE] > 0.5)
        way, of_anchor, of_who = code[:, 2:].split((SIZE_OF_WAY, SIZE_OF_LOOKS, SIZE_OF_LOOKS), -1)
        stays = here & ~movable
        anchor_looks = Looks.of(of_anchor)
        has_anchor = (anchor_looks.by_colour + anchor_looks.by_shape) > 0.5
        is_anchor = one_of_least(anchor_looks.off(x), stays) & has_anchor.unsqueeze(-1)
        off = Looks.of(of_who).off(x)
        can = stays & ~is_anchor & (off < SAME_LOOKS)
        actor, anchor = mean_place(place, movable), mean_place(place, is_anchor)
        ahead = lead(way_of(way), place, can, actor, anchor)
        rank = ahead.argsort(-1, descending=True).argsort(-1)
        of_relation = movable | is_anchor | (can & (rank < code[:, 1:2].round()))
        alike = here & (off < code[:, 1:2])
        return torch.where(code[:, :1] > _IS_ALIKE, alike, of_relation).to(x)

    def energy(self, x: Tensor, present: Tensor, gates: Tensor, w: Tensor) -> Tensor:
        """Return E (B,) of gates (B, N); the other arguments are as above."""
        return (gates - self.masks(x, present, w)).square().sum(-1)


def mean_place(place: Tensor, some: Tensor) -> Tensor:
    """Return the mean place (..., 2) of some (..., N) bool, zero of nobody."""
    weight = some.unsqueeze(-1).to(place)
    return (place * weight).sum(-2) / weight.sum(-2).clamp_min(1)


def one_of_least(value: Tensor, some: Tensor) -> Tensor:
    """Return (..., N) bool: the one of least value among some (..., N), nobody of nobody."""
    best = value.masked_fill(~some, torch.inf).argmin(-1, keepdim=True)
    return torch.zeros_like(some).scatter(-1, best, True) & some
