# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the controller is configured with, and whether it fits together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field
from rclpy.node import Node

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.control.contact_reflex import HOLD, IGNORE, RETREAT
from ebm_concept_ros.control.pacing import require_divisor
from ebm_concept_ros.control.target import GOAL_MARGIN
from ebm_concept_ros.nodes.driver_parameters import DriverParameters, require_real_time
from ebm_concept_ros.nodes.model_process import TargetModel
from ebm_concept_ros.nodes.runtime.parameters import (
    InvalidParameter,
    declare_fields,
    validate,
)
from ebm_concept_ros.nodes.runtime.resources import (
    load_arm_parameter,
    load_weights_parameter,
    load_workspace_parameter,
)
from ebm_concept_ros.nodes.runtime.texts import (
    ARM,
    EXISTING_FOLDER,
    FILE,
    FOLDER_OR_NONE,
    choice,
    one_of,
)
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.planning.planners import PLANNERS, UnknownPlanner, make_planner
from ebm_concept_ros.workspace import Workspace

PREEMPT, REFUSE = 'preempt', 'refuse'
PLANNING = 'planning'


class ControllerParameters(DriverParameters):
    """Parameters of the controller."""

    model_dir: Annotated[str, EXISTING_FOLDER] = Field(
        '', description='folder of the weights; empty: those of the package'
    )
    arm: Annotated[str, ARM] = Field(
        'jaco', description='name of a shipped arm, or the YAML of another'
    )
    robot_description: str = Field(
        '', description='URDF of an arm whose YAML has model: robot_description'
    )
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )
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
        description='of the control thread, SCHED_FIFO where the system lets it; the other threads '
        'one below, at 1 as any; 0: all as any',
    )
    plan_rate: float = Field(250.0, ge=1.0, le=500.0, description='plans at most, Hz')
    planner: Annotated[str, one_of(*PLANNERS)] = Field(
        'ilqg', description='how plans are made; parameters planning.… are its settings'
    )
    lockstep_plan_ticks: int = Field(
        5, ge=1, le=1000, description='in lockstep, joint states from one plan to the next'
    )
    status_rate: float = Field(25.0, ge=1.0, le=500.0, description='controller/status, Hz')
    plan_view_rate: float = Field(
        10.0, ge=0.5, le=50.0, description='controller/plan at most, while anybody listens, Hz'
    )
    max_state_age_s: float = Field(
        0.05, ge=0.005, le=1.0, description='age at which a joint state is not acted on, s; live'
    )
    on_contact: choice(HOLD, RETREAT, IGNORE) = Field(
        HOLD,
        description='what is done where something strikes the arm on its way: it holds until it is '
        'told to go on; or it gives way for a moment first; or nothing; live',
    )
    second_goal: choice(PREEMPT, REFUSE) = Field(
        PREEMPT, description='what a goal of enact does, or a concept, while another is active'
    )
    follow_topic: bool = Field(
        True, description='whether what comes on the topic concept is enacted; else goals alone are'
    )
    learner_timeout_s: float = Field(
        10.0, ge=0.1, le=600.0, description="how long a goal's names wait for the learner, s"
    )
    speed_scale: float = Field(
        1.0, ge=0.05, le=1.0, description="share of the arm's speed limits that may be used; live"
    )
    hover_height_m: float = Field(
        0.0, ge=0.0, le=0.5, description="of the effector above the table; 0: the workspace's; live"
    )
    goal_margin: float = Field(
        GOAL_MARGIN,
        ge=0.0,
        le=100.0,
        description='energy above the lowest up to which a minimum is a goal; set: no record_dir',
    )
    seed: int = Field(0, ge=0, description='of the noise in identification')
    record_dir: Annotated[str, FOLDER_OR_NONE] = Field(
        '', description='folder that every activation leaves a replayable record in; empty: none'
    )
    record_limit_s: float = Field(
        60.0, ge=1.0, le=3600.0, description='how much of an activation is recorded at most, s'
    )

    @property
    def period_s(self) -> float:
        """Return the time from one torque to the next, s."""
        return 1.0 / (self.state_rate if self.lockstep else self.control_rate)


# What may be set while the controller runs; of the planner's settings, the weights of its cost.
LIVE = ('speed_scale', 'hover_height_m', 'max_state_age_s', 'on_contact')
_LIVE_OF_PLANNER = ('weights',)


@dataclass(frozen=True, eq=False)
class Setup:
    """What the parameters amount to.

    given: arm and workspace as their files have them. joint_names: as the driver has them.
    """

    arm: ArmConfig
    workspace: Workspace
    model: TargetModel
    planner: Planner
    given: tuple[ArmConfig, Workspace]
    joint_names: tuple[str, ...]


def declare_planner_settings(node: Node, planner: str) -> dict[str, object]:
    """Declare the settings of the planner of that name as parameters `planning.…` of node.

    Returns their values; of a planner that does not exist none, as load_setup will refuse it.
    """
    kind = PLANNERS.get(planner)
    return (
        {} if kind is None else declare_fields(node, kind.config_type, PLANNING, _LIVE_OF_PLANNER)
    )


def load_setup(
    p: ControllerParameters,
    planner_settings: dict[str, object],
    load_model: Callable[[str], TargetModel],
) -> Setup:
    """Load arm, workspace and weights; raises InvalidParameter naming what does not fit."""
    try:
        require_divisor(p.control_rate, p.state_rate)
    except ValueError as error:
        raise InvalidParameter(f'parameter {error} (state_rate)') from None
    require_real_time(p, p.lockstep)
    if p.goal_margin != GOAL_MARGIN and p.record_dir:
        raise InvalidParameter(
            f'parameter goal_margin: runs with {p.goal_margin:g} cannot be replayed, those with '
            f'{GOAL_MARGIN:g} can; leave it or record_dir'
        )
    arm = load_arm_parameter(p.arm, p.robot_description)
    given = arm, load_workspace_parameter(p.workspace_config)
    arm, workspace, planner = _tuned(p, planner_settings, given)
    joint_names = tuple(p.joint_prefix + name for name in arm.joint_names)
    model = load_weights_parameter(p.model_dir, load_model)
    return Setup(arm, workspace, model, planner, given, joint_names)


def retuned(setup: Setup, p: ControllerParameters, planner_settings: dict[str, object]) -> Setup:
    """Return the setup with what is live in the parameters; raises InvalidParameter."""
    arm, workspace, planner = _tuned(p, planner_settings, setup.given)
    return replace(setup, arm=arm, workspace=workspace, planner=planner)


def _tuned(
    p: ControllerParameters,
    planner_settings: dict[str, object],
    given: tuple[ArmConfig, Workspace],
) -> tuple[ArmConfig, Workspace, Planner]:
    arm, workspace = given
    joints = tuple(
        joint.model_copy(
            update={'velocity_limit_rad_s': p.speed_scale * joint.velocity_limit_rad_s}
        )
        for joint in arm.joints
    )
    arm = arm.model_copy(update={'joints': joints})
    if p.hover_height_m:
        height = {'hover_height_m': p.hover_height_m}
        workspace = validate(Workspace, workspace.model_dump() | height)
    config = None
    if p.planner in PLANNERS:
        config = validate(PLANNERS[p.planner].config_type, planner_settings, PLANNING)
    try:
        return arm, workspace, make_planner(p.planner, arm, workspace, config)
    except UnknownPlanner as error:
        raise InvalidParameter(f'parameter {error}') from None
