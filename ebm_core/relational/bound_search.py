# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which region demonstrations show: bounds that all of them keep, and that some of them touch.

Who is asked to be left of a line goes straight up to it, or anywhere beyond. So the bound is known
to the last digit from who went up to it: several touch it, and their ways are at right angles to
it. What is touched by chance is touched by one. Bounds are added one by one, as long as

    log Σ p(demonstration | region) / p(anywhere)  −  what it costs to say the region

grows, in nats. Half of those who show it are taken to go to its nearest place, which tells both
coordinates, and half to any, or to the nearest from there. Who began inside had no reason to move.

Shapes: C codes, M demonstrations, F features, K candidates, Q places of the plane.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from . import curves
from .bound_kinds import NUMBER, candidates, cross
from .curve_kinds import EVIDENCE
from .curves import BOUNDS, FEATURES, RESIDUALS, Context, features
from .kept import kept

_TOUCHES = 0.005  # particle units, within which a bound is touched
_STRAIGHT = 0.01  # particle units, how far off its nearest place who went there may be
_LEAST_SINE = 0.2  # between two bounds that meet in a corner
# Nats, against who began inside: a bound that none touched may have been why, but not for who came
# to an edge.
_UNKNOWN_REASON, _NO_REASON = 3.0, 20.0
# Log of how likely one is who goes to the nearest place, who only touches a bound, who is inside.
_NEAREST = math.log(0.5) + 2 * NUMBER
_AT_EDGE = math.log(0.5) + NUMBER
_INSIDE = math.log(0.5)
_WORTH = 3.0  # nats, by which one bound more has to explain more
_ONE_SIDED = 1.0  # nats, by which an edge has to be more likely than a curve
_TO_EDGE = 0.2  # what counts that all demonstrations touched the edge
_ZERO = 1.0  # nats, to say that a bound is at zero
_PLACES = 48
_LITTLE, _LEAST_SLOPE = 1e-6, 0.1
_BOUNDS = slice(curves.WHERE.stop, curves.WHERE.stop + BOUNDS)


class Seen(NamedTuple):
    """Features (C, M, 2 + Q, F), as curves see them, of end, start and places all over the plane.

    slope: (C, M, F, 2) how they change with the end.
    """

    value: Tensor
    slope: Tensor


class Region(NamedTuple):
    """bounds: (C, BOUNDS, F), zero where there are fewer. evidence: (C,) in nats.

    is_edge: (C, BOUNDS) bool, which of them all demonstrations touch. one_sided: (C, BOUNDS) nats,
    by how much that they all began beyond it speaks for a bound and not for a curve.
    """

    bounds: Tensor
    evidence: Tensor
    is_edge: Tensor
    one_sided: Tensor


class _Tried(NamedTuple):
    """What candidates are to demonstrations: touches, nearest, beyond (C, M, K) bool.

    They touch the bound, they do so in its nearest place, they began beyond it. slope: (C, M, K,
    2); holds: (C, M, Q, K) bool, in which of places; bounds: (C, K, F) θ − what it is at most.
    """

    touches: Tensor
    nearest: Tensor
    beyond: Tensor
    slope: Tensor
    holds: Tensor
    bounds: Tensor
    cost: Tensor

    def some(self, which: Tensor) -> _Tried:
        """Return those candidates of which `which` (K,) is True."""
        touches, nearest, beyond = (part[..., which] for part in self[:3])
        bounds, cost = self.bounds[:, which], self.cost[:, which]
        return _Tried(
            *(touches, nearest, beyond, self.slope[:, :, which], self.holds[..., which]),
            *(bounds, cost),
        )


class _Kept(NamedTuple):
    """What the bounds that were chosen so far are to demonstrations, (C, M) bool each.

    They touch one, they do so in its nearest place, they touch two that meet; they began beyond
    one, they had a reason to leave. slope: (C, M, 2) of the first that they touch; holds: (C, M,
    Q) where all bounds hold.
    """

    touched: Tensor
    nearest: Tensor
    corner: Tensor
    beyond: Tensor
    left: Tensor
    slope: Tensor
    holds: Tensor


def seen_from(end: Tensor, about: Context) -> Seen:
    """Return the features of demonstrations: end (C, M, 2), about (C, M, …)."""
    anywhere = _anywhere().to(end).expand(*end.shape[:2], -1, -1)
    ends = torch.stack((end, about.start), -2)
    value, slope = features(torch.cat((ends, anywhere), -2), about)
    return Seen(value.double(), slope[:, :, 0].double())


@torch.no_grad()
def infer_region(number: int, end: Tensor, start: Tensor, seen: Seen) -> Region:
    """Return the region that demonstrations with so many references show.

    end, start: (C, M, 2) where the mover came to be, and where it began; seen: `seen_from` there.
    """
    tried = _tried(number, end.double(), start.double(), seen)
    c, m, _ = tried.touches.shape
    if not tried.cost.shape[1]:
        return _nowhere(end)
    row = torch.arange(c, device=end.device)
    kept = _nothing_kept(tried)
    best, cost = tried.slope.new_full((c,), -torch.inf), tried.slope.new_zeros(c)
    chosen = torch.zeros(c, BOUNDS, dtype=torch.long, device=end.device)
    counts = torch.zeros(c, BOUNDS, dtype=torch.bool, device=end.device)
    for step in range(BOUNDS):
        likely, no_reason = _with_each(kept, tried)
        score, which = (likely - cost.unsqueeze(-1) - tried.cost).max(-1)
        # They count at the end alone: the bound that was the reason may be the next.
        score = score - _NO_REASON * no_reason[row, which]
        better = score > best + _WORTH
        chosen[:, step] = which
        counts[:, : step + 1] |= better.unsqueeze(-1)
        best = torch.maximum(best, score)
        cost = cost + tried.cost[row, which]
        kept = _with_one(kept, tried, row, which)
    bounds = tried.bounds[row.unsqueeze(-1), chosen] * counts.unsqueeze(-1)
    is_edge = tried.touches.all(1)[row.unsqueeze(-1), chosen] & counts
    one_sided = _one_sided(tried)[row.unsqueeze(-1), chosen]
    if number:
        # Who comes to one place twice, wherever the references are, is not told by them.
        apart = torch.cdist(end, end) + torch.eye(m).to(end)
        is_told = (apart > _TOUCHES).all(-1).all(-1)
        best, is_edge = best.masked_fill(~is_told, -torch.inf), is_edge & is_told.unsqueeze(-1)
    return Region(bounds.to(end), best.to(end), is_edge, one_sided.to(end))


def with_region(
    code: Tensor, evidence: Tensor, number: int, region: Region, where: Tensor, differ: Tensor
) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) and evidence (C,), with bounds where these explain more.

    code, evidence: of curves and places, -inf of nothing; where: (C, 2, F), rows that say where it
    was shown. What all demonstrations touch is a curve, on which other bounds say where: it is a
    region's edge only where they all began on one side of it, which would be rare. differ: (C,)
    whether hardly any place was shown twice: through few places there are always curves.
    """
    is_edge, bounds = region.is_edge.unsqueeze(-1), region.bounds
    edges, others = bounds * is_edge, bounds * ~is_edge
    number_of = region.is_edge.sum(-1)
    of_edge = region.one_sided.masked_fill(~region.is_edge, 0.0).sum(-1)
    one_sided = (number_of == 1) & (of_edge > _ONE_SIDED)
    is_curve = evidence.isfinite()
    beside = (number_of == 1) & others.any(-1).any(-1)
    more = region.evidence > evidence.clamp_min(EVIDENCE)
    is_place = code[:, 2] > 0.5
    found = torch.where(is_curve & (number_of > 0), (one_sided | beside) & ~is_place, more)
    found = found & (is_curve | differ | (number_of == 0))
    order = (~region.is_edge).int().argsort(dim=-1, stable=True)
    first = edges.take_along_dim(order.unsqueeze(-1), 1)[:, :RESIDUALS]
    as_edge = one_sided[:, None, None]
    rows = torch.zeros_like(code[:, 3:]).unflatten(-1, (-1, FEATURES))
    rows[:, :RESIDUALS] = first * ~as_edge
    rows[:, curves.WHERE] = torch.where(as_edge, _TO_EDGE * first, where)
    rows[:, curves.WHERE] *= (number_of < 2)[:, None, None]
    rows[:, _BOUNDS] = torch.where(as_edge, bounds, others)
    ones = torch.ones_like(evidence)
    of_region = torch.cat((torch.stack((ones, number * ones, ones), -1), rows.flatten(1)), -1)
    code = torch.where(found.unsqueeze(-1), of_region, code)
    return code, torch.where(found, region.evidence, evidence)


def _nowhere(end: Tensor) -> Region:
    bounds = end.new_zeros(len(end), BOUNDS, FEATURES)
    return Region(bounds, end.new_full((len(end),), -torch.inf), bounds[..., 0] > 0, bounds[..., 0])


def _nothing_kept(tried: _Tried) -> _Kept:
    none = torch.zeros_like(tried.touches[..., 0])
    slope = torch.zeros_like(tried.slope[:, :, 0])
    return _Kept(none, none, none, none, none, slope, torch.ones_like(tried.holds[..., 0]))


def _with_each(kept: _Kept, tried: _Tried) -> tuple[Tensor, Tensor]:
    """Return (C, K): log p of demonstrations, with each candidate, and how many had no reason."""
    exact = (kept.corner | kept.nearest).unsqueeze(-1) | (tried.touches & tried.nearest)
    exact = exact | _meets(kept, tried)
    at_edge = kept.touched.unsqueeze(-1) | tried.touches
    share = (kept.holds.unsqueeze(-1) & tried.holds).to(tried.slope).mean(-2)
    share = share.clamp(0.5 / _PLACES, 1 - 0.5 / _PLACES)
    each = torch.where(at_edge, _AT_EDGE, _INSIDE - share.log())
    each = torch.where(exact, _NEAREST, each)
    left = kept.left.unsqueeze(-1) | _leaves(tried)
    each = each - _UNKNOWN_REASON * ~left
    began = (kept.beyond.unsqueeze(-1) | tried.beyond).all(1, keepdim=True)
    each = each - torch.where(began, (1 - share).log(), 0.0)
    return each.sum(1), (at_edge & ~left).sum(1)


def _with_one(kept: _Kept, tried: _Tried, row: Tensor, which: Tensor) -> _Kept:
    """Return what is kept with one candidate more of each code, of the number `which` (C,)."""
    of = row, slice(None), which
    touches = tried.touches[of]
    first = (touches & ~kept.touched).unsqueeze(-1)
    return _Kept(
        kept.touched | touches,
        kept.nearest | (touches & tried.nearest[of]),
        kept.corner | _meets(kept, tried)[of],
        kept.beyond | tried.beyond[of],
        kept.left | _leaves(tried)[of],
        torch.where(first, tried.slope[of], kept.slope),
        kept.holds & tried.holds[row, :, :, which],
    )


def _meets(kept: _Kept, tried: _Tried) -> Tensor:
    """Tell (C, M, K) who touches a candidate, and before it a bound that crosses it."""
    sine = cross(kept.slope.unsqueeze(-2), tried.slope).abs()
    return tried.touches & kept.touched.unsqueeze(-1) & (sine > _LEAST_SINE)


def _leaves(tried: _Tried) -> Tensor:
    """Tell (C, M, K) who had a reason to leave: on a curve, that may be from both sides."""
    return tried.beyond | tried.touches.all(1, keepdim=True)


def _tried(number: int, end: Tensor, start: Tensor, seen: Seen) -> _Tried:
    theta, cost = candidates(number, end, start - end)
    at_end, begins, at_places = (seen.value @ theta.mT.unsqueeze(1)).split((1, 1, _PLACES), 2)
    at_end, begins = at_end.squeeze(2), begins.squeeze(2)
    slope = torch.einsum('cmfx,ckf->cmkx', seen.slope, theta)
    steep = slope.norm(dim=-1).clamp_min(_LITTLE)
    slope = slope / steep.unsqueeze(-1)
    most = at_end.amax(1, keepdim=True)
    away = (start - end).unsqueeze(-2)
    straight = (cross(away, slope).abs() < _STRAIGHT) & ((away * slope).sum(-1) > _TOUCHES)
    holds = at_places <= most.unsqueeze(-2)
    beyond = begins > most + _TOUCHES * steep
    touches = ((most - at_end) < _TOUCHES * steep) & (steep > _LEAST_SLOPE)
    one = torch.nn.functional.one_hot(torch.tensor(curves.ONE), FEATURES).to(theta)
    bounds = theta - most.mT * one
    # Residuals are distances near the edge.
    number_of = touches.sum(1).clamp_min(1)
    bounds = bounds / ((steep * touches).sum(1) / number_of).clamp_min(0.1).unsqueeze(-1)
    # Not beyond A, on this side: zero goes without saying.
    is_zero = most.squeeze(1).abs() < _TOUCHES * steep.mean(1)
    cost = cost - torch.where(is_zero, NUMBER - _ZERO, 0.0)
    # Whoever came to a bound began beyond it, at least one of them; the table's edge is none. And
    # by chance, somebody always comes nearest to it.
    came = (touches & beyond).any(1) | touches.all(1)
    came = came & ((touches.sum(1) > 1) | (touches & straight).any(1))
    cost = torch.where(came, cost, torch.inf)
    tried = _Tried(touches, straight, beyond, slope, holds, bounds, cost)
    return tried if cost.is_cuda else tried.some(cost.isfinite().any(0))


@kept
def _anywhere() -> Tensor:
    """Return places (Q, 2) that cover the plane evenly."""
    places = torch.quasirandom.SobolEngine(2, scramble=True, seed=0).draw(_PLACES)
    return 2 * places - 1


def _one_sided(tried: _Tried) -> Tensor:
    """Return (C, K) nats, by which bounds explain that all began beyond them better than curves."""
    outside = (1 - tried.holds.to(tried.slope).mean(-2)).clamp_min(0.5 / _PLACES)
    nats = ((0.5 + 0.5 * outside).log() - outside.log()).sum(1)
    return torch.where(tried.beyond.all(1), nats, -torch.inf)
