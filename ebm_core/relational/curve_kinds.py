# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Of which features curves are made that somebody might mean: lines, rings, ellipses and others.

Shapes: F features, W combinations of up to G features that slope.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from . import curves
from .curves import FEATURES, MOST
from .directions import PAIRS
from .kept import kept

EVIDENCE = 4.0  # nats, by which a curve or a region has to be more likely than chance
COST = math.log(128)  # nats, to say which of so many combinations it is, of those that are unusual


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


@kept
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
        torch.tensor([math.log(2 * len(usual))] * len(usual) + [COST] * len(others)).to(device),
        torch.tensor([min(s[0]) not in _ASIDE for s, _ in each], device=device),
    )


_ASIDE = range(curves.ASIDE, curves.ASIDE + 2 * (1 + MOST))
_Combination = tuple[list[dict[int, float]], dict[int, float] | None]


def _usual(number: int) -> Iterator[_Combination]:
    """Yield the combinations of features that one thinks of first: lines and rings."""
    one = {curves.ONE: 1.0}
    yield [{curves.PLACE: 1.0}], one
    yield [{curves.PLACE + 1: 1.0}], one
    yield [{curves.TO_START: 1.0}], one  # so far from where it was
    if not number:  # at one of four corners, or on one of two lines, round the plane's middle
        yield [{curves.ASIDE: 1.0}], one
        yield [{curves.ASIDE + 1: 1.0}], one
        yield [{curves.SQUARE: 1.0}], one  # so far from the nearest edge of the table
    for i in range(number):
        yield [{i: 1.0}], one
    for pair, (_, j) in enumerate(PAIRS):
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
    if number > 1:
        yield [{curves.NEAREST: 1.0}], one
        yield [{curves.FARTHEST: 1.0}], one
    for pair, (i, j) in enumerate(PAIRS):
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
    for aside in _ASIDE[0 if number else 2 : 2 * (1 + number)]:
        yield [{aside: 1.0}], one
