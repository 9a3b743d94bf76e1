# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether those who take part are still there, when entities appear and vanish."""

from __future__ import annotations

import numpy as np

from ebm_concept_ros.control.target import Target, same_codes
from ebm_concept_ros.types import AnyConcept, NamedScene

# Between two views of the same entity, in RGB.
_SAME_COLOUR = 0.15


def vanished(former: Target | None, concept: AnyConcept, scene: NamedScene) -> tuple[str, ...]:
    """Return the ids of those who took part in the concept and are not in the scene any more.

    former: the last target that was good; of what it does not know nothing can have vanished.
    Identification would put the next best in their place, and the arm would go there. A newcomer
    that looks the same is the same: a tracker may lose an entity and name it anew.
    """
    if former is None:
        return ()
    taking_part = np.zeros(len(former.scene.ids), bool)
    for weight, term in zip(concept.weights, concept.terms, strict=True):
        for part in former.parts:
            if weight > 0 and same_codes(part.concept, term):
                taking_part |= part.attention > 0.5
    taking_part &= ~former.scene.scene.movable
    newcomers = [i for i, name in enumerate(scene.ids) if name not in former.scene.ids]
    gone = []
    for index in np.flatnonzero(taking_part):
        if former.scene.ids[index] in scene.ids:
            continue
        same = next((new for new in newcomers if _alike(former.scene, index, scene, new)), None)
        if same is None:
            gone.append(former.scene.ids[index])
        else:
            newcomers.remove(same)
    return tuple(gone)


def _alike(one: NamedScene, i: int, other: NamedScene, j: int) -> bool:
    a, b = one.scene, other.scene
    return (
        a.shapes[i] == b.shapes[j]
        and not b.movable[j]
        and bool(np.linalg.norm(a.colours[i] - b.colours[j]) < _SAME_COLOUR)
    )
