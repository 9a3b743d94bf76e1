# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which curves demonstrations lie on: of few features each, and so exactly that it is no chance.

Of each combination of features, coefficients are those of Taubin's fit: the least residuals for a
slope of one, so that they are distances. Each demonstration is then judged by what all others say.
How much it would be a chance is what counts: of M demonstrations, those that are left over once the
coefficients have been chosen lie so near to a curve that passed by anywhere. What is shown twice
counts once.

Shapes: C codes, M demonstrations, F features, W combinations of up to G features that slope.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from . import curves
from .curves import FEATURES, MOST, SIZE, Context, features

# Particle units: how far off a place anywhere is, and what is nearer than that differs by rounding.
_ANYWHERE, _EXACT = 0.5, 0.01
_NEAR = 0.06  # how far off who is on a curve may be, root of mean square
_COST = math.log(128)  # nats, to say which of so many combinations it is, of those that are unusual
# Where on the curve: how far from the others' middle counts, per variance, and what varies less.
_PULL, _LEAST_SPREAD = 0.0025, 0.15
_EVIDENCE = 4.0  # nats, by which it has to be more likely than chance
_ACROSS = 0.5  # sine of the angle, at least, at which two curves meet
_MOVED = 0.1
_SAME = 0.05  # particle units, within which two places are the same
_LITTLE = 1e-6
_MUCH = 1e3


class Combinations(NamedTuple):
    """Features of which residuals are made.

    sloping: (W, F, G) and constant: (W, F), zero where there are fewer; number: (W,) of
    coefficients that are to be found; cost: (W,) in nats, to say which one it is; one_place: (W,)
    whether it crosses another in one place.
    """

    sloping: Tensor
    constant: Tensor
    number: Tensor
    cost: Tensor
    one_place: Tensor


@torch.no_grad()
def infer_curves(end: Tensor, about: Context) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) of curves, and whether (C,) demonstrations lie on one.

    end: (C, M, 2) where the mover came to be; about: of each of them, (C, M, …).
    """
    code, found = end.new_zeros(len(end), SIZE), end.new_zeros(len(end), dtype=torch.bool)
    moved = (end - about.start).norm(dim=-1).amax(-1) > _MOVED
    asked = moved & (about.number == about.number[:, :1]).all(-1)
    for number in range(MOST + 1):
        few = (asked & (about.number[:, 0] == number)).nonzero().squeeze(1)
        if len(few):
            of_few = Context(*(part[few] for part in about))
            code[few], found[few] = _with_references(number, end[few], of_few)
    return code, found


def _with_references(number: int, end: Tensor, about: Context) -> tuple[Tensor, Tensor]:
    """Return the same where there are so many references in all demonstrations."""
    tried = combinations_of(number, end.device)
    value, slope = (part.squeeze(2).double() for part in features(end.unsqueeze(-2), about))
    coefficients, missed = fitted(value, slope, tried)
    error = missed.square().mean(-1).sqrt()
    surprise = -((error.square() + _EXACT**2).sqrt() / _ANYWHERE).log()
    told = _different(end, about).unsqueeze(-1) - tried.number
    # Of as likely ones the first, which is the simplest.
    later = _LITTLE * torch.arange(len(tried.number), device=end.device)
    evidence = told * surprise - tried.cost - later
    fits = (error < _NEAR) & (evidence > _EVIDENCE)
    evidence = evidence.masked_fill(~fits, -torch.inf)
    best, first = evidence.max(-1)
    row = torch.arange(len(best), device=best.device)
    of_first = coefficients[row, first]
    # Where two curves cross is a place, and the second has to cross the first.
    normal = torch.einsum('cmfx,cwf->cwmx', slope, coefficients)
    normal = torch.nn.functional.normalize(normal, dim=-1)
    one, other = normal[row, first].unsqueeze(1), normal
    sine = (one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]).abs().mean(-1)
    crossing = evidence.masked_fill(sine < _ACROSS, -torch.inf)
    next_best, second = crossing.max(-1)
    is_curve, is_place = best.isfinite(), next_best.isfinite()
    of_second = coefficients[row, second] * is_place.unsqueeze(-1)
    alone = is_place & tried.one_place[first] & tried.one_place[second]
    head = (torch.ones_like(best), number * torch.ones_like(best), alone.to(best))
    where = where_on_it(end, about, number).flatten(1) * ~is_place.unsqueeze(-1)
    code = (torch.stack(head, -1), of_first, of_second, where.to(of_first))
    return torch.cat(code, -1).to(end), is_curve


def where_on_it(end: Tensor, about: Context, number: int) -> Tensor:
    """Return coefficients (C, 2, F): the root of E = _PULL (p − μ)ᵀ S⁻¹ (p − μ) per stiffness.

    μ and S are mean and covariance of where it was shown, from the middle of all references.
    """
    m, few = end.shape[1], max(number, 1)
    place = end - about.references.sum(-2) / few
    mean = place.mean(1, keepdim=True)
    least = _LEAST_SPREAD**2 * torch.eye(2).to(end)
    covariance = (place - mean).mT @ (place - mean) / m + least
    root = _PULL**0.5 * torch.linalg.cholesky_ex(torch.linalg.inv_ex(covariance).inverse).L.mT
    out = end.new_zeros(len(end), 2, FEATURES)
    out[..., curves.PLACE : curves.PLACE + 2] = root
    out[..., curves.ONE] = -(root @ mean.mT).squeeze(-1)
    for i in range(number):
        first = curves.OF_REFERENCES + 2 * i
        out[..., first : first + 2] = -root / few
    return out


def _different(end: Tensor, about: Context) -> Tensor:
    """Return how many demonstrations (C,) differ; through two places, there are always lines.

    They have to differ as places, and as seen from each reference.
    """
    seen = end.unsqueeze(-2) - torch.nn.functional.pad(about.references, (0, 0, 1, 0))
    seen = seen.transpose(1, 2)  # (C, 1 + MOST, M, 2)
    is_same = torch.cdist(seen, seen) < _SAME
    return (1 / is_same.sum(-1)).sum(-1).amin(-1)


def fitted(value: Tensor, slope: Tensor, tried: Combinations) -> tuple[Tensor, Tensor]:
    """Return coefficients (C, W, F), and how far (C, W, M) each is off what all others say."""
    m, g = value.shape[1], tried.sloping.shape[-1]
    phi = torch.einsum('cmf,wfg->cwmg', value, tried.sloping)
    constant = torch.einsum('cmf,wf->cwm', value, tried.constant)
    d_phi = torch.einsum('cmfx,wfg->cwmgx', slope, tried.sloping)
    # All but each, and then all.
    some = torch.cat((1 - torch.eye(m), torch.ones(1, m))).to(value)
    some = some / some.sum(-1, keepdim=True)
    there = (tried.sloping != 0).any(1).to(value)  # (W, G)
    has_constant = (tried.constant != 0).any(-1).to(value)
    a = torch.einsum('sm,cwmg,cwmh->cwsgh', some, phi, phi)
    b = torch.einsum('sm,cwmg,cwm->cwsg', some, phi, constant)
    c = torch.einsum('sm,cwm,cwm->cws', some, constant, constant)
    c = c + torch.where(has_constant > 0, _LITTLE, 1.0).unsqueeze(-1)
    n = torch.einsum('sm,cwmgx,cwmhx->cwsgh', some, d_phi, d_phi)
    absent = torch.diag_embed(1 - there).unsqueeze(1)
    residual = a - b.unsqueeze(-1) * b.unsqueeze(-2) / c[..., None, None] + _MUCH * absent
    lower = torch.linalg.cholesky_ex(n + absent + _LITTLE * torch.eye(g).to(n)).L
    half = torch.linalg.solve_triangular(lower, residual, upper=False)
    whitened = torch.linalg.solve_triangular(lower, half.mT, upper=False)
    vector = torch.linalg.eigh((whitened + whitened.mT) / 2).eigenvectors[..., :1]
    theta = torch.linalg.solve_triangular(lower.mT, vector, upper=True).squeeze(-1)  # (C, W, S, G)
    of_constant = -(b * theta).sum(-1) / c
    left_out = theta[:, :, :m]
    off = (phi * left_out).sum(-1) + constant * of_constant[:, :, :m]
    steep = (d_phi * left_out.unsqueeze(-1)).sum(-2).norm(dim=-1)
    found = torch.einsum('wfg,cwg->cwf', tried.sloping, theta[:, :, m])
    found = found + tried.constant * of_constant[:, :, m:]
    return found, off.abs() / steep.clamp_min(0.1)


@cache
def combinations_of(references: int, device: torch.device) -> Combinations:
    """Return all that are tried where there are so many references."""
    usual, others = list(_usual(references)), list(_others(references))
    each = usual + others
    most = max(len(sloping) for sloping, _ in each)

    def vector(feature: dict[int, float]) -> Tensor:
        out = torch.zeros(FEATURES, dtype=torch.float64)
        for index, coefficient in feature.items():
            out[index] = coefficient
        return out

    sloping = [[vector(f) for f in s] + [vector({})] * (most - len(s)) for s, _ in each]
    return Combinations(
        torch.stack([torch.stack(some, -1) for some in sloping]).to(device),
        torch.stack([vector(c or {}) for _, c in each]).to(device),
        torch.tensor([len(s) - 1 + (c is not None) for s, c in each], device=device),
        torch.tensor([math.log(2 * len(usual))] * len(usual) + [_COST] * len(others)).to(device),
        torch.tensor([min(s[0]) not in _ASIDE for s, _ in each], device=device),
    )


_PAIRS = ((0, 1), (0, 2), (1, 2))
_ASIDE = range(curves.ASIDE, curves.ASIDE + 2 * (1 + MOST))
_Combination = tuple[list[dict[int, float]], dict[int, float] | None]


def _usual(number: int) -> Iterator[_Combination]:
    """Yield the combinations of features that one thinks of first: lines and rings."""
    one = {curves.ONE: 1.0}
    yield [{curves.PLACE: 1.0}], one
    yield [{curves.PLACE + 1: 1.0}], one
    yield [{curves.TO_START: 1.0}], one  # so far from where it was
    for i in range(number):
        yield [{i: 1.0}], one
    for pair, (_, j) in enumerate(_PAIRS):
        if j < number:
            yield [{curves.OFF + pair: 1.0}], None  # in line


def _others(number: int) -> Iterator[_Combination]:
    """Yield the others that there are with so many references."""
    one = {curves.ONE: 1.0}
    x, y = curves.PLACE, curves.PLACE + 1
    start_x = curves.OF_START
    yield [{x: 1.0}, {y: 1.0}], one  # a line
    yield [{x: 1.0, start_x: -1.0}, {y: 1.0, start_x + 1: -1.0}], None  # along a direction
    for i in range(number):
        off_x = {x: 1.0, curves.OF_REFERENCES + 2 * i: -1.0}
        off_y = {y: 1.0, curves.OF_REFERENCES + 2 * i + 1: -1.0}
        yield [{curves.SQUARE + i: 1.0}], one
        yield [off_x, off_y], None  # a line through it
        yield [off_x], one
        yield [off_y], one
        yield [{i: 1.0}, {y: 1.0}], one  # parabolas, and what else has a directrix
        yield [{i: 1.0}, {x: 1.0}], one
    if number != 1:
        yield [{curves.TO_ALL: 1.0}], one  # of nobody, the plane's middle
    for pair, (i, j) in enumerate(_PAIRS):
        if j >= number:
            continue
        apart = {curves.APART + pair: 1.0}
        off, along = {curves.OFF + pair: 1.0}, {curves.ALONG + pair: 1.0}
        nearer, both = {i: 1.0, j: -1.0}, {i: 1.0, j: 1.0}
        yield [off], one
        yield [off], apart
        yield [along], one  # across the way from one to the other
        yield [along], apart
        yield [nearer], None  # equally far
        yield [nearer], one  # hyperbolas, of one sign
        yield [{i: 1.0}, {j: 1.0}], None  # Apollonius
        yield [both], one  # ellipses
        for centre in ({i: 1.0}, {j: 1.0}, {curves.to_middle(pair): 1.0}):
            yield [centre], apart  # Thales
        yield [{curves.to_middle(pair): 1.0}], one
    if number == MOST:
        for pair, third in enumerate((2, 1, 0)):
            yield [{curves.ALONG + pair: 1.0, curves.THIRD_ALONG + pair: -1.0}], None
            yield [{curves.OFF + pair: 1.0, curves.THIRD_OFF + pair: -1.0}], None
            yield [{third: 1.0}], {curves.APART + pair: 1.0}
    # On either side; what is on one alone comes before it.
    for aside in _ASIDE[: 2 * (1 + number)]:
        yield [{aside: 1.0}], one
