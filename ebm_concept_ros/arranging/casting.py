# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who on a table takes part in a taught concept, or in each of several that are added up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.arranging.sums import AnyTaught
from ebm_concept_ros.arranging.taught import TaughtArrangement
from ebm_core.world.scene import Scene

if TYPE_CHECKING:
    from ebm_core.relational.arrangements import Arrangements, SummedArrangements
    from ebm_core.relational.model import ConceptModel

_MOST_SUBSETS = 20  # of those who look alike, where fewer are needed


class Part(NamedTuple):
    """One concept as the energy takes it, of all movers or of one of several.

    who: (k,) numbers of the cast's movers that it is about. scene, attention (N,), roles (N,).
    """

    concept: TaughtArrangement
    weight: float
    who: np.ndarray
    scene: Scene
    attention: np.ndarray
    roles: np.ndarray | None

    def energy(self, model: ConceptModel, *, in_sum: bool) -> Arrangements:
        """Return the energy by where those are whom it is about."""
        from ebm_core.relational.arrangements import Arrangements  # torch takes seconds

        code = self.concept.action_code
        return Arrangements(
            model, self.scene, self.attention, code, roles=self.roles, in_sum=in_sum
        )

    def is_satisfied(
        self, model: ConceptModel, movers: np.ndarray, places: np.ndarray, seed: int
    ) -> bool:
        """Tell whether it holds with the cast's movers (m,) at places (m, 2)."""
        positions = self.scene.positions.copy()
        positions[movers] = places
        states = (self.scene, self.scene.with_positions(positions))
        code = self.concept.action_code
        return model.satisfied(states, self.attention, code, seed, roles=self.roles)


class Cast(NamedTuple):
    """Who takes part: indices (m,) of movers in the scene, ascending, and what is asked of them."""

    movers: np.ndarray
    parts: tuple[Part, ...]

    @property
    def starts(self) -> np.ndarray:
        """Return where (m, 2) the movers are, particle units."""
        return self.parts[0].scene.positions[self.movers]

    @property
    def references(self) -> np.ndarray:
        """Return the indices of those beside whom it is."""
        attended = np.max([part.attention for part in self.parts], axis=0) > 0.5
        return np.setdiff1d(np.flatnonzero(attended), self.movers)

    def energy(self, model: ConceptModel) -> Arrangements | SummedArrangements:
        """Return the energy by where the movers are."""
        if len(self.parts) == 1:
            return self.parts[0].energy(model, in_sum=False)
        from ebm_core.relational.arrangements import SummedArrangements

        return SummedArrangements(
            len(self.movers),
            [(part.weight, part.energy(model, in_sum=True), part.who) for part in self.parts],
        )


def casts(
    model: ConceptModel, concept: AnyTaught, scene: Scene, standing: Sequence[Standing]
) -> list[Cast]:
    """Return who can take part, several where more look alike than are needed.

    Raises CannotArrange where somebody is missing.
    """
    found = np.flatnonzero(concept.movers_of(model, scene))
    fewest, most = concept.movers
    if len(found) < fewest:
        raise CannotArrange(
            Reason.MISSING,
            f'{concept.name!r} is about {fewest} that are moved, {len(found)} are there',
        )
    subsets = [found]
    if len(found) > most:
        subsets = [np.array(s) for s in combinations(found.tolist(), most)][:_MOST_SUBSETS]
    made, refusal = [], None
    for movers in subsets:
        try:
            made.append(_cast(model, concept, scene, standing, movers))
        except CannotArrange as error:
            refusal = error
    if not made:
        raise refusal
    return made


def _cast(
    model: ConceptModel,
    concept: AnyTaught,
    scene: Scene,
    standing: Sequence[Standing],
    movers: np.ndarray,
) -> Cast:
    parts = []
    for term, weight in zip(concept.terms, concept.weights, strict=True):
        of_each = term.is_of_one and len(movers) > 1
        for who in np.arange(len(movers))[:, None] if of_each else [np.arange(len(movers))]:
            part = _part(model, term, weight, scene, standing, movers, who)
            parts.append(part)
    return Cast(movers, tuple(parts))


def _part(
    model: ConceptModel,
    concept: TaughtArrangement,
    weight: float,
    scene: Scene,
    standing: Sequence[Standing],
    movers: np.ndarray,
    who: np.ndarray,
) -> Part:
    is_mover, acts = (np.isin(np.arange(len(scene)), some) for some in (movers, movers[who]))
    # Of one of several it is asked as if the others were not there.
    there = acts | ~is_mover
    stays, roles = np.zeros(len(scene), bool), None
    stays[there], of_those = concept.references_of(model, scene.only(there), acts[there])
    if of_those is not None:
        roles = np.zeros(len(scene), np.int8)
        roles[there] = of_those
    fewest, most = concept.references
    if not fewest <= stays.sum() <= most:
        names = ', '.join(standing[i].id for i in np.flatnonzero(stays)) or 'none'
        raise CannotArrange(
            Reason.MISSING,
            f'{concept.name!r} refers to {fewest} that stay, {int(stays.sum())} are there '
            f'({names})',
        )
    acting = concept.acting(scene, acts)
    return Part(concept, weight, who, acting, (acts | stays).astype(float), roles)
