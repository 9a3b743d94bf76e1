# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The planners by name. A new one: a file with a Planner in it, and a line here."""

from __future__ import annotations

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.cem import CemPlanner
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.planning.mppi import MppiPlanner
from ebm_concept_ros.planning.planner import Planner, PlannerConfig
from ebm_concept_ros.planning.predictive_sampling import PredictiveSamplingPlanner
from ebm_concept_ros.planning.trajectory_energy import TrajectoryEnergyPlanner
from ebm_concept_ros.workspace import Workspace

PLANNERS: dict[str, type[Planner]] = {
    'ilqg': IlqgPlanner,
    'predictive_sampling': PredictiveSamplingPlanner,
    'mppi': MppiPlanner,
    'cem': CemPlanner,
    'trajectory_energy': TrajectoryEnergyPlanner,
}


class UnknownPlanner(ValueError):
    """A planner that does not exist; the message lists those that do."""


def make_planner(
    name: str, arm: ArmConfig, workspace: Workspace, config: PlannerConfig | None = None
) -> Planner:
    """Return the planner of that name; config: of the planner's own `config_type`, or its defaults.

    Raises UnknownPlanner, and TypeError for another planner's config.
    """
    if name not in PLANNERS:
        raise UnknownPlanner(f'planner: {name!r} is unknown; known are {", ".join(PLANNERS)}')
    return PLANNERS[name](arm, workspace, config)
