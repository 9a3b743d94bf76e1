# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What regions are bounded by: a feature of the place is at most so much, or at least.

Shapes: C codes, M demonstrations, F features, K kinds of bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

from . import curves
from .curve_kinds import COST
from .curves import FEATURES, MOST
from .directions import PAIRS
from .kept import kept

# Nats, to say one number: which hundredth of the plane's width, or which direction.
NUMBER = math.log(100)
_LEAST_SINE = 0.2  # between two ways whose crossing is a circle's middle
_FEW = 5  # demonstrations, of which each two tell a circle


class Bounds(NamedTuple):
    """Candidates: the sums θ · φ (C, K, F) of features that are at most something; cost: (K,) nats.

    What they are at most is one number, which the cost contains.
    """

    theta: Tensor
    cost: Tensor


def candidates(number: int, end: Tensor, away: Tensor) -> Bounds:
    """Return all bounds that are tried where there are so many references.

    end: (C, M, 2) where the mover came to be; away: (C, M, 2) from there to where it began. Who
    goes to the nearest place of a half-plane shows its direction, and two who go to a disc its
    middle.
    """
    fixed, cost = _fixed(number, end.device)
    fixed = fixed.to(end).expand(len(end), -1, -1)
    lines, circles = _lines(number, away), _circles(end, away)
    of_lines = end.new_full((lines.shape[1],), COST + 2 * NUMBER)
    of_circles = end.new_full((circles.shape[1],), COST + 3 * NUMBER)
    cost = torch.cat((cost.to(end), of_lines, of_circles))
    return Bounds(torch.cat((fixed, lines, circles), 1), cost)


def _lines(number: int, away: Tensor) -> Tensor:
    """Return half-planes (C, M · frames, F), each with its direction from one demonstration."""
    normal = torch.nn.functional.normalize(away, dim=-1)
    frames = []
    for weights in _frames(number):
        theta = normal.new_zeros(*normal.shape[:2], FEATURES)
        theta[..., curves.PLACE : curves.PLACE + 2] = normal
        for i, weight in weights.items():
            first = curves.OF_REFERENCES + 2 * i
            theta[..., first : first + 2] = -weight * normal
        frames.append(theta)
    return torch.cat(frames, 1)


def _circles(end: Tensor, away: Tensor) -> Tensor:
    """Return discs and what is outside of them, (C, 2 · pairs, F), around where two ways cross."""
    few = min(end.shape[1], _FEW)
    first, second = torch.tensor(list(combinations(range(few), 2))).view(-1, 2).unbind(-1)
    way = torch.nn.functional.normalize(away, dim=-1)
    one, other = way[:, first], way[:, second]
    between = end[:, second] - end[:, first]
    sine = cross(one, other)
    crosses = sine.abs() > _LEAST_SINE
    along = cross(between, other) / torch.where(crosses, sine, 1.0)
    centre = end[:, first] + along.unsqueeze(-1) * one
    theta = end.new_zeros(*centre.shape[:2], FEATURES)
    theta[..., curves.SQUARED] = 1.0
    theta[..., curves.PLACE : curves.PLACE + 2] = -2 * centre
    theta = theta * crosses.unsqueeze(-1)
    return torch.cat((theta, -theta), 1)


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Return the cross products (...) of vectors (..., 2)."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _frames(number: int) -> Iterator[dict[int, float]]:
    """Yield from where places are seen: nowhere, from each reference, from the middle of all."""
    yield {}
    for i in range(number):
        yield {i: 1.0}
    if number > 1:
        yield {i: 1.0 / number for i in range(number)}


@kept
def _fixed(number: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return bounds (K, F) that take no more than one number, from both sides, and costs (K,)."""
    usual, others = list(_usual(number)), list(_others(number))
    theta = torch.zeros(len(usual) + len(others), FEATURES)
    for row, feature in zip(theta, usual + others, strict=True):
        for index, coefficient in feature.items():
            row[index] = coefficient
    cost = [math.log(4 * len(usual))] * len(usual) + [COST] * len(others)
    cost = NUMBER + torch.tensor(cost)
    return torch.cat((theta, -theta)).to(device), torch.cat((cost, cost)).to(device)


def _usual(number: int) -> Iterator[dict[int, float]]:
    """Yield what one thinks of first: a coordinate, how far from somebody, on which side."""
    yield {curves.PLACE: 1.0}
    yield {curves.PLACE + 1: 1.0}
    for i in range(number):
        yield {i: 1.0}
        for axis in (0, 1):
            yield {curves.PLACE + axis: 1.0, curves.OF_REFERENCES + 2 * i + axis: -1.0}
    if number > 1:
        yield {0: 1.0, 1: -1.0}  # which of two is nearer


def _others(number: int) -> Iterator[dict[int, float]]:
    if not number:
        yield {curves.TO_ALL: 1.0}  # the plane's middle
        yield {curves.SQUARE: 1.0}
    for i in range(number):
        yield {curves.SQUARE + i: 1.0}
        for axis in (0, 1):
            yield {curves.ASIDE + 2 * (i + 1) + axis: 1.0}
    if number < 2:
        return
    yield {curves.NEAREST: 1.0}
    yield {curves.FARTHEST: 1.0}
    yield {curves.TO_ALL: 1.0}
    for axis in (0, 1):
        yield {curves.PLACE + axis: 1.0, curves.LEAST + axis: -1.0}
        yield {curves.PLACE + axis: 1.0, curves.GREATEST + axis: -1.0}
        middle = {curves.OF_REFERENCES + 2 * i + axis: -1.0 / number for i in range(number)}
        yield {curves.PLACE + axis: 1.0, **middle}
    for pair, (i, j) in enumerate(PAIRS):
        if j >= number:
            continue
        yield {curves.OFF + pair: 1.0}
        yield {curves.ALONG + pair: 1.0}
        yield {curves.ALONG + pair: 1.0, curves.APART + pair: -1.0}
        yield {i: 1.0, j: 1.0}
        if (i, j) != PAIRS[0]:
            yield {i: 1.0, j: -1.0}
        if number == MOST:
            yield {curves.to_middle(pair): 1.0}
