# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Curves that distances tell exactly: a part of the energy that nothing has to train.

On a ring, in line with two, equally far from both, under a right angle: where the one mover is to
be is a curve, and what holds on it is one number's being zero,

    r = θ · φ(p),

a sum of few of the features below: distances of the place p, coordinates, how far along and off the
line of two references it is. A code has two such residuals at most, which are added to the
network's; where both of them hold is a place, and the network then says nothing. Their coefficients
are part of the code. Demonstrations decide which features they are of (`curve_search`). Where on
the curve, two more residuals say weakly: not far from where the others were shown. A place that
follows from directions is two residuals, too, one for each coordinate (`place_search`). Of a
region, residuals are bounds, which hold where they are not positive (`bound_search`).

Shapes: B any batch axes, M places, F features, K references.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from . import directions
from .directions import LEAST_APART, PAIRS

MOST = 3  # references, in the order of their roles
_TRIPLES = tuple((i, j, 3 - i - j) for i, j in PAIRS)  # each two and the third
_SOFT = 1e-3  # particle units; distances have a gradient where two places meet
_STIFFNESS = 20.0  # per unit², as that of maps
# Where a feature begins: distances to references, to the middles of pairs and of all, and to where
# the mover was; the larger coordinate of what is between; coordinates; off and along lines of two;
# how far to either side of the plane's middle it is, and of each reference.
TO_ALL, TO_START = 6, 7
SQUARE, PLACE, OFF, ALONG, ASIDE = 8, 12, 14, 17, 20
# How far the nearest and the farthest reference is, and the square of the place.
NEAREST, FARTHEST, SQUARED = 28, 29, 30
# What does not depend on the place: one, coordinates of references and start, how far two are
# apart, how far off and along the line of two the third is, the least and the greatest coordinates
# of references, and directions.
ONE, OF_REFERENCES, OF_START, APART, THIRD_OFF, THIRD_ALONG = 31, 32, 38, 40, 43, 46
LEAST, GREATEST, VECTORS = 49, 51, 53
FEATURES = VECTORS + 2 * directions.VECTORS
_START = [TO_START, OF_START, OF_START + 1, *range(VECTORS + 2 * directions.OF_START, FEATURES)]
RESIDUALS, BOUNDS = 2, 4
WHERE = slice(RESIDUALS, RESIDUALS + 2)
_FIRST_BOUND = WHERE.stop
_ROWS = _FIRST_BOUND + BOUNDS
# Who goes so near to somebody, or so far from the plane's middle, goes as near or as far as it can.
_TOUCHING, _EDGE = 0.12, 0.9  # particle units
_MOST_PULL = 0.5  # a residual of a place of its own has a slope of one
# Whether there are curves or bounds, of how many references, and whether they alone count.
SIZE = 3 + _ROWS * FEATURES


def to_middle(pair: int) -> int:
    """Return the feature that is the distance to the middle of a pair of references."""
    return MOST + pair


class Context(NamedTuple):
    """What a curve is about: references (B, MOST, 2), how many (B,), and the start (B, 2)."""

    references: Tensor
    number: Tensor
    start: Tensor


def features(place: Tensor, about: Context) -> tuple[Tensor, Tensor]:
    """Return φ (B, M, F) of places (B, M, 2), and ∂φ/∂p (B, M, F, 2)."""
    r = about.references
    each = r.unbind(-2)
    one, other, third = (
        torch.stack([each[i] for i in which], -2) for which in zip(*_TRIPLES, strict=True)
    )
    mean = r.sum(-2) / about.number.clamp_min(1).unsqueeze(-1)
    ends = (mean.unsqueeze(-2), about.start.unsqueeze(-2))
    points = torch.cat((r, (one + other) / 2, *ends), -2).unsqueeze(-3)
    off = place.unsqueeze(-2) - points  # (B, M, 8, 2)
    far = (off.square().sum(-1) + _SOFT**2).sqrt()
    of_square = off[..., :4, :]
    larger, which = of_square.abs().max(-1)
    d_larger = torch.nn.functional.one_hot(which, 2).to(off) * of_square.sign()
    length = (other - one).norm(dim=-1)
    unit = (other - one) / length.clamp_min(LEAST_APART).unsqueeze(-1)
    normal = torch.stack((-unit[..., 1], unit[..., 0]), -1)
    axes = torch.cat((normal, unit), -2)  # (B, 6, 2): across the lines of two, and along them
    from_one = place.unsqueeze(-2) - one.unsqueeze(-3)
    lines = (torch.cat((from_one, from_one), -2) * axes.unsqueeze(-3)).sum(-1)
    of_third = third - one
    constants = torch.cat(
        (
            torch.ones_like(about.number).unsqueeze(-1),
            r.flatten(-2),
            about.start,
            length,
            (torch.cat((of_third, of_third), -2) * axes).sum(-1),
            *_edges(about),
            directions.vectors(r, mean, about.start).flatten(-2),
        ),
        -1,
    )
    extreme, d_extreme = _nearest_and_farthest(off[..., :MOST, :], far[..., :MOST], about)
    squared, d_squared = place.square().sum(-1, keepdim=True), 2 * place.unsqueeze(-2)
    m = place.shape[-2]
    from_middles = torch.cat((place.unsqueeze(-2), off[..., :MOST, :]), -2)  # (B, M, 1 + MOST, 2)
    repeated = constants.unsqueeze(-2).expand(*place.shape[:-1], -1)
    aside = from_middles.abs().flatten(-2)
    value = torch.cat((far, larger, place, lines, aside, extreme, squared, repeated), -1)
    same = torch.eye(2).to(place).expand(*place.shape[:-1], 2, 2)
    d_lines = axes.unsqueeze(-3).expand(*place.shape[:-1], -1, -1)
    d_aside = (from_middles.sign().unsqueeze(-1) * torch.eye(2).to(place)).flatten(-3, -2)
    still = place.new_zeros(*place.shape[:-1], FEATURES - ONE, 2)
    d_far = off / far.unsqueeze(-1)
    slope = torch.cat((d_far, d_larger, same, d_lines, d_aside, d_extreme, d_squared, still), -2)
    assert value.shape[-2:] == (m, FEATURES)
    return value, slope


def _edges(about: Context) -> tuple[Tensor, Tensor]:
    """Return the least and the greatest coordinates (B, 2) of references, zero where none are."""
    is_one = (torch.arange(MOST).to(about.number) < about.number.unsqueeze(-1)).unsqueeze(-1)
    r, some = about.references, (about.number > 0).unsqueeze(-1)
    least = r.masked_fill(~is_one, torch.inf).amin(-2)
    greatest = r.masked_fill(~is_one, -torch.inf).amax(-2)
    return torch.where(some, least, 0.0), torch.where(some, greatest, 0.0)


def _nearest_and_farthest(off: Tensor, far: Tensor, about: Context) -> tuple[Tensor, Tensor]:
    """Return the distances (B, M, 2) of nearest and farthest reference, and slopes (B, M, 2, 2).

    off, far: (B, M, MOST, 2) and (B, M, MOST) from each reference. Zero where there is none.
    """
    is_one = (torch.arange(MOST).to(about.number) < about.number.unsqueeze(-1)).unsqueeze(-2)
    least = far.masked_fill(~is_one, torch.inf).argmin(-1)
    most = far.masked_fill(~is_one, -torch.inf).argmax(-1)
    which = torch.stack((least, most), -1)
    value = far.take_along_dim(which, -1)
    slope = off.take_along_dim(which.unsqueeze(-1), -2) / value.unsqueeze(-1)
    some = (about.number > 0)[..., None, None]
    return value * some, slope * some.unsqueeze(-1)


class Curves(nn.Module):
    """The residuals of curves as a part of codes.

    columns: where in a code its part stands; `first` is the first of them.
    """

    def __init__(self, first: int = 0) -> None:
        super().__init__()
        self.columns = slice(first, first + SIZE)
        # As for relations: codes of weights without curves are none of those with them.
        self.register_buffer('size', torch.tensor(float(SIZE)))

    def are_in(self, w: Tensor) -> Tensor:
        """Tell (B,) which codes (B, D) have curves."""
        return w[:, self.columns.start] > 0.5

    def any_in(self, w: Tensor) -> bool:
        """Tell whether any of the codes (B, D) has curves."""
        return bool(self.are_in(w).any())

    def alone(self, w: Tensor, about: Context) -> Tensor:
        """Tell (B,) for which codes (B, D) the network says nothing."""
        return self.counts(w, about) & (w[:, self.columns.start + 2] > 0.5)

    def counts(self, w: Tensor, about: Context) -> Tensor:
        """Tell (B,) for which codes (B, D) there is a curve, of as many references."""
        code = w[:, self.columns]
        return (code[:, 0] > 0.5) & (code[:, 1].round() == about.number)

    def coefficients(self, w: Tensor, about: Context) -> Tensor:
        """Return θ (B, rows, F) of codes (B, D), zero where there is no curve.

        Rows are RESIDUALS, two of WHERE on it, and BOUNDS.
        """
        theta = w[:, self.columns][:, 3:].unflatten(-1, (_ROWS, FEATURES))
        return theta * self.counts(w, about)[:, None, None]

    def missed(self, w: Tensor, place: Tensor, about: Context) -> Tensor:
        """Return (C,) how far places (C, M, 2) are from curves (C, D), root of mean square.

        about: of each place, (C, M, …). Of codes that have no curve it is zero.
        """
        theta = w[:, self.columns][:, 3:].unflatten(-1, (_ROWS, FEATURES))[:, :RESIDUALS]
        value, _ = features(place.unsqueeze(-2), about)
        return (value.squeeze(-2) @ theta.mT).square().mean(-2).amax(-1).sqrt()

    def weigh(self, w: Tensor, residuals: float, nearest: float) -> None:
        """Multiply the residuals of codes (B, D), in place.

        nearest: what those are multiplied with instead that tell which place of a curve it is:
        where it was shown, of two that cross the one that depends on where the mover was, and what
        says no more than as near as can be, or as far.
        """
        theta = w[:, self.columns][:, 3:].unflatten(-1, (_ROWS, FEATURES))
        factor = torch.full_like(theta[..., 0], residuals)
        factor[:, WHERE] = nearest
        two = theta[:, :RESIDUALS]
        of_start = depends_on_start(two)
        is_two = two.abs().amax(-1).gt(0).all(-1, keepdim=True)
        chooses = of_start & is_two & ~of_start.all(-1, keepdim=True)
        factor[:, :RESIDUALS] = torch.where(chooses | is_extreme(two), nearest, residuals)
        theta.mul_(factor.unsqueeze(-1))

    def without_pull(self, w: Tensor) -> None:
        """Leave out of codes (B, D), in place, what only says weakly where on a curve."""
        where = w[:, self.columns][:, 3:].unflatten(-1, (_ROWS, FEATURES))[:, WHERE]
        slope = where[..., PLACE : PLACE + 2].norm(dim=-1)
        where.mul_((slope > _MOST_PULL).unsqueeze(-1))

    def value_and_gradient(self, place: Tensor, about: Context, w: Tensor) -> tuple[Tensor, Tensor]:
        """Return E (B, M) and ∂E/∂p (B, M, 2) of places (B, M, 2); w: codes (B, D)."""
        value, slope = features(place, about)
        theta = _where_directions_are(self.coefficients(w, about), value[:, 0])
        r = _beyond(value @ theta.mT)  # (B, M, rows)
        d_r = torch.einsum('bmfx,brf->bmrx', slope, theta)
        gradient = 2 * _STIFFNESS * (r.unsqueeze(-1) * d_r).sum(-2)
        return _STIFFNESS * r.square().sum(-1), gradient

    def of_choices(self, place: Tensor, about: Context, theta: Tensor) -> Tensor:
        """Return E (B, C) of choices of who takes part, wherever on the curve.

        place: (B, C, 2) of the mover; about: of each choice, (B, C, …); theta: `coefficients`.
        """
        value, _ = features(place.unsqueeze(-2), about)
        r = _beyond(value.squeeze(-2) @ theta.mT)
        r = torch.cat((r[..., :RESIDUALS], r[..., _FIRST_BOUND:]), -1)
        return _STIFFNESS * r.square().sum(-1)


def _where_directions_are(theta: Tensor, value: Tensor) -> Tensor:
    """Return θ (B, rows, F) without what says where on a curve by a direction that there is not.

    Who begins in the very middle of the plane comes from no side of it. value: (B, F).
    """
    units = slice(VECTORS, VECTORS + 2 * directions.UNIT)
    uses = theta[:, WHERE, units].unflatten(-1, (-1, 2)).abs().amax(-1) > 0
    length = value[:, None, units].unflatten(-1, (-1, 2)).norm(dim=-1)
    told = torch.where(uses, length, 1.0).amin(-1, keepdim=True)
    where = told * theta[:, WHERE]
    return torch.cat((theta[:, :RESIDUALS], where, theta[:, _FIRST_BOUND:]), 1)


def _beyond(r: Tensor) -> Tensor:
    """Return rows (..., rows) with those of bounds zero where they hold."""
    return torch.cat((r[..., :_FIRST_BOUND], r[..., _FIRST_BOUND:].clamp_min(0.0)), -1)


def depends_on_start(theta: Tensor) -> Tensor:
    """Tell (...) which residuals (..., F) are of where the mover began."""
    return theta[..., _START].abs().amax(-1) > 0


def is_extreme(theta: Tensor) -> Tensor:
    """Tell (...) which residuals (..., F) say right up to a reference, or out to an edge."""
    used = theta.abs() > 0
    no_other = used.sum(-1) == 1 + used[..., ONE].to(torch.long)
    one = theta[..., ONE].abs()
    right_up = theta[..., :MOST].abs().amax(-1) > one / _TOUCHING
    out = theta[..., [PLACE, PLACE + 1, ASIDE, ASIDE + 1, SQUARE]].abs().amax(-1)
    is_out = (out > 0) & (one > _EDGE * out)
    # Of a place: so much to one side of a reference, and no more.
    step = theta[..., VECTORS:].abs().sum(-1)
    is_step = used.sum(-1) == 2 + used[..., VECTORS:].sum(-1)
    is_step &= used[..., OF_REFERENCES:OF_START].any(-1) & used[..., PLACE : PLACE + 2].any(-1)
    is_little = (step > 0) & (out > step / _TOUCHING)
    return (no_other & (right_up | is_out)) | (is_step & is_little)


def context_of(places: Tensor, gates: Tensor, start: Tensor, roles: Tensor | None) -> Context:
    """Return what curves are about, of the places (B, P, 2) of those that do not move.

    gates: (B, P), above 0.5 for who takes part; roles: (B, P, R) of 0 and 1, None where all play
    the same; start: (B, 2).
    """
    part = gates > 0.5
    role = torch.zeros_like(gates) if roles is None else roles.to(gates).argmax(-1).to(gates)
    order = torch.where(part, role, torch.inf).argsort(dim=-1, stable=True)[..., :MOST]
    first = places.take_along_dim(order.unsqueeze(-1), -2)
    first = first * part.take_along_dim(order, -1).unsqueeze(-1)
    missing = MOST - first.shape[-2]
    return Context(
        torch.nn.functional.pad(first, (0, 0, 0, missing)), part.sum(-1).to(places), start
    )


def nothing_of_network(w: Tensor, network_code: int) -> Tensor:
    """Return codes (B, D) without the network's part, and without whether it counts."""
    return torch.cat((torch.zeros_like(w[:, : network_code + 1]), w[:, network_code + 1 :]), -1)
