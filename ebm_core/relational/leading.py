# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which relation demonstrations show, if they show one: what tells whom they mean.

Every explanation, by looks or by a relation, gives everybody a lead, and is as likely as it makes
those who were meant lead the others; what it costs to say it is taken off, so that the simplest
explanation counts among those that fit. Of looks nothing is kept: they are the network's.

Shapes: C codes, M demonstrations, N entities, V choices of anchor and of who can lead, W ways.
"""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from ..world.scene import MOVABLE, POSITION
from .kept import kept
from .leaders import SIZE, Way, lead, mean_place, one_of_least, way_of
from .looks import (
    BY_BOTH,
    BY_COLOUR,
    BY_SHAPE,
    SAME_LOOKS,
    SIZE_OF_LOOKS,
    SURE,
    likelihood,
    likelihood_of_looks,
    mean_looks,
)

# Nats.
_FILTERED = 3.0  # what it costs to say that only who looks the same can lead
_IDLE_ANCHOR = 2.0  # the same, that an anchor has no part in it
_ANCHORS = 2  # of those who were meant first, so many are tried as the anchor
_AT_ONCE = 16  # codes
_DIRECTIONS, _PLACES = 24, 9
# Shares of what is said: to lie farthest north, or closest to somebody; simple things beside it;
# any direction; any place.
_SHARES = (0.6, 0.25, 0.1, 0.05)
_SIMPLEST = 8  # ways


class Shown(NamedTuple):
    """What demonstrations show of entities; (C, M, N) bool but for the inputs x (C, M, N, I).

    told: who was meant, but for those that move. stays: who does not move, and might be meant.
    movable: who can move.
    """

    x: Tensor
    told: Tensor
    stays: Tensor
    movable: Tensor


@torch.no_grad()
def infer_relation(x: Tensor, attention: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) of relations, and whether (C,) one tells who has attention.

    x: (C, M, N, F) states of M demonstrations; attention, present: (C, M, N) of 0 and 1.
    """
    here, meant = present > 0.5, attention > 0.5
    movable = here & (x[..., MOVABLE] > 0.5)
    shown = Shown(x, meant & ~movable, here & ~movable, movable)
    number = shown.told.sum(-1)
    asked = (movable.any(-1) & (movable == (movable & meant)).all(-1)).all(-1)
    asked &= (number > 0).all(-1) & (number == number[:, :1]).all(-1)
    code = x.new_zeros(len(x), SIZE)
    found = torch.zeros_like(asked)
    others = shown.stays & ~shown.told
    told, recurs = likelihood_of_looks(x, shown.told, others, BY_COLOUR, BY_SHAPE, BY_BOTH)
    by_looks = (told + recurs).amax(0)
    # What a relation of one entity can be worth at most: that it looks the same in all of them.
    least_cost = math.log(_SIMPLEST / _SHARES[0])
    at_most = (recurs[:2].amax(0) - _FILTERED).clamp_min(0) - least_cost
    asked &= (told.amax(0) < -SURE) & ((number[:, 0] > 1) | (by_looks < at_most))
    if not asked.any():  # an empty tensor would be split into an empty one
        return code, found
    for few in asked.nonzero().squeeze(1).split(_AT_ONCE):
        code[few], value = _relation(Shown(*(part[few] for part in shown)))
        found[few] = value > by_looks[few]
    return code, found


def _relation(shown: Shown) -> tuple[Tensor, Tensor]:
    """Return the best codes (C, SIZE), and how likely (C,) they make who was meant."""
    ways, cost = _ways(shown.x.device)
    anchors, is_anchor, of_anchor = _anchors(shown)
    filters, may_lead, of_filter = _filters(shown, is_anchor)
    place = shown.x[..., POSITION]
    can = shown.stays.unsqueeze(1) & ~is_anchor & may_lead  # (C, V, M, N)
    told = shown.told.unsqueeze(1) & ~is_anchor
    actor = mean_place(place, shown.movable)[:, None, :, None]
    anchor = mean_place(place.unsqueeze(1), is_anchor).unsqueeze(-2)
    ahead = lead(ways, place[:, None, :, None], can.unsqueeze(-2), actor, anchor)
    likely = likelihood(ahead, told.unsqueeze(-2), (can & ~told).unsqueeze(-2))  # (C, V, M, W)
    is_told = told.any(-1).all(-1) & (told <= can).all(-1).all(-1)
    asks_anchor = (ways.anchor != 0) | (ways.towards_anchor != 0)
    has_anchor = is_anchor.any(-1).all(-1).unsqueeze(-1)
    value = likely.sum(2) - cost + (anchors + filters).unsqueeze(-1)
    value = value - _IDLE_ANCHOR * (has_anchor & ~asks_anchor)
    allowed = is_told.unsqueeze(-1) & (has_anchor | ~asks_anchor)
    best, which = value.masked_fill(~allowed, -torch.inf).flatten(1).max(1)
    v, w = which // len(cost), which % len(cost)
    row = torch.arange(len(v), device=v.device)
    head = torch.stack((torch.ones_like(best), told[row, v].sum(-1)[:, 0].to(best)), 1)
    code = torch.cat((head, torch.stack(ways, -1)[w], of_anchor[row, v], of_filter[row, v]), 1)
    return code, best


def _anchors(shown: Shown) -> tuple[Tensor, Tensor, Tensor]:
    """Return choices of anchors: how likely (C, V) each is, who is one (C, V, M, N), its looks.

    The first choice is that there is none. Each is taken three times, once for each of `_filters`.
    """
    c, _, n = shown.told.shape
    none = shown.x.new_zeros(c)
    likely, masks = [none], [torch.zeros_like(shown.told)]
    looks = [shown.x.new_zeros(c, SIZE_OF_LOOKS)]
    order = shown.told[:, 0].to(torch.int8).argsort(dim=-1, descending=True, stable=True)
    is_several = (shown.told.sum(-1) > 1).all(-1)
    choices = product(range(min(_ANCHORS, n)), (BY_COLOUR, BY_SHAPE)) if is_several.any() else ()
    for j, counts in choices:
        first = torch.zeros_like(shown.told).scatter(-1, order[:, None, j : j + 1], True)
        first[:, 1:] = False
        is_anchor = one_of_least(
            mean_looks(shown.x, first & shown.told).by(*counts).off(shown.x), shown.told
        )
        (is_told,), (recurs,) = likelihood_of_looks(
            shown.x, is_anchor, shown.stays & ~is_anchor, counts
        )
        any_of = (shown.x.shape[1] - 1) * shown.told.sum(-1)[:, 0].clamp_min(1).log()
        likely.append(torch.where(is_several, is_told + recurs - any_of, -torch.inf))
        masks.append(is_anchor)
        looks.append(mean_looks(shown.x, is_anchor).by(*counts).code()[:, 0])
    parts = (torch.stack(part, 1) for part in (likely, masks, looks))
    return tuple(part.repeat_interleave(3, 1) for part in parts)  # type: ignore[return-value]


def _filters(shown: Shown, is_anchor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return who can lead, (C, V, M, N): anybody, or who looks like those who lead.

    Beside it how likely (C, V) it is, and its looks (C, V, SIZE_OF_LOOKS).
    """
    told = shown.told.unsqueeze(1) & ~is_anchor
    x = shown.x.unsqueeze(1)
    likely = x.new_zeros(told.shape[:2])
    looks = x.new_zeros(*told.shape[:2], SIZE_OF_LOOKS)
    may = torch.ones_like(told)
    for first, counts in ((1, BY_COLOUR), (2, BY_SHAPE)):
        some = told[:, first::3]
        alike = mean_looks(x, some).by(*counts)
        may[:, first::3] = alike.off(x) < SAME_LOOKS
        looks[:, first::3] = alike.code()[:, :, 0]
        _, (recurs,) = likelihood_of_looks(x, some, ~some, counts)
        likely[:, first::3] = recurs - _FILTERED
    return likely, may, looks


@kept
def _ways(device: torch.device) -> tuple[Way, Tensor]:
    """Return the ways (W,) that are tried, and what it costs to say which, in nats.

    The simplest cost the least: what needs no number, then directions and places.
    """

    def named(**coefficients: float) -> list[float]:
        return [coefficients.get(name, 0.0) for name in Way._fields]

    def in_direction(of: int) -> list[float]:
        angle = 2 * math.pi * of / _DIRECTIONS
        return named(along_x=math.cos(angle), along_y=math.sin(angle))

    usual = [in_direction(of) for of in range(0, _DIRECTIONS, _DIRECTIONS // 4)]
    beside = []
    for sign in (1.0, -1.0):
        usual += [named(s=sign, actor=1.0), named(s=sign, anchor=1.0)]
        beside += [
            named(s=sign, actor=0.5, anchor=0.5),
            named(s=sign),
            named(towards_anchor=sign),
            named(apart=sign),
            named(middle=sign),
        ]
    line = torch.linspace(-1, 1, _PLACES).tolist()
    directions = [in_direction(of) for of in range(_DIRECTIONS)]
    places = [
        named(s=sign, offset_x=x, offset_y=y) for sign, x, y in product((1.0, -1.0), line, line)
    ]
    assert len(usual) == _SIMPLEST
    groups = list(zip((usual, beside, directions, places), _SHARES, strict=True))
    cost = [math.log(len(group) / share) for group, share in groups for _ in group]
    ways = torch.tensor([way for group, _ in groups for way in group], device=device)
    return way_of(ways), torch.tensor(cost, device=device)
