# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What few demonstrations may mean: all readings of them that are left, and how likely each is.

One demonstration of *0.3 north of A* may be a place, a step, a point of a ring or half of the way.
Each of them is as likely as its evidence says. Two explanations that bring an actor to the same
place nearly everywhere are one reading, however they are written.

Shapes: C codes, M demonstrations, K readings, S scenes, E entities by role, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ..world.scene import POSITION, Demonstration
from .curve_search import infer_places, where_on_it
from .curves import FEATURES, MOST, RESIDUALS, SIZE, Context, context_of, features
from .energy import Energy
from .explanations import EXACTLY_SEEN, FEW, NATS
from .inference import demonstrated
from .map_fits import shown_in
from .maps import Shown, design_of
from .noisy_search import every_map, likely_curves, nearest_on, places_by_evidence
from .roles import Roles
from .sight import changes_colour, noise_seen

_SCENES = 32  # in which readings are told apart
_SAME, _MOSTLY = 0.1, 0.8  # particle units, and in which share of scenes
_LEAST = 0.01  # what is less likely is left out
_FAR_LESS = 10.0  # nats


class Reading(NamedTuple):
    """What demonstrations may mean: an action code (D,), and how likely it is."""

    action_code: np.ndarray
    probability: float


class Readings(NamedTuple):
    """codes: (K, D), the likeliest first; probability: (K,), which add up to one."""

    codes: Tensor
    probability: Tensor


class _Explained(NamedTuple):
    """Explanations of one kind: codes (K, D), evidence (K,) in nats, and where they lead.

    place: (K, S, 2).
    """

    codes: Tensor
    evidence: Tensor
    place: Tensor


def readings_of(
    energy: Energy, code: np.ndarray, demonstrations: Sequence[Demonstration], roles: Roles
) -> tuple[Reading, ...]:
    """Return the readings of demonstrations of which `code` (D,) is inferred."""
    given = demonstrated(energy, demonstrations, roles)
    if given is None:
        return (Reading(code, 1.0),)
    of_all = torch.from_numpy(code)[None]
    codes, probability = readings(energy, of_all, *given, noise_seen(demonstrations))
    return tuple(
        Reading(*one) for one in zip(codes.double().numpy(), probability.tolist(), strict=True)
    )


@torch.no_grad()
def readings(
    energy: Energy,
    code: Tensor,
    states: Tensor,
    gates: Tensor,
    roles: Tensor | None,
    seen: Tensor,
) -> Readings:
    """Return the readings of M demonstrations of one mover.

    code: (1, D) that is inferred of them; states: x⁰ and x¹ (1, M, 2, P, F), the mover first;
    gates: (1, M, P) of 0 and 1; roles: (1, M, P, R) or None; seen: (1,) the noise of what is seen.
    More than FEW exact demonstrations, ways through time and new colours have one reading.
    """
    only = Readings(code, torch.ones_like(code[:, 0]))
    if energy.curves is None or energy.maps is None or states.shape[2] != 2:
        return only
    shown = shown_in(states, gates, roles, energy.maps.layout.entities)
    many = states.shape[1] > FEW and bool(seen <= EXACTLY_SEEN)
    if many or not shown.may_be_map.all() or bool(changes_colour(states)):
        return only
    place = states[..., POSITION]
    if (place[:, :, 1, 0] == place[:, :, 0, 0]).all():  # who takes part is shown, not where to
        return only
    others = None if roles is None else roles[:, :, 1:]
    about = context_of(place[:, :, 0, 1:], gates[:, :, 1:], place[:, :, 0, 0], others)
    if not (about.number == about.number[:, :1]).all() or int(about.number[0, 0]) > MOST:
        return only
    scenes = _scenes(shown, int(about.number[0, 0]))
    end = place[:, :, 1, 0]
    kinds = [
        _maps(energy, shown, seen, scenes),
        *_curves(energy, end, about, seen, scenes),
    ]
    codes, evidence, places = (torch.cat(parts) for parts in zip(*kinds, strict=True))
    return _told_apart(codes, evidence, places, code)


def _told_apart(codes: Tensor, evidence: Tensor, place: Tensor, code: Tensor) -> Readings:
    """Return the readings that explanations (K, …) amount to; `code` is what else it may be."""
    order = evidence.argsort(descending=True, stable=True)
    order = order[evidence[order] > evidence.max() - _FAR_LESS]
    # What nothing exact explains is the network's, which has seen many of them.
    none = evidence.max().clamp_max(NATS)
    likely = torch.softmax(torch.cat((none[None], evidence[order])), 0)
    first: list[int] = []
    share: list[float] = []
    for k, p in zip(order.tolist(), likely[1:].tolist(), strict=True):
        apart = (place[first] - place[k]).norm(dim=-1) if first else place.new_zeros(0, 1)
        same = ((apart < _SAME).double().mean(-1) >= _MOSTLY).nonzero().flatten().tolist()
        if same:
            share[same[0]] += p
        else:
            first.append(k)
            share.append(p)
    every = torch.cat((code, codes[first])).to(code)
    probability = torch.tensor([float(likely[0]), *share]).to(code)
    kept = probability >= _LEAST
    kept[probability.argmax()] = True  # also where very many are equally likely
    every, probability = every[kept], probability[kept]
    by = probability.argsort(descending=True, stable=True)
    return Readings(every[by], probability[by] / probability.sum())


class _Scenes(NamedTuple):
    """Scenes in which nobody demonstrated: about (1, S, …); mean: (1, S, E, 2) of each role."""

    about: Context
    mean: Tensor


def _scenes(shown: Shown, number: int) -> _Scenes:
    drawn = torch.quasirandom.SobolEngine(2 * (MOST + 1), scramble=True, seed=0).draw(_SCENES)
    start, *each = (2 * drawn.double() - 1).unflatten(-1, (-1, 2)).unbind(-2)
    references = torch.stack(each, -2)
    references[:, number:] = 0.0
    mean, first = [start], 0
    for count in shown.number[0, 1:].round().int().tolist():
        some = references[:, first : first + count]
        mean.append(some.mean(1) if count else torch.zeros_like(start))
        first += count
    of = references.new_full((1, _SCENES), number)
    return _Scenes(Context(references[None], of, start[None]), torch.stack(mean, 1)[None])


def _maps(energy: Energy, shown: Shown, seen: Tensor, scenes: _Scenes) -> _Explained:
    coefficients, evidence, stays = every_map(shown, seen)
    evidence = evidence[0].masked_fill(stays, -torch.inf)
    of_map = energy.maps.code_of(
        Shown(*(part.expand(evidence.shape[0], *part.shape[1:]) for part in shown)),
        coefficients[0],
    )
    at = energy.maps.columns
    codes = pad(of_map, (at.start, energy.code_size - at.stop))
    place = (design_of(scenes.mean) @ coefficients[0, :, None, :, None]).squeeze(-1)
    return _Explained(codes, evidence, place)


def _curves(
    energy: Energy,
    end: Tensor,
    about: Context,
    seen: Tensor,
    scenes: _Scenes,
) -> list[_Explained]:
    number = int(about.number[0, 0])
    likely = likely_curves(number, end, about, seen)
    theta, one = likely.theta[0], likely.one[0]
    where = where_on_it(end, about, number)
    k = len(theta)
    rows = torch.cat((theta.unsqueeze(1), torch.zeros_like(theta).unsqueeze(1)), 1)
    lone = _codes(energy, number, rows, where.to(rows).expand(k, -1, -1), torch.zeros(k))
    nearest = nearest_on(scenes.about, theta[None])[0]
    found = [_Explained(lone, one, nearest)]
    pair = int(likely.two[0].flatten().argmax())
    both = theta[[pair // k, pair % k]]
    is_one = likely.one_place[0, pair // k] & likely.one_place[0, pair % k]
    crossing = _codes(
        energy, number, both[None], torch.zeros_like(both)[None], is_one.double()[None]
    )
    found.append(
        _Explained(crossing, likely.two[0].flatten()[pair : pair + 1], _crossing(both, scenes))
    )
    if bool(seen <= EXACTLY_SEEN):
        of_place, evidence = infer_places(end, about)
    else:
        of_place, evidence = places_by_evidence(end, about, seen)
    if bool(evidence.isfinite()):
        rows = of_place[:, 3:].unflatten(-1, (-1, FEATURES))[:, :RESIDUALS].to(theta)
        value, _ = features(scenes.about.start.unsqueeze(-2) * 0, scenes.about)
        place = -(value.squeeze(-2) @ rows[0].mT)
        whole = _whole(energy, of_place)
        found.append(_Explained(whole, evidence.to(theta), place))
    return found


def _crossing(two: Tensor, scenes: _Scenes) -> Tensor:
    """Return where two curves (2, F) cross, (1, S, 2), next to where the mover began."""
    place = scenes.about.start
    for _ in range(10):
        value, slope = features(place.unsqueeze(-2), scenes.about)
        r = (value.squeeze(-2) @ two.mT).unsqueeze(-1)
        across = torch.einsum('csfx,rf->csrx', slope.squeeze(2), two)
        step = torch.linalg.pinv(across, rtol=1e-2) @ r
        place = (place - step.squeeze(-1)).clamp(-2, 2)
    return place


def _codes(energy: Energy, number: int, rows: Tensor, where: Tensor, alone: Tensor) -> Tensor:
    """Return codes (K, D) of rows (K, 2, F) of curves, and (K, 2, F) of where on them."""
    ones = torch.ones(len(rows)).to(rows)
    head = torch.stack((ones, number * ones, alone.to(rows)), -1)
    part = torch.cat((head, torch.cat((rows, where), 1).flatten(1)), -1)
    return _whole(energy, pad(part, (0, SIZE - part.shape[-1])))


def _whole(energy: Energy, part: Tensor) -> Tensor:
    """Return codes (K, D) with the part (K, SIZE) of curves, of which the network says nothing."""
    at = energy.curves.columns
    return pad(part, (at.start, energy.code_size - at.stop))
