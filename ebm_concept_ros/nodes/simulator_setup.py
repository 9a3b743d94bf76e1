# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the simulator is configured with, and the table that this amounts to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ebm_concept_ros.arm.composed_table import composed_table
from ebm_concept_ros.arm.table_scene import TableScene, load_table_scene, random_table_scene
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter
from ebm_concept_ros.nodes.runtime.texts import ARM, FILE
from ebm_concept_ros.nodes.task_parameters import TaskParameters, requested_concepts
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput


class SimulatorParameters(TaskParameters):
    """Parameters of the simulator."""

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
    scene_file: Annotated[str, FILE] = Field(
        '', description='YAML of the entities; empty: placed from scene_seed'
    )
    scene_seed: int = Field(1, ge=0, description="of the entities' colours and places")
    rate: float = Field(500.0, ge=100.0, le=2000.0, description='steps and joint states, Hz')
    clock_rate: float = Field(100.0, ge=1.0, le=2000.0, description='/clock, Hz of simulated time')
    scene_rate: float = Field(5.0, ge=0.1, le=100.0, description='scene, Hz of simulated time')
    lockstep: bool = Field(False, description='simulated time waits for the controller')
    lockstep_report_s: float = Field(
        5.0, ge=0.1, le=600.0, description='wait in lockstep after which it is reported, s'
    )
    command_timeout_s: float = Field(
        0.05, ge=0.002, le=1.0, description='age at which a command no longer acts, s'
    )
    headless: bool = Field(
        True, description='false: show the scene in a window, and end when it is closed'
    )


def load_table(p: SimulatorParameters, workspace: Workspace) -> TableScene:
    """Return the entities of the file or of the seed; raises InvalidParameter."""
    if p.scene_file:
        try:
            return load_table_scene(p.scene_file, workspace)
        except ConfigError as error:
            raise InvalidParameter(f'parameter scene_file: {error}') from None
    return seeded_table(p, p.scene_seed, workspace)


def seeded_table(p: SimulatorParameters, seed: int, workspace: Workspace) -> TableScene:
    """Return the entities of a seed, for the parameters' concepts; raises InvalidParameter."""
    concepts, colours = requested_concepts(p)
    try:
        if len(concepts) > 1:
            return composed_table(concepts, colours, seed, workspace)[1]
        num_references = concepts[0].num_references
        return random_table_scene(seed, num_references, p.reference_colour, workspace)
    except InvalidInput as error:  # of the scene's seed, which it names
        raise InvalidParameter(f'parameter {error}') from None
