# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a concept is satisfied in a scene, as the arm would judge it that enacts it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.control.target import make_target
from ebm_concept_ros.types import AnyConcept, NamedScene
from ebm_concept_ros.workspace import Workspace

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel


@dataclass(frozen=True, eq=False)
class Satisfaction:
    """How far the movable entity is from where the energy is lowest.

    energy: with it where it is; lowest_energy: with it at the minimum; distance_m: on the table, to
    where the energy is as low as anywhere. attention: (N,), who takes part.
    """

    energy: float
    lowest_energy: float
    distance_m: float
    attention: np.ndarray


def satisfaction(
    model: ConceptModel,
    concept: AnyConcept,
    scene: NamedScene,
    workspace: Workspace,
    seed: int = 0,
    attention: np.ndarray | None = None,
) -> Satisfaction:
    """Return it for the scene's one movable entity, anywhere in the workspace.

    attention: (N,), who takes part; None: identification tells. Raises InvalidInput where not just
    one entity is movable, and InvalidField where the energy is the same everywhere or not finite.
    """
    target = make_target(model, concept, scene, workspace, seed, attention=attention)
    here = scene.scene.positions[scene.scene.movable][0]
    minimum = target.field.minimum()
    return Satisfaction(
        float(target.field.energy(here)),
        float(target.field.energy(minimum)),
        target.field.distance_to_best(here) * workspace.metres_per_unit,
        target.attention,
    )
