# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torques that take the hand along a path: iLQG plans them, and its policy follows the plan."""

from __future__ import annotations

from functools import partial

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.control.compiled_torques import torques_of
from ebm_concept_ros.control.torques import Torques
from ebm_concept_ros.grasping.compiled_cost import compiled_grasp_cost
from ebm_concept_ros.grasping.cost import GraspCost, GraspWeights
from ebm_concept_ros.grasping.hand import HandConfig, with_grasp_site
from ebm_concept_ros.grasping.motion import Path
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.planner import PlannerConfig, PlanningFailed
from ebm_concept_ros.planning.policy import NotFinite, Plan
from ebm_concept_ros.types import JointSample
from ebm_concept_ros.workspace import Workspace


class HandMotion:
    """Plans every `replan_every` torques, on the arm alone, and follows the plan in between.

    Torques are within their limits and rates, and take no joint beyond its speed limit. Not for two
    threads at once.
    """

    def __init__(
        self,
        arm: ArmConfig,
        hand: HandConfig,
        workspace: Workspace,
        period_s: float,
        weights: GraspWeights | None = None,
        replan_every: int = 4,
        compiled: bool = True,
    ) -> None:
        """period_s: from one torque to the next. compiled: as of `IlqgPlanner`."""
        planned = with_grasp_site(arm, hand)
        self._config = PlannerConfig()
        self._planner = IlqgPlanner(
            *(planned, workspace, self._config),
            cost_of=partial(GraspCost, planned, weights=weights or GraspWeights()),
            compiled=compiled,
            compiled_cost=compiled_grasp_cost,
        )
        self._torques: Torques = torques_of(planned, PlanModel(planned, period_s), period_s)
        self._period_s, self._replan_every = period_s, replan_every
        self._knots_s = np.arange(self._config.steps + 1) * self._config.step_s
        self._plan: Plan | None = None
        self._until_plan = 0

    def effort_nm(
        self,
        path: Path,
        time_s: float,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        former_nm: np.ndarray,
    ) -> np.ndarray:
        """Return the torque (n,) N·m along a path at a measured state.

        former_nm: (n,) the torque before. Raises PlanningFailed where there is no finite plan.
        """
        if self._until_plan <= 0 or not self._is_valid(time_s):
            reference = path.reference(time_s + self._knots_s)
            self._plan = self._planner.plan(
                time_s, positions_rad, velocities_rad_s, reference, self._plan
            )
            self._until_plan = self._replan_every
        self._until_plan -= 1
        try:
            return self._torques.following_nm(
                *(self._plan, time_s, JointSample(0, positions_rad, velocities_rad_s)),
                *(former_nm, self._period_s),
            )
        except NotFinite:
            raise PlanningFailed('the plan gave a torque that is not finite') from None

    def _is_valid(self, time_s: float) -> bool:
        """Tell whether there is a plan of that time: not after time began anew or went on alone."""
        plan = self._plan
        return plan is not None and plan.start_s <= time_s <= plan.expires_at_s
