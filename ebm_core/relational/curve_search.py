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

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from . import curves
from .bound_search import infer_region, seen_from, with_region
from .curve_kinds import COST, EVIDENCE, Combinations, combinations_of
from .curves import BOUNDS, FEATURES, MOST, SIZE, Context, depends_on_start, features
from .place_search import places

# Particle units: how far off a place anywhere is, and what is nearer than that differs by rounding.
_ANYWHERE, _EXACT = 0.5, 0.01
# How far off who is on a curve may be, or in a place: root of mean square.
_NEAR, _NEAR_PLACE = 0.06, 0.03
# Where on the curve: how far from the others' middle counts, per variance, and what varies less.
_PULL, _LEAST_SPREAD = 0.0025, 0.15
_ACROSS = 0.5  # sine of the angle, at least, at which two curves meet
_MOVED = 0.1
_SAME = 0.05  # particle units, within which two places are the same
_ONE_TWICE = 1.5  # less than two demonstrations show a place that others show
_LITTLE = 1e-6
_MUCH = 1e3


@torch.no_grad()
def infer_curves(end: Tensor, about: Context) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) of curves or regions, and the evidence (C,), -inf where there is none.

    end: (C, M, 2) where the mover came to be; about: of each of them, (C, M, …).
    """
    return _by_number(_with_references, end, about)


@torch.no_grad()
def infer_places(end: Tensor, about: Context) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) of places that directions tell, and the evidence (C,) for them."""

    def of(number: int, end: Tensor, about: Context) -> tuple[Tensor, Tensor]:
        value, _ = features(end.unsqueeze(-2), about)
        value = value.squeeze(2).double()
        place = _best_place(number, value, end.double(), _different(end, about))
        return _code(number, place).to(end), place.evidence.to(end)

    return _by_number(of, end, about)


def _by_number(
    of: Callable[[int, Tensor, Context], tuple[Tensor, Tensor]], end: Tensor, about: Context
) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) and evidence (C,) of those who moved, by how many references."""
    code, evidence = end.new_zeros(len(end), SIZE), end.new_full((len(end),), -torch.inf)
    moved = (end - about.start).norm(dim=-1).amax(-1) > _MOVED
    asked = moved & (about.number == about.number[:, :1]).all(-1)
    for number in range(MOST + 1):
        few = (asked & (about.number[:, 0] == number)).nonzero().squeeze(1)
        if len(few):
            of_few = Context(*(part[few] for part in about))
            code[few], evidence[few] = of(number, end[few], of_few)
    return code, evidence


class _Found(NamedTuple):
    """What explains demonstrations best: residuals (C, 2, F) and evidence (C,), -inf of nothing.

    alone: (C,) bool, whether that is a place of which the network says nothing; where: (C, 2, F).
    """

    residuals: Tensor
    evidence: Tensor
    alone: Tensor
    where: Tensor


def _with_references(number: int, end: Tensor, about: Context) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE), and the evidence (C,), of demonstrations with so many references."""
    seen = seen_from(end, about)
    value, slope = seen.value[:, :, 0], seen.slope
    different = _different(end, about)
    where = where_on_it(end, about, number)
    curve = _best_curves(number, value, slope, different, where)
    place = _beside_curve(_best_place(number, value, end.double(), different), curve)
    is_place = place.evidence > curve.evidence
    best = _Found(
        *(
            torch.where(is_place.view(-1, *[1] * (of_place.dim() - 1)), of_place, of_curve)
            for of_place, of_curve in zip(place, curve, strict=True)
        )
    )
    code, evidence = _code(number, best).to(end), best.evidence.to(end)
    region = infer_region(number, end, about.start, seen)
    differ = different > end.shape[1] - _ONE_TWICE
    return with_region(code, evidence, number, region, where, differ)


def _code(number: int, found: _Found) -> Tensor:
    ones = torch.ones_like(found.evidence)
    head = torch.stack((ones, number * ones, found.alone.to(ones)), -1)
    rows = torch.cat((found.residuals, found.where), 1).flatten(1)
    return torch.nn.functional.pad(torch.cat((head, rows), -1), (0, BOUNDS * FEATURES))


def _best_curves(
    number: int, value: Tensor, slope: Tensor, different: Tensor, where: Tensor
) -> _Found:
    """Return the best curve, and the best that crosses it, if there is one."""
    tried = combinations_of(number, value.device)
    coefficients, missed = fitted(value, slope, tried)
    told = different.unsqueeze(-1) - tried.number
    evidence = _evidence(missed.square().mean(-1).sqrt(), told, tried.cost, _NEAR)
    best, first = evidence.max(-1)
    row = torch.arange(len(best), device=best.device)
    normal = torch.einsum('cmfx,cwf->cwmx', slope, coefficients)
    normal = torch.nn.functional.normalize(normal, dim=-1)
    one, other = normal[row, first].unsqueeze(1), normal
    sine = (one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]).abs().mean(-1)
    next_best, second = evidence.masked_fill(sine < _ACROSS, -torch.inf).max(-1)
    crosses = next_best.isfinite()
    of_second = coefficients[row, second] * crosses.unsqueeze(-1)
    return _Found(
        torch.stack((coefficients[row, first], of_second), 1),
        best + torch.where(crosses, next_best, 0.0),
        crosses & tried.one_place[first] & tried.one_place[second],
        where.to(value) * ~crosses[:, None, None],
    )


def _best_place(number: int, value: Tensor, end: Tensor, different: Tensor) -> _Found:
    """Return the best place that directions tell: it explains both coordinates of each."""
    residuals, missed, numbers = places(value, end, number)
    told = 2 * different.unsqueeze(-1) - numbers
    evidence = _evidence(missed.square().mean((-1, -2)).sqrt(), told, COST, _NEAR_PLACE)
    best, which = evidence.max(-1)
    residuals = residuals[torch.arange(len(best), device=best.device), which]
    return _Found(residuals, best, torch.ones_like(best).bool(), torch.zeros_like(residuals))


def _beside_curve(place: _Found, curve: _Found) -> _Found:
    """Return places with the curve first, and where on it they are, if they are the nearest on one.

    Who goes to the nearest place of a ring shows a ring: beside other concepts, any place of it is
    as good. So it is if the place depends on where the mover began, and a curve does not.
    """
    free = ~depends_on_start(curve.residuals) & (curve.residuals.abs().amax(-1) > 0)
    free &= curve.evidence.isfinite().unsqueeze(-1)
    is_nearest = depends_on_start(place.residuals).any(-1) & free.any(-1)
    which = free.double().argmax(-1)
    of_curve = torch.zeros_like(place.residuals)
    of_curve[:, 0] = curve.residuals[torch.arange(len(which), device=which.device), which]
    beside = is_nearest[:, None, None]
    return place._replace(
        residuals=torch.where(beside, of_curve, place.residuals),
        where=torch.where(beside, place.residuals, place.where),
    )


def _evidence(error: Tensor, told: Tensor, cost: Tensor | float, near: float) -> Tensor:
    """Return by how much explanations (C, W) are more likely than chance, -inf where they are not.

    Of as likely ones the first, which is the simplest, counts for a little more. error: root of
    mean square; told: how many numbers are left over.
    """
    surprise = -((error.square() + _EXACT**2).sqrt() / _ANYWHERE).log()
    later = _LITTLE * torch.arange(error.shape[-1], device=error.device)
    evidence = told * surprise - cost - later
    return evidence.masked_fill((error >= near) | (evidence <= EVIDENCE), -torch.inf)


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
