# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What demonstrations say of entities that are moved: which ones, beside which, and where to.

The energy knows actors as black crosses that act, among entities that do not. So those that move
are shown to it as such, where there are others that stay, or where one moves by itself. Who they
are is found apart from that (`whom`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_concept_ros.arranging.whom import CROSS, Whom, whom
from ebm_core.world.scene import ACTOR_COLOUR, Demonstration, InvalidInput, Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

_ONE = (1, 1)


@dataclass(frozen=True, eq=False)
class TaughtArrangement:
    """A concept of entities that are moved.

    action_code: (D,) where to. moved: who is moved. beside: beside whom; beside_actor: (K · D,) a
    code of that with the one mover as the actor, where that finds them better. Both None where
    nobody stays.
    movers, references: how many there were in demonstrations, fewest and most. understanding,
    threshold: as of `ConceptCodes`.
    """

    name: str
    action_code: np.ndarray
    moved: Whom
    beside: Whom | None
    beside_actor: np.ndarray | None
    movers: tuple[int, int]
    references: tuple[int, int]
    understanding: float = math.nan
    threshold: float = math.nan

    @property
    def terms(self) -> tuple[TaughtArrangement, ...]:
        """Itself: a concept is a sum of one."""
        return (self,)

    @property
    def weights(self) -> tuple[float, ...]:
        """Of its only term."""
        return (1.0,)

    @property
    def is_of_one(self) -> bool:
        """Tell whether one is moved by itself."""
        return self.movers == _ONE

    def require_understood(self) -> None:
        """Raise CannotArrange where its demonstrations do not fit together."""
        if not (math.isnan(self.threshold) or self.understanding >= self.threshold):
            raise CannotArrange(
                Reason.NOT_UNDERSTOOD,
                f'the demonstrations of {self.name!r} score {self.understanding:.3g}, understood '
                f'are those from {self.threshold:.3g}',
            )

    def acting(self, scene: Scene, movers: np.ndarray) -> Scene:
        """Return the scene as the energy of the action takes it; movers: (N,) bool."""
        return _acting(scene, movers, self.references[0] > 0 or self.is_of_one)

    def movers_of(self, model: ConceptModel, scene: Scene) -> np.ndarray:
        """Return (N,) bool, all that look like those who are moved."""
        return self.moved.found(model, scene)

    def references_of(
        self, model: ConceptModel, scene: Scene, movers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return (N,) bool, beside whom it is, and their roles (N,) where there are several.

        movers: (N,) bool.
        """
        if self.beside is not None:
            if len(self.beside.code) == model.code_size:
                return self.beside.found(model, scene) & ~movers, None
            roles = np.where(movers, 0, self.beside.roles(model, scene))
        elif self.beside_actor is None:
            return np.zeros(len(scene), bool), None
        else:
            seen = self.acting(scene, movers)
            if len(self.beside_actor) == model.code_size:
                return (model.identify(seen, self.beside_actor) > 0.5) & ~movers, None
            roles = model.identify_roles(seen, self.beside_actor)
        return roles > 0, roles


def taught(
    model: ConceptModel, name: str, demonstrations: Sequence[Demonstration]
) -> TaughtArrangement:
    """Infer who is moved, beside whom, and where to.

    Those of a demonstration who take part and are movable are those who are moved. Raises
    InvalidInput where nobody is, or some demonstrations have entities that stay and others none.
    """
    moved = [d.before.movable & (d.attention > 0.5) for d in demonstrations]
    stay = [d.before.references(d.attention) for d in demonstrations]
    movers, references = ((min(n), max(n)) for n in (_numbers(moved), _numbers(stay)))
    if not movers[0]:
        raise InvalidInput('demonstrations: in one of them no entity that takes part is movable')
    if references[1] and not references[0]:
        raise InvalidInput('demonstrations: in some of them others take part that stay, not in all')
    as_actors = references[0] > 0 or movers == _ONE
    where = [
        Demonstration(
            tuple(_acting(state, who, as_actors) for state in d.states), d.attention, d.roles
        )
        for d, who in zip(demonstrations, moved, strict=True)
    ]
    scenes = [d.before for d in demonstrations]
    action = model.infer(where, in_time=False)
    threshold = model.understanding_threshold
    beside, beside_actor = None, None
    if references[0]:
        beside = whom(model, scenes, stay, [d.roles for d in demonstrations])
        code = action.argument_code
        if movers == _ONE and _finds(model, code, where, stay) > beside.right:
            beside, beside_actor = None, code
    return TaughtArrangement(
        name,
        action.action_code,
        whom(model, scenes, moved),
        beside,
        beside_actor,
        movers,
        references,
        model.understanding(where, in_time=False),
        math.nan if threshold is None else threshold,
    )


def _finds(
    model: ConceptModel,
    code: np.ndarray,
    demonstrations: Sequence[Demonstration],
    meant: Sequence[np.ndarray],
) -> int:
    """Return in how many demonstrations a code finds, beside the actor, those who are meant."""
    found = [(model.identify(d.before, code) > 0.5) & ~d.before.movable for d in demonstrations]
    return sum(map(np.array_equal, found, meant))


def _numbers(masks: Sequence[np.ndarray]) -> list[int]:
    return [int(mask.sum()) for mask in masks] or [0]


def _acting(scene: Scene, movers: np.ndarray, as_actors: bool) -> Scene:
    colours, shapes = scene.colours.copy(), scene.shapes.copy()
    if as_actors:
        colours[movers], shapes[movers] = ACTOR_COLOUR, CROSS
    return Scene(scene.positions, colours, shapes, movers)
