# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the controller is configured with, and whether it fits together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.nodes.runtime.pacing import require_divisor
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters
from ebm_concept_ros.nodes.runtime.resources import (
    load_arm_parameter,
    load_weights_parameter,
    load_workspace_parameter,
)
from ebm_concept_ros.planning.planner import Planner, PlannerConfig
from ebm_concept_ros.planning.planners import PLANNERS, UnknownPlanner, make_planner
from ebm_concept_ros.workspace import Workspace

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

_PLANNER = PlannerConfig()


class ControllerParameters(Parameters):
    """Parameters of the controller."""

    model_dir: str = Field('', description='folder of the weights; empty: those of the package')
    arm: str = Field('jaco', description='name of a shipped arm, or the YAML of another')
    workspace_config: str = Field('', description="YAML of the workspace; empty: the package's")
    autostart: bool = Field(True, description='configure and activate without being asked')
    lockstep: bool = Field(False, description='answer every joint state, plan in between')
    state_rate: float = Field(
        500.0, ge=50.0, le=2000.0, description="joint states: the simulator's rate, Hz"
    )
    control_rate: float = Field(
        500.0, ge=50.0, le=2000.0, description='torque commands, a whole part of state_rate, Hz'
    )
    control_priority: int = Field(
        50,
        ge=0,
        le=99,
        description='of the control thread, SCHED_FIFO where the system lets it; 0: as any',
    )
    plan_rate: float = Field(125.0, ge=1.0, le=500.0, description='plans at most, Hz')
    planner: str = Field('ilqg', description=f'one of {", ".join(PLANNERS)}')
    # The planner's own configuration bounds these two.
    plan_step_s: float = Field(_PLANNER.step_s, description='planned step, s')
    plan_horizon_s: float = Field(
        _PLANNER.horizon_s, description='how far is planned, a multiple of plan_step_s, s'
    )
    lockstep_plan_ticks: int = Field(
        5, ge=1, le=1000, description='in lockstep, joint states from one plan to the next'
    )
    status_rate: float = Field(50.0, ge=1.0, le=500.0, description='controller/status, Hz')
    max_state_age_s: float = Field(
        0.05, ge=0.005, le=1.0, description='age at which a joint state is not acted on, s'
    )
    seed: int = Field(0, ge=0, description='of the noise in identification')
    record_dir: str = Field(
        '', description='folder that every activation leaves a replayable record in; empty: none'
    )
    record_limit_s: float = Field(
        60.0, ge=1.0, le=3600.0, description='how much of an activation is recorded at most, s'
    )


@dataclass(frozen=True, eq=False)
class Setup:
    """What the parameters amount to."""

    arm: ArmConfig
    workspace: Workspace
    model: ConceptModel
    planner: Planner


def load_setup(p: ControllerParameters) -> Setup:
    """Load arm, workspace and weights; raises InvalidParameter naming what does not fit."""
    try:
        require_divisor(p.control_rate, p.state_rate)
    except ValueError as error:
        raise InvalidParameter(f'parameter {error} (state_rate)') from None
    arm = load_arm_parameter(p.arm)
    workspace = load_workspace_parameter(p.workspace_config)
    try:
        config = _planner_config(p)
        planner = make_planner(p.planner, arm, workspace, config)
    except UnknownPlanner as error:
        raise InvalidParameter(f'parameter {error}') from None
    return Setup(arm, workspace, load_weights_parameter(p.model_dir), planner)


def _planner_config(p: ControllerParameters) -> PlannerConfig:
    kind = PLANNERS.get(p.planner, PLANNERS['ilqg'])
    try:
        return kind.config_type(step_s=p.plan_step_s, horizon_s=p.plan_horizon_s)
    except ValidationError as error:
        reasons = []
        for item in error.errors():
            reason = item['msg'].removeprefix('Value error, ')
            named = ''.join(f'{step} {item["input"]!r}: ' for step in item['loc'])
            reasons.append(named + reason)
        raise InvalidParameter(
            f'parameters plan_step_s {p.plan_step_s:g} and plan_horizon_s {p.plan_horizon_s:g}: '
            f'{"; ".join(reasons)}'
        ) from None
