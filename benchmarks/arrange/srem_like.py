# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tasks like those of scene rearrangement by energies: five objects, a line, a circle, groups.

After *Energy-based Models are Zero-Shot Planners for Compositional Scene Rearrangement*
(Gkanatsios et al., RSS 2023). Only like them: what is asked for is demonstrated here, not said;
tables, objects, tolerances and the score are this package's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.arrange.concepts import CONCEPTS, ring, row
from benchmarks.arrange.together import Together
from ebm_core.evaluation.open.concept import OpenConcept, Place
from ebm_core.evaluation.open.formations import Formation
from ebm_core.evaluation.open.geometry import NORTH, beyond

_OBJECTS = 5
FIVE = {'entities': (_OBJECTS, _OBJECTS), 'bystanders': 0}


@dataclass(frozen=True)
class Groups(OpenConcept):
    """Formations of movers of their own, who look different; shown and asked for one by one."""

    terms: tuple[Formation, ...] = ()

    @property
    def movers(self) -> int:
        """How many there are in all groups."""
        return sum(term.movers for term in self.terms)

    @property
    def told(self) -> tuple[int, ...]:
        """Return the group of each mover, from 1."""
        return tuple(i for i, term in enumerate(self.terms, 1) for _ in range(term.movers))

    def members(self, number: int) -> np.ndarray:
        """Return which of the movers form a group."""
        return np.flatnonzero(np.array(self.told) == number + 1)

    def parts(self, number: int) -> Iterator[tuple[OpenConcept, np.ndarray]]:
        """Return each formation, and the entities in the order in which it is shown."""
        for i, term in enumerate(self.terms):
            members = self.members(i)
            yield term, np.concatenate((members, np.setdiff1d(np.arange(number), members)))

    def bring(self, rng: np.random.Generator, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return (movers, 2) places of all, each group where it takes the least motion."""
        places = start.copy()
        for i, term in enumerate(self.terms):
            members = self.members(i)
            places[members] = term.bring(rng, start[members], where)
        return places

    def violation(self, end: np.ndarray, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return by how much the worst group misses its formation."""
        off = []
        for i, term in enumerate(self.terms):
            members = self.members(i)
            off.append(term.violation(end[..., members, :], start[..., members, :], where))
        return np.max(off, 0)


def progress(
    concept: OpenConcept, end: np.ndarray, start: np.ndarray, where: np.ndarray, within: float
) -> float:
    """Return the share of objects that are placed, movers at end (m, 2), particle units.

    Of a formation, as many as are within a distance of places of one template, wherever that is; of
    what one is asked for, the share of concepts that hold.
    """
    if isinstance(concept, Groups):
        of_each = [
            (len(members := concept.members(i)), term, end[members], start[members])
            for i, term in enumerate(concept.terms)
        ]
        placed = [m * progress(term, to, at, where, within) for m, term, to, at in of_each]
        return sum(placed) / concept.movers
    if isinstance(concept, Formation):
        return _in_template(np.array(concept.template), end, within) / concept.movers
    if isinstance(concept, Together) and concept.movers == 1:
        refs = [where[concept.columns(i)] for i in range(len(concept.terms))]
        holds = [
            term.violation(end, start, each) <= within
            for term, each in zip(concept.terms, refs, strict=True)
        ]
        return float(np.mean(holds))
    return float(concept.violation(end, start, where) <= within)


def _in_template(template: np.ndarray, places: np.ndarray, within: float) -> int:
    """Return how many of places (m, 2) are near places of their own of a template (m, 2)."""
    places, template = places @ (1, 1j), template @ (1, 1j)
    most = 1
    for i, j in combinations(range(len(places)), 2):
        for a, b in permutations(range(len(template)), 2):
            turn = (places[j] - places[i]) / (template[b] - template[a])
            turn = turn / max(abs(turn), 1e-9)
            middle = (places[i] + places[j]) / 2 - turn * (template[a] + template[b]) / 2
            near = np.abs(places[:, None] - (turn * template + middle)) <= within
            rows, columns = linear_sum_assignment(~near)
            most = max(most, int(near[rows, columns].sum()))
    return most


_NORTH_OF = Place(
    'anywhere north of A',
    1,
    region=True,
    place=lambda x0, a: beyond(x0, a, NORTH),
    off=lambda x, x0, a: np.maximum((a - x)[..., 1], 0),
)
_LINE, _CIRCLE = 'five in a line, 0.36 apart', 'five in a circle'
_GROUPS = Groups(
    'a group of three and one of two',
    terms=tuple(CONCEPTS[f'{number} joined, 0.36 apart'] for number in ('three', 'two')),
)
SREM_LIKE: dict[str, OpenConcept] = {
    concept.name: concept
    for concept in (
        Formation(_LINE, template=row(_OBJECTS, 0.36)),
        Formation(_CIRCLE, template=ring(_OBJECTS, 0.45)),
        Together.of(CONCEPTS['east of A'], _NORTH_OF),
        _GROUPS,
    )
}
