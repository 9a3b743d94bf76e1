# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the arranger is configured with, and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.control.contact_reflex import HOLD, IGNORE
from ebm_concept_ros.grasping.hand import HandConfig, with_live_fingers
from ebm_concept_ros.nodes.driver_parameters import DriverParameters, require_real_time
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter
from ebm_concept_ros.nodes.runtime.resources import (
    load_arm_parameter,
    load_hand_parameter,
    load_weights_parameter,
    load_workspace_parameter,
)
from ebm_concept_ros.nodes.runtime.texts import ARM, EXISTING_FOLDER, FILE, HAND, choice
from ebm_concept_ros.workspace import Workspace

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel


class ArrangerParameters(DriverParameters):
    """Parameters of the arranger."""

    model_dir: Annotated[str, EXISTING_FOLDER] = Field(
        '', description='folder of the weights; empty: those of the package'
    )
    arm: Annotated[str, ARM] = Field(
        'jaco', description='name of a shipped arm, or the YAML of another'
    )
    hand: Annotated[str, HAND] = Field(
        'jaco', description='name of a shipped hand, or the YAML of another'
    )
    robot_description: str = Field(
        '', description='URDF of an arm whose YAML has model: robot_description'
    )
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )
    autostart: bool = Field(True, description='configure and activate without being asked')
    lockstep: bool = Field(False, description='answer every joint state')
    state_rate: float = Field(
        500.0,
        ge=100.0,
        le=2000.0,
        description="joint states and torque commands: the simulator's rate, Hz",
    )
    scene_rate: float = Field(
        50.0, ge=5.0, le=500.0, description='how often blocks are seen; in lockstep waited for, Hz'
    )
    on_contact: choice(HOLD, IGNORE) = Field(
        HOLD,
        description='what is done where something strikes the arm on its way: it holds, with what '
        'is in its hand, and the goal ends; or nothing',
    )
    control_priority: int = Field(
        50,
        ge=0,
        le=99,
        description='of the control thread, SCHED_FIFO where the system lets it; 0: as any',
    )
    status_rate: float = Field(25.0, ge=1.0, le=500.0, description='controller/status, Hz')
    learner_timeout_s: float = Field(
        10.0, ge=0.1, le=600.0, description="how long a goal's name waits for the learner, s"
    )
    seed: int = Field(0, ge=0, description='of the noise in arrangements')


@dataclass(frozen=True, eq=False)
class ArrangerSetup:
    """What the parameters amount to. joint_names: as the driver has them, fingers last."""

    arm: ArmConfig
    hand: HandConfig
    workspace: Workspace
    model: ConceptModel
    joint_names: tuple[str, ...]


def load_arranger(p: ArrangerParameters) -> ArrangerSetup:
    """Load arm, hand, workspace and weights; raises InvalidParameter naming what does not fit."""
    require_real_time(p, p.lockstep)
    arm = load_arm_parameter(p.arm, p.robot_description)
    hand = load_hand_parameter(p.hand)
    try:
        live = with_live_fingers(arm, hand)
    except ConfigError as error:
        raise InvalidParameter(f'parameters arm, hand: {error}') from None
    model = load_weights_parameter(p.model_dir)
    names = tuple(p.joint_prefix + name for name in live.joint_names)
    return ArrangerSetup(arm, hand, load_workspace_parameter(p.workspace_config), model, names)
