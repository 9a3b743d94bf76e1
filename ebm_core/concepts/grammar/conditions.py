# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Kinds made of conditions: a measure of a place equals a value, or is at most that; one or two.

A measure is a scalar m(place; references) that grows by about one per particle unit. Lines and
rings are where it equals a value, half-planes and discs where it is at most that. Two conditions
together are a conjunction.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .kind import (
    Kind,
    Parameters,
    anchor,
    between_two,
    chance,
    directions,
    draw_anchor,
    uniform,
)

_PROJECTIONS = 6  # Newton steps to a condition, or to two at once
_ABSOLUTE = 0.3  # share of the conjunctions whose first condition is not about references
_DAMPING = 0.02  # of a step to two conditions whose slopes are almost parallel
_SMALL = 1e-3  # of the differences that a measure's slope is taken from, particle units
DEEP = 0.6  # how far beyond the border demonstrators go where an area is asked for


class Measure(ABC):
    """A scalar of a place; `target` is the value that concepts ask for."""

    pairs: ClassVar[bool] = False  # whether it is one of two references (and their order)

    @abstractmethod
    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        """Return parameters (C, ...), among them 'target' (C,)."""

    @abstractmethod
    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        """Return m (C, S) of places (C, S, 2)."""


class Distance(Measure):
    """The distance from an anchor."""

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        p = draw_anchor(references, ordered, centred=0.6)
        return {**p, 'target': uniform(0.12, 0.8, len(references), device=references.device)}

    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        return (place - anchor(p, references)).square().sum(-1).clamp_min(1e-12).sqrt()


class Along(Measure):
    """How far a place is from an anchor in a direction."""

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        p = draw_anchor(references, ordered, centred=0.5)
        target = torch.zeros(count, device=device)
        return {**p, 'direction': directions(count, device), 'target': target}

    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        return ((place - anchor(p, references)) * p['direction'][:, None]).sum(-1)


class AlongPair(Measure):
    """How far along the line from the first reference to the second, as a share of their distance.

    The middle is left out: to be as far from one as from the other is a kind that tests keep back.
    """

    pairs = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        off = uniform(0.15, 0.8, count, device=device)
        side = torch.where(chance(0.5, count, device), 1.0, -1.0)
        return {'share': 0.5 + side * off, 'target': torch.zeros(count, device=device)}

    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        first, unit, length = between_two(references)
        along = ((place - first) * unit).sum(-1)
        return along - p['share'][:, None] * length.squeeze(-1)


class AcrossPair(Measure):
    """How far to the left of the line from the first reference to the second."""

    pairs = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        target = uniform(-0.6, 0.6, count, device=device)
        on_it = ~ordered | chance(0.5, count, device)
        return {'target': torch.where(on_it, 0.0, target)}

    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        first, unit, _ = between_two(references)
        off = place - first
        return unit[..., 0] * off[..., 1] - unit[..., 1] * off[..., 0]


class NearestDistance(Measure):
    """The distance from the nearest (farthest) of the references, whichever that is."""

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        sign = torch.where(chance(0.75, count, device), 1.0, -1.0)
        near, far = uniform(0.1, 0.5, count, device=device), uniform(0.4, 0.9, count, device=device)
        return {
            'references': references,
            'sign': sign,
            'target': torch.where(sign > 0, near, far),
        }

    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        off = (place[:, :, None] - references).square().sum(-1).clamp_min(1e-12).sqrt()
        there = torch.arange(off.shape[-1], device=off.device) < p['references'][:, None, None]
        sign = p['sign'][:, None]
        signed = torch.where(there, sign[..., None] * off, math.inf)
        return sign * signed.amin(-1)


class Nearer(Measure):
    """How much farther a place is from the first reference than from the second, about."""

    pairs = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        return {'target': torch.zeros(count, device=device)}

    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        off = (place[:, :, None] - references[:, :, :2]).square().sum(-1).clamp_min(1e-12).sqrt()
        return 0.5 * (off[..., 0] - off[..., 1])


class Box(Measure):
    """How far outside a rectangle a place is; inside, that is negative."""

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        half = uniform(0.1, 0.5, count, 2, device=device)
        p = draw_anchor(references, ordered, centred=0.6)
        return {**p, 'half': half, 'target': torch.zeros(count, device=device)}

    def value(self, p: Parameters, place: Tensor, references: Tensor) -> Tensor:
        return ((place - anchor(p, references)).abs() - p['half'][:, None]).amax(-1)


@dataclass(frozen=True)
class Condition(Kind):
    """A measure equals its target or, where `at_most`, does not exceed it."""

    measure: Measure | None = None
    at_most: bool = False

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        # Half of the demonstrators go to the border of an area, half of them well inside.
        depth = DEEP * torch.rand(count, device=device) * chance(0.5, count, device)
        return {**self.measure.draw(references, ordered), 'depth': depth}

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        for _ in range(_PROJECTIONS):
            place = self._project(p, place, references, p['target'][:, None])
        return place

    def violation(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        off = self.measure.value(p, place, references) - p['target'][:, None]
        return off.clamp_min(0) if self.at_most else off.abs()

    def shown(self, p: Parameters, start: Tensor, references: Tensor) -> Tensor:
        place = self.nearest(p, start, start, references)
        if not self.at_most:
            return place
        depth = p['depth'][:, None] * torch.rand(place.shape[:2], device=place.device)
        deep = place
        for _ in range(_PROJECTIONS):
            deep = self._project(p, deep, references, p['target'][:, None] - depth)
        inside = self.measure.value(p, deep, references) <= p['target'][:, None] + 1e-3
        return torch.where(inside[..., None], deep, place)

    def _project(self, p: Parameters, place: Tensor, references: Tensor, target: Tensor) -> Tensor:
        """Return places after a Newton step to the target along the measure's gradient."""
        off, slope = self.linearised(p, place, references, target)
        steep = slope.square().sum(-1).clamp_min(0.05)
        return place - (off / steep)[..., None] * slope

    def linearised(
        self, p: Parameters, place: Tensor, references: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return how far the measure is from the target (C, S), and its slope (C, S, 2)."""
        step = _SMALL * torch.eye(2, device=place.device)
        around = torch.cat((place, place + step[0], place + step[1]), 1)
        values = self.measure.value(p, around, references.repeat(1, 3, 1, 1))
        value, east, north = values.chunk(3, 1)
        slope = torch.stack((east - value, north - value), -1) / _SMALL
        off = value - target
        return off.clamp_min(0) if self.at_most else off, slope


@dataclass(frozen=True)
class Both(Kind):
    """A conjunction: the nearest place, about, that satisfies two conditions."""

    first: Condition | None = None
    second: Condition | None = None
    may_fail: ClassVar[bool] = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        # One of the two may be about an absolute place: on this line, and near that reference.
        absolute = chance(_ABSOLUTE, len(references), references.device)
        p = {}
        for prefix, part in (('first.', self.first), ('second.', self.second)):
            own = references
            if part is self.first and not part.measure.pairs:
                own = torch.where(absolute, 0, references)
            p |= {prefix + k: v for k, v in part.draw(own, ordered).items()}
        return p

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        parts = self._parts(p)
        for _ in range(_PROJECTIONS + 2):
            (r1, g1), (r2, g2) = (
                part.linearised(own, place, references, own['target'][:, None])
                for part, own in parts
            )
            # The least step that satisfies both, were they linear; an area that a place is in
            # already asks for none.
            g1, g2 = g1 * (r1 != 0)[..., None], g2 * (r2 != 0)[..., None]
            a, b, d = (g1 * g1).sum(-1), (g1 * g2).sum(-1), (g2 * g2).sum(-1)
            a, d = a + _DAMPING, d + _DAMPING
            determinant = a * d - b * b
            first, second = (d * r1 - b * r2) / determinant, (a * r2 - b * r1) / determinant
            step = first[..., None] * g1 + second[..., None] * g2
            place = place - step.clamp(-1, 1)
        return place

    def violation(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        violations = [part.violation(own, place, start, references) for part, own in self._parts(p)]
        return torch.maximum(*violations)

    def _parts(self, p: Parameters) -> list[tuple[Condition, Parameters]]:
        """Return the two conditions, each with its own parameters."""
        return [
            (part, {k.removeprefix(prefix): v for k, v in p.items() if k.startswith(prefix)})
            for prefix, part in (('first.', self.first), ('second.', self.second))
        ]


@dataclass(frozen=True)
class Segment(Kind):
    """Anywhere between two references, on the straight line."""

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        return {}

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        first, unit, length = between_two(references)
        along = ((place - first) * unit).sum(-1, keepdim=True)
        return first + unit * torch.minimum(along.clamp_min(0), length)
