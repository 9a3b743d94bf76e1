# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What noisy demonstrations of one mover's place follow: a map, a curve, or neither.

Where noise is seen, no bound of exactness tells what they follow. So each structure of maps and
each combination of a curve's features is as good as the demonstrations speak for it
(`evidence_of_fit`), up to the noise that was seen. A demonstrator often goes to the nearest place
of a curve, which then explains both coordinates, as a map does; and so do two curves that cross.

Shapes: C codes, M demonstrations, F families of maps, W combinations, G features, K curves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .curve_kinds import combinations_of
from .curve_search import fitted, where_on_it
from .curves import MOST, SIZE, Context, features
from .evidence import evidence_of_fit
from .map_fits import costs, fits, nobody_moves
from .maps import Shown, families_of
from .place_search import places_fitted

_COST = math.log(128)  # nats, to say which of so many structures it is
_HABIT = math.log(2)  # nats, to say whether a demonstrator goes to the nearest place
# How much noise there is, in units of what is seen, in how far off a curve who demonstrates is,
# about, and in how far along it, as it began and as it ended somewhere.
_USUAL_GAIN, _ALONG_GAIN = 1.5**0.5, 2**0.5
# The same of a place and of what it is told by, who stays being seen twice. That somebody goes by a
# direction is unusual, in nats.
_PLACE_GAIN, _UNUSUAL = 1.75**0.5, math.log(16)
_FEW = 6  # curves, of which the nearest place and crossings are looked for
_STEPS = 5
_ACROSS = 0.3  # sine of the angle, at least, at which two curves meet
_LEAST_SLOPE = 0.1
_FAR = 2.0  # particle units, where no place is
_LITTLE = 1e-3


@torch.no_grad()
def maps_by_evidence(shown: Shown, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a map's coefficients (C, 4 E + 2) of the most evidence, and that (C,).

    The third (C,) tells where it is that nobody moves. seen: (C,) the noise of what is seen.
    """
    coefficients, evidence, stays = every_map(shown, seen)
    best, which = evidence.max(1)
    return coefficients.take_along_dim(which[:, None, None], 1).squeeze(1), best, stays[which]


def every_map(shown: Shown, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the coefficients (C, F, 4 E + 2) and the evidence (C, F) of each structure of maps.

    The third (F,) tells of which nobody moves.
    """
    families = families_of(shown.mean.shape[2], shown.place.device)
    fit = fits(shown, families)
    of_entity = fit.coefficients[..., :-2].unflatten(-1, (-1, 4)).square().sum(-1) / 2
    sights = torch.ones_like(shown.number)
    sights[:, 1:] = 2 * shown.number[:, 1:].clamp_min(1)
    gain = (1 + (of_entity / sights.unsqueeze(1)).sum(-1)).sqrt()
    number = 2 * shown.place.shape[1]
    missed, spread = fit.missed / gain.square(), fit.spread / gain.square().unsqueeze(-1)
    evidence = evidence_of_fit(missed, spread, number, seen.unsqueeze(1)) - number * gain.log()
    evidence = evidence - costs(families)
    evidence = evidence.masked_fill(~fit.is_there, -torch.inf)
    return fit.coefficients, evidence, nobody_moves(families)


@torch.no_grad()
def curves_by_evidence(end: Tensor, about: Context, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) of curves of the most evidence, and that (C,).

    end: (C, M, 2) where the mover came to be; about: of each of them, (C, M, …).
    """
    code = end.new_zeros(len(end), SIZE)
    evidence = end.new_full((len(end),), -torch.inf)
    for number, few in _by_number(about):
        of_few = Context(*(part[few] for part in about))
        code[few], evidence[few] = _with_references(number, end[few], of_few, seen[few])
    return code, evidence


def _with_references(
    number: int, end: Tensor, about: Context, seen: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the same where there are so many references in all demonstrations."""
    few = likely_curves(number, end, about, seen)
    best, one, two = few.theta, few.one, few.two
    row = torch.arange(len(end), device=end.device)
    (of_one, first), (of_two, pair) = one.max(-1), two.flatten(1).max(-1)
    is_place = of_two > of_one
    first = torch.where(is_place, pair // len(two[0]), first)
    second = pair % len(two[0])
    of_second = best[row, second] * is_place.unsqueeze(-1)
    alone = is_place & few.one_place[row, first] & few.one_place[row, second]
    head = (torch.ones_like(of_one), number * torch.ones_like(of_one), alone.to(of_one))
    where = where_on_it(end, about, number).flatten(1) * ~is_place.unsqueeze(-1)
    code = torch.cat((torch.stack(head, -1), best[row, first], of_second, where), -1)
    code = torch.nn.functional.pad(code, (0, SIZE - code.shape[-1]))  # noise tells no bounds
    return code.to(end), torch.maximum(of_one, of_two).to(end)


@torch.no_grad()
def places_by_evidence(end: Tensor, about: Context, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes (C, SIZE) of places that directions tell, and the evidence (C,) for them."""
    code = end.new_zeros(len(end), SIZE)
    evidence = end.new_full((len(end),), -torch.inf)
    for number, few in _by_number(about):
        of_few = Context(*(part[few].double() for part in about))
        value, _ = features(end[few].double().unsqueeze(-2), of_few)
        residuals, missed, spread = places_fitted(value.squeeze(2), end[few].double(), number)
        told = 2 * end.shape[1]
        square, cost = _PLACE_GAIN**2, math.log(residuals.shape[1]) + _UNUSUAL
        of_each = evidence_of_fit(missed / square, spread / square, told, seen[few].unsqueeze(1))
        best, which = (of_each - told * math.log(_PLACE_GAIN) - cost).max(-1)
        rows = residuals[torch.arange(len(few), device=end.device), which].flatten(1)
        one = torch.ones_like(best)
        part = torch.cat((torch.stack((one, number * one, one), -1), rows), -1)
        code[few] = torch.nn.functional.pad(part, (0, SIZE - part.shape[-1])).to(end)
        evidence[few] = best.to(end)
    return code, evidence


def _by_number(about: Context) -> Iterator[tuple[int, Tensor]]:
    """Yield which codes (few,) have so many references in all of their demonstrations."""
    asked = (about.number == about.number[:, :1]).all(-1)
    for number in range(MOST + 1):
        few = (asked & (about.number[:, 0] == number)).nonzero().squeeze(1)
        if len(few):
            yield number, few


class Likely(NamedTuple):
    """The K likeliest curves: theta (C, K, F), their evidence one (C, K), and that of crossings.

    two: (C, K, K); one_place: (C, K) whether a curve crosses others in one place.
    """

    theta: Tensor
    one: Tensor
    two: Tensor
    one_place: Tensor


def likely_curves(number: int, end: Tensor, about: Context, seen: Tensor) -> Likely:
    """Return the curves that few demonstrations, or noisy ones, speak for the most."""
    tried = combinations_of(number, end.device)
    m, about = end.shape[1], Context(*(part.double() for part in about))
    value, slope = (part.squeeze(2) for part in features(end.double().unsqueeze(-2), about))
    theta, _ = fitted(value, slope, tried)  # (C, W, F)
    missed, _ = _off(value, slope, theta)
    counts = torch.arange(int(tried.number.max())) < tried.number.unsqueeze(-1)
    spread = (m * counts.to(missed) / _USUAL_GAIN**2).expand(len(end), -1, -1)
    evidence = evidence_of_fit(
        missed.square().sum(-1) / _USUAL_GAIN**2, spread, m, seen.unsqueeze(1)
    )
    # Of the few best, how much noise there is in each demonstration counts, too.
    which = evidence.topk(min(_FEW, evidence.shape[1]), 1).indices
    row = torch.arange(len(end), device=end.device).unsqueeze(1)
    best, spread = theta[row, which], spread[row, which]
    off, normal = _off(value, slope, best)
    gain = _gain(end.double(), about, best)
    one = _of_one(end, about, best, off / gain, gain, normal, spread, seen)
    two = _of_two(off / gain, gain, normal, spread, seen)
    return Likely(best, one, two, tried.one_place[which])


def _off(value: Tensor, slope: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far (C, K, M) demonstrations are off curves (C, K, F), and the normals there."""
    by_place = torch.einsum('cmfx,ckf->ckmx', slope, theta)
    steep = by_place.norm(dim=-1, keepdim=True).clamp_min(_LEAST_SLOPE)
    return torch.einsum('cmf,ckf->ckm', value, theta) / steep.squeeze(-1), by_place / steep


def _of_one(
    end: Tensor,
    about: Context,
    theta: Tensor,
    missed: Tensor,
    gain: Tensor,
    normal: Tensor,
    spread: Tensor,
    seen: Tensor,
) -> Tensor:
    """Return the evidence (C, K) of each curve: with places anywhere on it, or the nearest ones."""
    m, of_gain = end.shape[1], gain.log().sum(-1)
    anywhere = evidence_of_fit(missed.square().sum(-1), spread, m, seen.unsqueeze(1)) - of_gain
    aside = nearest_on(about, theta) - end.unsqueeze(1)
    across = (aside * normal).sum(-1)
    along = (aside.square().sum(-1) - across.square()).clamp_min(0)
    square = (across / gain).square() + along / _ALONG_GAIN**2
    of_gain = of_gain + m * math.log(_ALONG_GAIN)
    nearest = evidence_of_fit(square.sum(-1), spread, 2 * m, seen.unsqueeze(1)) - of_gain
    return torch.maximum(anywhere, nearest) - _COST - _HABIT


def _of_two(missed: Tensor, gain: Tensor, normal: Tensor, spread: Tensor, seen: Tensor) -> Tensor:
    """Return the evidence (C, K, K) that places are where two curves cross."""
    k, m = missed.shape[1:]
    u, v = normal.unsqueeze(2), normal.unsqueeze(1)  # (C, K, 1, M, 2), (C, 1, K, M, 2)
    sine = (u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]).abs()
    square = missed.square().sum(-1)
    both = spread.unsqueeze(2).expand(-1, k, k, -1), spread.unsqueeze(1).expand(-1, k, k, -1)
    evidence = evidence_of_fit(
        square.unsqueeze(2) + square.unsqueeze(1), torch.cat(both, -1), 2 * m, seen[:, None, None]
    )
    of_gain = gain.log().sum(-1)
    evidence = evidence - of_gain.unsqueeze(2) - of_gain.unsqueeze(1)
    evidence = evidence + sine.clamp_min(_LITTLE).log().sum(-1)
    return (evidence - 2 * _COST).masked_fill(sine.mean(-1) < _ACROSS, -torch.inf)


def _gain(end: Tensor, about: Context, theta: Tensor) -> Tensor:
    """Return how much noise there is in how far off a curve it is, (C, K, M), for one of sight."""
    # Of tensors of its own: through those of inference mode there are no gradients.
    with torch.inference_mode(False), torch.enable_grad():
        place, start, references = (
            part.detach().clone().requires_grad_() for part in (end, about.start, about.references)
        )
        theta, number = theta.clone(), about.number.clone()
        value, slope = features(place.unsqueeze(-2), Context(references, number, start))
        r = torch.einsum('cmf,ckf->kcm', value.squeeze(2), theta)
        steep = torch.einsum('cmfx,ckf->kcmx', slope.squeeze(2), theta).norm(dim=-1).detach()
        square = []
        for each, of in zip(r, steep, strict=True):
            by = torch.autograd.grad(each.sum(), (place, start, references), retain_graph=True)
            squares = [part.square().flatten(2).sum(-1) for part in by]
            # Those who cannot move were seen twice.
            total = squares[0] + squares[1] + squares[2] / 2
            square.append(total / of.clamp_min(_LEAST_SLOPE).square())
    return torch.stack(square, 1).sqrt().clamp_min(1.0)


def nearest_on(about: Context, theta: Tensor) -> Tensor:
    """Return the places (C, K, M, 2) of curves (C, K, F) that are nearest to where movers began."""
    start = about.start.unsqueeze(2)  # (C, M, 1, 2)
    place = start.repeat(1, 1, theta.shape[1], 1)

    def onto() -> tuple[Tensor, Tensor]:
        value, slope = features(place, about)
        normal = torch.einsum('cmkfx,ckf->cmkx', slope, theta)
        square = normal.square().sum(-1, keepdim=True).clamp_min(_LEAST_SLOPE**2)
        r = torch.einsum('cmkf,ckf->cmk', value, theta).unsqueeze(-1)
        return (place - r * normal / square).clamp(-_FAR, _FAR), normal / square.sqrt()

    for _ in range(_STEPS):
        place, normal = onto()
        back = start - place
        place = place + back - (back * normal).sum(-1, keepdim=True) * normal
    for _ in range(2):
        place, _ = onto()
    return place.transpose(1, 2)
