# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the effector is, and how far from what is enacted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.control.target import Target
from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.types import AnyConcept
from ebm_concept_ros.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Measured:
    """What the newest joint state means for the target; NaN and None where that is not known.

    effector_m, goal_m: (3,) in base; the goal is where the energy field is lowest. energy: at the
    effector. distance_m: along the table to where the energy is as low as anywhere. plan_age_s:
    since the state that the plan starts from.
    """

    target: Target | None = None
    effector_m: np.ndarray | None = None
    goal_m: np.ndarray | None = None
    energy: float = math.nan
    distance_m: float = math.nan
    plan_age_s: float = math.nan

    @property
    def concept(self) -> AnyConcept | None:
        """Of the target."""
        return None if self.target is None else self.target.concept

    @property
    def taking_part(self) -> tuple[str, ...]:
        """Ids of the entities that identification found."""
        if self.target is None:
            return ()
        ids, attention = self.target.scene.ids, self.target.attention
        return tuple(name for name, a in zip(ids, attention, strict=True) if a > 0.5)


def measured(controller: TrackingController, model: PlanModel, workspace: Workspace) -> Measured:
    """Return what is known now. model: for the effector's position; not another thread's."""
    state, target, plan = controller.state, controller.assignment.target, controller.plan
    effector_m = goal_m = None
    energy = distance_m = plan_age_s = math.nan
    if state is not None:
        effector_m = model.effector_in_base_m(state.sample.positions_rad)
        if plan is not None:
            plan_age_s = state.stamp_s - plan.start_s
    if target is not None:
        goal_m = np.append(
            workspace.to_base(target.field.minimum()), workspace.hover_height_in_base_m
        )
        if effector_m is not None:
            at = workspace.to_plane(effector_m)
            energy = target.field.energy_at(at)
            distance_m = target.field.distance_to_best(at) * workspace.metres_per_unit
    return Measured(target, effector_m, goal_m, energy, distance_m, plan_age_s)
