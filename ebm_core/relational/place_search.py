# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which place demonstrations come to, where it is told by a direction (`directions`).

A place is a base, which is a place of somebody or a foot, and a few times a direction and what is
across it, or along the plane's axes. It explains both coordinates of each demonstration, where a
curve explains one.

Shapes: C codes, M demonstrations, F features, S structures of up to G vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from . import curves, directions
from .curves import FEATURES
from .kept import kept
from .maps import left_out

_LEAST_SPREAD = 1e-4  # what demonstrations tell less of than this, they do not tell
_Vector = tuple[dict[int, float], dict[int, float]]  # by feature, its x and its y


class Structures(NamedTuple):
    """base: (S, 2, F); vectors: (S, 2, F, G), zero where there are fewer; number: (S,) of them."""

    base: Tensor
    vectors: Tensor
    number: Tensor


def places(value: Tensor, end: Tensor, references: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return residuals (C, S, 2, F), by how much (C, S, M, 2) others miss each, numbers (S,).

    value: features (C, M, F) of ends (C, M, 2), of which those count that no place changes.
    """
    tried = _structures(references, end.device)
    base = torch.einsum('cmf,sxf->csmx', value, tried.base)
    columns = torch.einsum('cmf,sxfg->csmxg', value, tried.vectors)
    missed, numbers = left_out(columns, end.unsqueeze(1) - base, tried.number)
    place = tried.base + torch.einsum('sxfg,csg->csxf', tried.vectors, numbers)
    return _own(place) - place, missed, tried.number


def places_fitted(value: Tensor, end: Tensor, references: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return residuals (C, S, 2, F) of least squares, and what is left over.

    That is the sum of squares (C, S), and eigenvalues (C, S, G) of the normal matrix. Arguments are
    those of `places`.
    """
    tried = _structures(references, end.device)
    base = torch.einsum('cmf,sxf->csmx', value, tried.base)
    columns = torch.einsum('cmf,sxfg->csmxg', value, tried.vectors).flatten(-3, -2)
    wanted = (end.unsqueeze(1) - base).flatten(-2).unsqueeze(-1)
    spread, axes = torch.linalg.eigh(columns.mT @ columns)
    along = axes.mT @ (columns.mT @ wanted)
    numbers = axes @ (along / spread.clamp_min(_LEAST_SPREAD).unsqueeze(-1))
    missed = (wanted - columns @ numbers).square().sum((-1, -2))
    place = tried.base + torch.einsum('sxfg,csg->csxf', tried.vectors, numbers.squeeze(-1))
    return _own(place) - place, missed, spread.clamp_min(0)


def _own(place: Tensor) -> Tensor:
    """Return what is the mover's own place, as residuals (2, F)."""
    own = torch.zeros(2, FEATURES).to(place)
    own[0, curves.PLACE] = own[1, curves.PLACE + 1] = 1.0
    return own


@kept
def _structures(references: int, device: torch.device) -> Structures:
    each = list(_of(references))
    most = max(len(vectors) for _, vectors in each)

    def matrix(vector: _Vector) -> Tensor:
        out = torch.zeros(2, FEATURES, dtype=torch.float64)
        for row, of in enumerate(vector):
            for index, coefficient in of.items():
                out[row, index] = coefficient
        return out

    padded = [[*vectors, *[({}, {})] * (most - len(vectors))] for _, vectors in each]
    return Structures(
        torch.stack([matrix(base) for base, _ in each]).to(device),
        torch.stack([torch.stack([matrix(v) for v in few], -1) for few in padded]).to(device),
        torch.tensor([len(vectors) for _, vectors in each], device=device),
    )


def _of(number: int) -> Iterator[tuple[_Vector, list[_Vector]]]:
    """Yield base and vectors of the places that there are with so many references."""
    start = _point({curves.OF_START: 1.0})
    of_references = [_point({curves.OF_REFERENCES + 2 * i: 1.0}) for i in range(number)]
    pairs = [pair for pair, (_, j) in enumerate(directions.PAIRS) if j < number]
    middles = [
        _point({curves.OF_REFERENCES + 2 * k: 0.5 for k in directions.PAIRS[pair]})
        for pair in pairs
    ]
    if number == 3:
        middles.append(_point({curves.OF_REFERENCES + 2 * k: 1 / 3 for k in range(3)}))
    for pair in pairs:
        along = _vector(directions.OF_PAIRS + pair)
        for base in (*of_references, *middles, start):
            yield base, [along]
            yield base, [_across(along)]
            yield base, [along, _across(along)]
        foot = _vector(directions.FEET + pair)
        yield foot, []
        yield foot, [_across(along)]
        yield _less(foot, start), []  # mirrored
    back = [_vector(directions.FROM_REFERENCES + i) for i in range(number)]
    if number != 1:
        back.append(_vector(directions.FROM_MIDDLE))
    bases = [*of_references, middles[-1] if middles else ({}, {})]
    for base, away in zip(bases, back, strict=False):
        for begin in (base, start):
            yield begin, [away]
            yield begin, [_across(away)]
            yield begin, [away, _across(away)]
    for of, (i, j) in enumerate(directions.ORDERED):
        if max(i, j) < number:
            yield of_references[i], [_vector(directions.AS_FAR + of)]
    x, y = ({curves.ONE: 1.0}, {}), ({}, {curves.ONE: 1.0})
    for axis, one in ((0, x), (1, y)):
        kept, turned = (_row({curves.OF_START: 1.0}, row) for row in (1 - axis, axis))
        yield kept, [one]
        yield kept, [turned]
        yield kept, [turned, one]
        for i in range(number):
            yield _sum(kept, _row({curves.OF_REFERENCES + 2 * i: 1.0}, axis)), [one]


def _point(features: dict[int, float]) -> _Vector:
    """Return the vector of features that are x, each followed by its y."""
    return features, {index + 1: c for index, c in features.items()}


def _vector(which: int) -> _Vector:
    return _point({curves.VECTORS + 2 * which: 1.0})


def _row(features: dict[int, float], axis: int) -> _Vector:
    """Return the same in one coordinate alone."""
    return tuple(part if row == axis else {} for row, part in enumerate(_point(features)))  # type: ignore[return-value]


def _across(vector: _Vector) -> _Vector:
    """Return the vector turned to the left by a right angle."""
    x, y = vector
    return {index: -c for index, c in y.items()}, x


def _less(twice: _Vector, other: _Vector) -> _Vector:
    """Return twice a vector, less another."""
    return tuple(
        {**{i: 2 * c for i, c in a.items()}, **{i: -c for i, c in b.items()}}
        for a, b in zip(twice, other, strict=True)
    )  # type: ignore[return-value]


def _sum(a: _Vector, b: _Vector) -> _Vector:
    return tuple({**p, **q} for p, q in zip(a, b, strict=True))  # type: ignore[return-value]
