# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whom demonstrations mean, told apart from what is done: by still scenes of the same entities.

The energy is asked in two ways. *All that look like that*: nobody acts, and as in a scene without
one of those who are meant the others are meant still, such scenes are shown, too. *Beside the
hand*: the hand is the actor, as in every scene of the reaching arm. The way counts that finds those
who were meant in more of the demonstrations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ebm_core.world.scene import ACTOR_COLOUR, SHAPES, Demonstration, Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

CROSS = SHAPES.index('cross')
_HAND_AT = (-0.6, 0.0)  # particle units; where it is says nothing, as it is always there


@dataclass(frozen=True, eq=False)
class Whom:
    """A code that finds entities, and how often it finds who was meant in demonstrations.

    code: (K · D,) of K roles; with_hand: whether beside the hand.
    """

    code: np.ndarray
    with_hand: bool
    right: int = 0

    def found(self, model: ConceptModel, scene: Scene) -> np.ndarray:
        """Return (N,) bool, who is meant in a scene."""
        return model.identify(self._seen(scene), self.code)[: len(scene)] > 0.5

    def roles(self, model: ConceptModel, scene: Scene) -> np.ndarray:
        """Return the role (N,) of each, 0 of who is not meant."""
        return model.identify_roles(self._seen(scene), self.code)[: len(scene)]

    def _seen(self, scene: Scene) -> Scene:
        nobody = np.zeros(len(scene), bool)
        return _shown(scene, nobody, with_hand=self.with_hand)


def whom(
    model: ConceptModel,
    scenes: Sequence[Scene],
    meant: Sequence[np.ndarray],
    roles: Sequence[np.ndarray | None] | None = None,
) -> Whom:
    """Return what finds those who are meant, (N,) bool in each of the scenes.

    roles: (N,) which role each plays, where there are several: then beside the hand.
    """
    roles = roles or [None] * len(scenes)
    shown = list(zip(scenes, meant, roles, strict=True))
    beside = Whom(
        model.infer([_demonstration(*each, with_hand=True) for each in shown]).argument_code, True
    )
    if len(beside.code) > model.code_size:
        return beside
    fewer = [(*_without_one(scene, who), None) for scene, who, _ in shown if who.sum() > 1]
    still = [_demonstration(*each, with_hand=False) for each in (*shown, *fewer)]
    alike = Whom(model.infer(still).action_code, False)

    def right(code: Whom) -> Whom:
        found = [code.found(model, scene) for scene in scenes]
        return replace(code, right=sum(map(np.array_equal, found, meant)))

    return max(right(alike), right(beside), key=lambda code: code.right)


def _without_one(scene: Scene, who: np.ndarray) -> tuple[Scene, np.ndarray]:
    kept = np.arange(len(scene)) != np.flatnonzero(who)[0]
    return scene.only(kept), who[kept]


def _demonstration(
    scene: Scene, who: np.ndarray, roles: np.ndarray | None, *, with_hand: bool
) -> Demonstration:
    seen = _shown(scene, np.zeros(len(scene), bool), with_hand=with_hand)
    attention = np.append(who, True) if with_hand else who
    if roles is not None:
        roles = np.append(roles, 0) if with_hand else None
    return Demonstration((seen, seen), attention.astype(float), roles)


def _shown(scene: Scene, movable: np.ndarray, *, with_hand: bool) -> Scene:
    """Return the scene in which only the hand can act, if it is there; it comes last."""
    if not with_hand:
        return Scene(scene.positions, scene.colours, scene.shapes, movable)
    return Scene(
        np.vstack((scene.positions, _HAND_AT)),
        np.vstack((scene.colours, ACTOR_COLOUR)),
        np.append(scene.shapes, CROSS),
        np.append(movable, True),
    )
