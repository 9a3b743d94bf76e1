# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What demonstrations say of entities that are moved: which ones, beside which, and where to.

The energy knows actors as black crosses that act, among entities that do not. So it is asked twice.
Who is to be moved is a question about entities that stand still, with the hand as the actor, as in
every scene of the reaching arm. Where to is a question about actors: those that move are shown to
it as such where there are others that stay, or where one moves by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.arranging.refusals import CannotArrange, Reason
from ebm_core.world.scene import ACTOR_COLOUR, SHAPES, Demonstration, InvalidInput, Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

_CROSS = SHAPES.index('cross')
_HAND_AT = (-0.6, 0.0)  # particle units; where it is says nothing, as it is always there


@dataclass(frozen=True, eq=False)
class TaughtArrangement:
    """A concept of entities that are moved.

    action_code: (D,) where to. mover_code: (K · D,) who is moved, K looks. reference_code: (K · D,)
    beside whom, None where nobody stays. movers, references: how many there were in demonstrations,
    fewest and most. as_actors: whether movers are shown to the energy as actors. understanding,
    threshold: as of `ConceptCodes`.
    """

    name: str
    action_code: np.ndarray
    mover_code: np.ndarray
    reference_code: np.ndarray | None
    movers: tuple[int, int]
    references: tuple[int, int]
    as_actors: bool
    understanding: float = math.nan
    threshold: float = math.nan

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
        return _acting(scene, movers, self.as_actors)


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
    as_actors = references[0] > 0 or movers == (1, 1)
    where = [
        Demonstration(
            tuple(_acting(state, who, as_actors) for state in d.states), d.attention, d.roles
        )
        for d, who in zip(demonstrations, moved, strict=True)
    ]
    whom = [_with_hand(d.before, who) for d, who in zip(demonstrations, moved, strict=True)]
    action = model.infer(where, in_time=False)
    reference_code = action.argument_code if references[0] else None
    if references[0] and movers != (1, 1):
        beside = [
            _with_hand(d.before, who, d.roles) for d, who in zip(demonstrations, stay, strict=True)
        ]
        reference_code = model.infer(beside).argument_code
    threshold = model.understanding_threshold
    return TaughtArrangement(
        name,
        action.action_code,
        model.infer(whom).argument_code,
        reference_code,
        movers,
        references,
        as_actors,
        model.understanding(where, in_time=False),
        math.nan if threshold is None else threshold,
    )


def who_moves(model: ConceptModel, concept: TaughtArrangement, scene: Scene) -> np.ndarray:
    """Return (N,) bool, all that look like those who are moved."""
    seen = _with_hand(scene, np.zeros(len(scene), bool)).before
    return model.identify(seen, concept.mover_code)[:-1] > 0.5


def who_stays(
    model: ConceptModel, concept: TaughtArrangement, scene: Scene, movers: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (N,) bool, those beside whom it is, and their roles (N,) where there are several.

    movers: (N,) bool. One mover is the actor that references are told beside; of several it is the
    hand.
    """
    code, n = concept.reference_code, len(scene)
    if code is None:
        return np.zeros(n, bool), None
    seen = concept.acting(scene, movers)
    if concept.movers != (1, 1):
        seen = _with_hand(scene, np.zeros(n, bool)).before
    if len(code) > len(concept.action_code):
        roles = np.where(movers, 0, model.identify_roles(seen, code)[:n])
        return roles > 0, roles
    return (model.identify(seen, code)[:n] > 0.5) & ~movers, None


def _numbers(masks: Sequence[np.ndarray]) -> list[int]:
    return [int(mask.sum()) for mask in masks] or [0]


def _acting(scene: Scene, movers: np.ndarray, as_actors: bool) -> Scene:
    colours, shapes = scene.colours.copy(), scene.shapes.copy()
    if as_actors:
        colours[movers], shapes[movers] = ACTOR_COLOUR, _CROSS
    return Scene(scene.positions, colours, shapes, movers)


def _with_hand(scene: Scene, who: np.ndarray, roles: np.ndarray | None = None) -> Demonstration:
    """Return a still scene in which the hand, which comes last, and who (N,) have attention."""
    seen = Scene(
        np.vstack((scene.positions, _HAND_AT)),
        np.vstack((scene.colours, ACTOR_COLOUR)),
        np.append(scene.shapes, _CROSS),
        np.append(np.zeros(len(scene), bool), True),
    )
    roles = None if roles is None else np.append(roles, 0)
    return Demonstration((seen, seen), np.append(who, True).astype(float), roles)
