# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several that move into a formation of another size than the named ones, and colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from typing import ClassVar

import numpy as np

from ...world.scene import COLOUR
from .concept import OpenConcept
from .geometry import length


@dataclass(frozen=True)
class Formation(OpenConcept):
    """All movers form a template, anywhere and any way round, or with their centre on a reference.

    template: (M, 2) particle units. It is its own mirror image, so that distances describe it.
    """

    template: tuple[tuple[float, float], ...] = ()

    @property
    def movers(self) -> int:
        """How many there are."""
        return len(self.template)

    @property
    def movers_told(self) -> bool:
        """Whether it is by what the movers have in common that they are told."""
        return not self.references

    def bring(self, rng: np.random.Generator, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return the formation that takes the least motion (sum of squares).

        In the complex plane: of all assignments of movers to the template's places, the one whose
        best turn leaves the least.
        """
        centre = where if self.references else start.mean(-2, keepdims=True)
        from_centre = (start - centre) @ (1, 1j)
        assigned = (self._places @ (1, 1j))[list(permutations(range(self.movers)))]
        agreement = from_centre @ assigned.conj().T
        best = np.abs(agreement).argmax(-1)
        turn = np.exp(1j * np.angle(np.take_along_axis(agreement, best[..., None], -1)))
        ideal = turn * assigned[best]
        return centre + np.stack((ideal.real, ideal.imag), -1)

    def violation(self, end: np.ndarray, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return the largest error of a distance between two of them, or to the reference."""
        off = np.abs(_distances(end) - _distances(self._places)).max(-1)
        if self.references:
            to_reference = np.sort(length(end - where), -1)
            wanted = np.sort(length(self._places))
            off = np.maximum(off, np.abs(to_reference - wanted).max(-1))
        return off

    @cached_property
    def _places(self) -> np.ndarray:
        places = np.asarray(self.template, float)
        return places - places.mean(0)


@dataclass(frozen=True)
class Recolouring(OpenConcept):
    """One entity takes a colour (R, G, B)."""

    colour: tuple[float, float, float] = (0.0, 0.0, 0.0)
    changes: ClassVar[slice] = COLOUR
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    movers_told: ClassVar[bool] = True

    def bring(self, rng: np.random.Generator, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return the colour."""
        return np.broadcast_to(self.colour, start.shape)

    def violation(self, end: np.ndarray, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return the distance in RGB."""
        return length(end - self.colour)[..., 0]


def _distances(points: np.ndarray) -> np.ndarray:
    """Return all distances between two of (..., M, 2), in ascending order."""
    i, j = np.array(list(combinations(range(points.shape[-2]), 2))).T
    return np.sort(length(points[..., i, :] - points[..., j, :]), -1)


def _row(number: int, spacing: float) -> tuple[tuple[float, float], ...]:
    return tuple((spacing * i, 0.0) for i in range(number))


def _around(number: int, radius: float) -> tuple[tuple[float, float], ...]:
    turn = 2 * np.pi * np.arange(number) / number
    return tuple(zip(radius * np.cos(turn), radius * np.sin(turn), strict=True))


_RECTANGLE = ((0.0, 0.0), (0.7, 0.0), (0.7, 0.35), (0.0, 0.35))

CONCEPTS = (
    Formation('a pair 0.6 apart', template=_row(2, 0.6)),
    Formation('a row of three, 0.25 apart', template=_row(3, 0.25)),
    Formation('a row of four, 0.35 apart', template=_row(4, 0.35)),
    Formation('a triangle of side 0.8', template=_around(3, 0.8 / 3**0.5)),
    Formation('a rectangle of 0.7 × 0.35', template=_RECTANGLE),
    Formation('a pair on either side of A, at 0.35', 1, template=_row(2, 0.7)),
    Formation('three evenly round A, at 0.3', 1, template=_around(3, 0.3)),
    Recolouring('teal', still=False, colour=(0.1, 0.6, 0.6)),
    Recolouring('pink', still=False, colour=(0.95, 0.6, 0.75)),
)
