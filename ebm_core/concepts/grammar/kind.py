# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a kind of concept is: how its parameters are drawn, and where its concepts are satisfied.

Everything is drawn in batches on one device. Shapes: C concepts of a kind, S situations of each,
MAX_ROLES references. A concept that takes fewer references leaves the last ones unread.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...world.scene import MAX_ROLES

Parameters = dict[str, Tensor]
_TIMES_AS_MANY, _TRIALS = 3, 12


def uniform(low: float, high: float, *shape: int, device: torch.device) -> Tensor:
    """Return a tensor of a shape, drawn uniformly."""
    return low + (high - low) * torch.rand(shape, device=device)


def chance(share: float | Tensor, count: int, device: torch.device) -> Tensor:
    """Return (count,) bool, true with a probability."""
    return torch.rand(count, device=device) < share


def directions(count: int, device: torch.device, *, upright: float = 0.5) -> Tensor:
    """Return unit vectors (count, 2); the share `upright` of them along an axis of the plane."""
    angle = uniform(0, 2 * math.pi, count, device=device)
    quarter = math.pi / 2
    angle = torch.where(chance(upright, count, device), (angle / quarter).round() * quarter, angle)
    return torch.stack((angle.cos(), angle.sin()), -1)


@dataclass(frozen=True)
class Kind(ABC):
    """One kind of concept that brings an actor to a place. To add a kind is to add a subclass.

    fewest, most: the number of references. ordered: whether they play different roles always
    (True), never (False), or in half of the concepts (None).
    """

    name: str
    fewest: int = 0
    most: int = MAX_ROLES
    ordered: bool | None = None
    # Whether the place depends on where the actor was; no still scene can then show the concept.
    relative: ClassVar[bool] = False
    # Whether a concept has just one satisfied place.
    single_goal: ClassVar[bool] = False
    # Whether parameters can be drawn that are satisfied nowhere, or hardly ever.
    may_fail: ClassVar[bool] = False

    @abstractmethod
    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        """Return the parameters, tensors (C, ...), of concepts.

        references: (C,) their numbers of references; ordered: (C,) bool.
        """

    @abstractmethod
    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        """Return the satisfied place (C, S, 2) that is nearest to `place` (C, S, 2).

        start: (C, S, 2), where the actor was; references: (C, S, MAX_ROLES, 2).
        """

    def violation(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        """Return how far places (C, S, 2) are from satisfied, (C, S) in particle units, about."""
        nearest = self.nearest(p, place, start, references)
        return torch.linalg.vector_norm(place - nearest, dim=-1)

    def shown(self, p: Parameters, start: Tensor, references: Tensor) -> Tensor:
        """Return where a demonstrator brings the actor (C, S, 2): the nearest satisfied place."""
        return self.nearest(p, start, start, references)


@dataclass(frozen=True)
class Concepts:
    """C concepts of one kind.

    references: (C,), how many each takes; ordered: (C,) bool, whether they play different roles.
    """

    kind: Kind
    references: Tensor
    ordered: Tensor
    parameters: Parameters

    @staticmethod
    def draw(kind: Kind, count: int, device: torch.device) -> Concepts:
        """Draw the concepts of a kind; where some may fail, the best of several times as many."""
        if not kind.may_fail:
            return Concepts._drawn(kind, count, device)
        drawn = Concepts._drawn(kind, _TIMES_AS_MANY * count, device)
        shape = (_TIMES_AS_MANY * count, _TRIALS)
        start = uniform(-1, 1, *shape, 2, device=device)
        references = uniform(-1, 1, *shape, MAX_ROLES, 2, device=device)
        place = kind.nearest(drawn.parameters, start, start, references)
        good = (drawn.violation(place, start, references) < 0.02) & (place.abs() < 1).all(-1)
        keep = (good.float().mean(1) + 0.3 * torch.rand(len(good), device=device)).topk(count)
        kept = keep.indices
        parameters = {k: v[kept] for k, v in drawn.parameters.items()}
        return Concepts(kind, drawn.references[kept], drawn.ordered[kept], parameters)

    @staticmethod
    def _drawn(kind: Kind, count: int, device: torch.device) -> Concepts:
        references = torch.randint(kind.fewest, kind.most + 1, (count,), device=device)
        share = 0.5 if kind.ordered is None else float(kind.ordered)
        ordered = chance(share, count, device) & (references > 1)
        return Concepts(kind, references, ordered, kind.draw(references, ordered))

    def violation(self, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        """Return (C, S), how far places (C, S, 2) are from satisfied, particle units, about."""
        return self.kind.violation(self.parameters, place, start, references)

    def taken(self) -> Tensor:
        """Return (C, MAX_ROLES) bool, which references a concept takes."""
        index = torch.arange(MAX_ROLES, device=self.references.device)
        return index < self.references[:, None]

    def roles(self) -> Tensor:
        """Return (C, MAX_ROLES) int64, the role of each reference: 1 for all that are alike."""
        index = torch.arange(1, MAX_ROLES + 1, device=self.references.device)
        return torch.where(self.ordered[:, None], index, 1) * self.taken()


# Anchors: places given by references


def draw_anchor(
    references: Tensor, ordered: Tensor, *, centred: float = 0.0, spread: float = 1.2
) -> Parameters:
    """Return an anchor Σ αᵢ rᵢ + offset: 'alpha' (C, MAX_ROLES) that sum to one, 'offset' (C, 2).

    Without references, the offset is an absolute place. centred: the share of anchors that have no
    offset where there are references. References that are alike weigh the same.
    """
    count, device = len(references), references.device
    taken = (torch.arange(MAX_ROLES, device=device) < references[:, None]).float()
    mean = taken / taken.sum(1, keepdim=True).clamp_min(1)
    weights = uniform(-spread, 1 + spread, count, MAX_ROLES, device=device) * taken
    weights = weights + mean * (1 - weights.sum(1, keepdim=True))
    even = (~ordered | chance(0.25, count, device))[:, None]
    alpha = torch.where(even, mean, weights) * taken
    radius = 0.8 * torch.rand(count, device=device).sqrt()
    offset = radius[:, None] * directions(count, device, upright=0.4)
    centred_here = chance(torch.where(references > 1, max(centred, 0.7), centred), count, device)
    offset = torch.where(centred_here[:, None], 0.0, offset)
    absolute = uniform(-0.9, 0.9, count, 2, device=device)
    return {
        'alpha': alpha,
        'offset': torch.where((references == 0)[:, None], absolute, offset),
    }


def anchor(p: Parameters, references: Tensor) -> Tensor:
    """Return the anchors (C, S, 2)."""
    return torch.einsum('cr,csrx->csx', p['alpha'], references) + p['offset'][:, None]


def between_two(references: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the first reference (C, S, 2), the unit vector to the second, and how far that is."""
    first, way = references[:, :, 0], references[:, :, 1] - references[:, :, 0]
    length = torch.linalg.vector_norm(way, dim=-1, keepdim=True).clamp_min(1e-6)
    return first, way / length, length
