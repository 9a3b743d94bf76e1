# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts that are to hold at once, each taught by itself, and the pairs that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.arrange.concepts import CONCEPTS
from ebm_core.evaluation.open.concept import OpenConcept, Place
from ebm_core.evaluation.open.formations import Formation
from ebm_core.evaluation.open.geometry import length

BOTH = ' + '
# Rounds of going to where one holds after the other, and how much farther each time.
_ROUNDS = 60
_BEYOND = 1.3


@dataclass(frozen=True)
class Together(OpenConcept):
    """Every one of `terms` holds, each beside references of its own, which look different.

    What one mover is asked for is asked of each of several.
    """

    terms: tuple[OpenConcept, ...] = ()

    @staticmethod
    def of(*terms: OpenConcept) -> Together:
        """Return the sum of some concepts."""
        return Together(
            BOTH.join(term.name for term in terms),
            sum(term.references for term in terms),
            apart=max(term.apart for term in terms),
            terms=terms,
        )

    @property
    def movers(self) -> int:
        """How many there are."""
        return max(term.movers for term in self.terms)

    @property
    def region(self) -> bool:
        """Whether one of them has an inside."""
        return any(getattr(term, 'region', False) for term in self.terms)

    @property
    def roles(self) -> tuple[int, ...]:
        """Return what tells each reference: of every concept looks of their own."""
        roles: tuple[int, ...] = ()
        for term in self.terms:
            roles += tuple(max(roles, default=0) + role for role in term.roles)
        return roles

    def columns(self, number: int) -> np.ndarray:
        """Return which of the references (K,) are those of a term."""
        before = sum(term.references for term in self.terms[:number])
        return before + np.arange(self.terms[number].references)

    def parts(self, number: int) -> Iterator[tuple[OpenConcept, np.ndarray]]:
        """Return each concept, and which of `number` entities are there where it is shown."""
        m, r = self.movers, self.references
        for i, term in enumerate(self.terms):
            others = np.arange(m + r, number)
            yield term, np.concatenate((np.arange(term.movers), m + self.columns(i), others))

    def bring(self, rng: np.random.Generator, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return (movers, 2) places nearby where all hold, if that is found; else others."""
        places = start
        for last in np.arange(_ROUNDS) >= _ROUNDS // 2:
            # The last rounds end in what is exact.
            beyond = 1.0 if last else _BEYOND
            for i in reversed(range(len(self.terms))):
                there = self._satisfied(rng, i, places, where[self.columns(i)])
                places = places + beyond * (there - places)
        return places

    def violation(self, end: np.ndarray, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return by how much the one is missed that is missed most, of all movers."""
        off = []
        for i, term in enumerate(self.terms):
            refs, each = where[..., self.columns(i), :], np.arange(self.movers)
            for who in [each] if term.movers == self.movers else each[:, None]:
                off.append(term.violation(end[..., who, :], start[..., who, :], refs))
        return np.max(off, 0)

    def fitted(self, places: np.ndarray) -> np.ndarray:
        """Return places (P, 2), movers first, with references moved so that all can hold at once.

        Where the first concept has the one mover, the others' references are put for them, too.
        """
        if self.movers > 1:
            return places
        places, start = places.copy(), places[:1]
        there = _place(self.terms[0], start, places[1 + self.columns(0)])
        for i, term in enumerate(self.terms[1:], 1):
            if term.references:
                mine = 1 + self.columns(i)
                places[mine] += there - _place(term, start, places[mine])
        return places

    def _satisfied(
        self, rng: np.random.Generator, number: int, places: np.ndarray, where: np.ndarray
    ) -> np.ndarray:
        term = self.terms[number]
        if isinstance(term, Formation):
            return term.bring(rng, places, where)
        return np.concatenate([_place(term, each[None], where) for each in places])


def _place(term: Place, start: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the nearest place (1, 2) to start (1, 2) where a concept of one mover holds."""
    return term.place(start, *(each[None] for each in where))


_NORTH_EAST = Place(
    'north-east of A',
    1,
    region=True,
    place=lambda x0, a: np.maximum(x0, a + 0.1),
    off=lambda x, x0, a: length(np.maximum(a + 0.1 - x, 0.0)),
)
_KNOWN = CONCEPTS | {_NORTH_EAST.name: _NORTH_EAST}
_RING, _IN_LINE = '0.55 from A, from wherever it comes', 'in line with two others'
_TILTED, _LEFT = 'north-east of a tilted line', 'left of x = −0.3'
_PAIRS = (
    ('north', _IN_LINE),
    ('between', 'on a line at 35° through A'),
    (_IN_LINE, _RING),
    ('equally far from two', _RING),
    (_LEFT, _RING),
    ('east of A', _RING),
    ('0.4 from the middle of two', _TILTED),
    ('on the line y = x / 2 − 0.2', _RING),
    ('horizontal_line', 'vertical_line'),
    ('at least 0.8 from A', 'horizontal_line'),
    ('nearer to A than to B', 'circle'),
    ('in line with A and B and 0.3 from A', _TILTED),
    ('triangle', _LEFT),
    ('triangle', _NORTH_EAST.name),
    ('line', _TILTED),
    ('line', 'horizontal_line'),
    ('two joined, 0.36 apart', 'within 0.3 of (0.4, 0.35)'),
    ('three joined, 0.36 apart', 'nearer to A than to B'),
    ('a pair 0.6 apart', 'at least 0.8 from A'),
    ('square', _TILTED),
)
SUMS: dict[str, Together] = {
    concept.name: concept
    for concept in (Together.of(*(_KNOWN[name] for name in names)) for names in _PAIRS)
}
