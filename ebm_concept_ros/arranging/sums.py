# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several taught concepts that are to hold of the same movers at once, each with its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.arranging.taught import TaughtArrangement
from ebm_core.world.scene import InvalidInput, Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel


@dataclass(frozen=True, eq=False)
class TaughtSum:
    """Concepts whose energies are added up; who is moved by all of them is moved.

    What was shown of one that moves by itself is asked of each of several. terms: two or more, of
    weight more than 0. Raises InvalidInput where they are about different numbers of movers.
    """

    name: str
    terms: tuple[TaughtArrangement, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        fewest, most = self.movers
        if fewest > most:
            raise InvalidInput(
                'concepts: they cannot be added up, as different numbers are moved: '
                + ', '.join(f'{t.movers[0]} of {t.name!r}' for t in self.terms if not t.is_of_one)
            )

    @property
    def movers(self) -> tuple[int, int]:
        """Return how many are moved at once, fewest and most."""
        several = [term.movers for term in self.terms if not term.is_of_one]
        if not several:
            return 1, 1
        return max(few for few, _ in several), min(many for _, many in several)

    def require_understood(self) -> None:
        """Raise CannotArrange where the demonstrations of a term do not fit together."""
        for term in self.terms:
            term.require_understood()

    def movers_of(self, model: ConceptModel, scene: Scene) -> np.ndarray:
        """Return (N,) bool, all that look like those who are moved, in every term."""
        found = [term.movers_of(model, scene) for term in self.terms]
        if not (both := np.logical_and.reduce(found)).any() and all(map(np.any, found)):
            raise CannotArrange(
                Reason.MISSING,
                'nobody looks like those who are moved in each of '
                + ', '.join(repr(term.name) for term in self.terms),
            )
        return both


AnyTaught = TaughtArrangement | TaughtSum


def composed(name: str, terms: Sequence[TaughtArrangement], weights: Sequence[float]) -> AnyTaught:
    """Return the sum of those that have a weight; one by itself stays as it is."""
    counted = [(t, w) for t, w in zip(terms, weights, strict=True) if w > 0]
    if len(counted) == 1:
        return counted[0][0]
    terms, weights = zip(*counted, strict=True)
    return TaughtSum(name, terms, weights)
