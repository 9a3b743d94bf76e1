# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the simulator is configured with, and the table that this amounts to."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from ebm_concept_ros.arm.composed_table import composed_table
from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.editable_simulation import EditableSimulation
from ebm_concept_ros.arm.table_scene import (
    TableScene,
    load_table_scene,
    parse_table_scene,
    random_table_scene,
)
from ebm_concept_ros.arranging.clearance import GAP_M
from ebm_concept_ros.arranging.hand_room import ReachArea
from ebm_concept_ros.config_files import ConfigError, as_config, keys_and_values, load_config
from ebm_concept_ros.grasping.blocks import BlockTable
from ebm_concept_ros.grasping.editable_blocks import EditableBlocks
from ebm_concept_ros.grasping.random_table import coloured_block_table
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter
from ebm_concept_ros.nodes.runtime.resources import load_hand_parameter
from ebm_concept_ros.nodes.runtime.texts import ARM, FILE, HAND
from ebm_concept_ros.nodes.task_parameters import (
    TaskParameters,
    requested_arrangement,
    requested_concepts,
)
from ebm_concept_ros.oracle.arrangements import can_be_asked, colours_of, only_place
from ebm_concept_ros.workspace import Workspace
from ebm_core.concepts.arrangement import Arrangement
from ebm_core.world.scene import COLOURS, InvalidInput

_BYSTANDERS = 2
_BLOCKS_APART_M = 0.05
_MOST_TABLES = 1000


class SimulatorParameters(TaskParameters):
    """Parameters of the simulator."""

    arm: Annotated[str, ARM] = Field(
        'jaco', description='name of a shipped arm, or the YAML of another'
    )
    robot_description: str = Field(
        '', description='URDF of an arm whose YAML has model: robot_description'
    )
    hand: Annotated[str, HAND] = Field(
        '',
        description='name of a shipped hand, or the YAML of another: its fingers move, and what is '
        'on the table are blocks; empty: the hand is part of the arm, and nothing is moved',
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


def load_world(p: SimulatorParameters, arm: ArmConfig, workspace: Workspace) -> EditableSimulation:
    """Return the simulation of what the parameters say; raises InvalidParameter."""
    table = load_table(p, workspace)
    common = (workspace, table, 1.0 / p.rate)
    try:
        if p.hand:
            return EditableBlocks(arm, load_hand_parameter(p.hand), *common)
        return EditableSimulation(arm, *common)
    except ConfigError as error:  # the arm, its hand, the workspace do not go together
        raise InvalidParameter(f'parameters arm, hand, workspace_config: {error}') from None


def load_table(p: SimulatorParameters, workspace: Workspace) -> TableScene | BlockTable:
    """Return the entities of the file or of the seed; raises InvalidParameter."""
    if p.scene_file:
        try:
            return table_of_file(p, p.scene_file, workspace)
        except ConfigError as error:
            raise InvalidParameter(f'parameter scene_file: {error}') from None
    return seeded_table(p, p.scene_seed, workspace)


def table_of_file(
    p: SimulatorParameters, path: Path | str, workspace: Workspace
) -> TableScene | BlockTable:
    """Return what a YAML file says of entities, or, with a hand, of blocks; raises ConfigError."""
    return load_config(path, BlockTable) if p.hand else load_table_scene(path, workspace)


def table_of_text(
    p: SimulatorParameters, text: str, workspace: Workspace, where: str
) -> TableScene | BlockTable:
    """Return what such YAML says; raises ConfigError. where: begins the message."""
    if p.hand:
        return as_config(keys_and_values(text, where), BlockTable, where)
    return parse_table_scene(text, workspace, where)


def seeded_table(
    p: SimulatorParameters, seed: int, workspace: Workspace
) -> TableScene | BlockTable:
    """Return the entities of a seed, for the parameters' concepts; raises InvalidParameter."""
    if p.hand:
        return _seeded_blocks(requested_arrangement(p), p.reference_colour, seed, workspace)
    concepts, colours = requested_concepts(p)
    try:
        if len(concepts) > 1:
            return composed_table(concepts, colours, seed, workspace)[1]
        num_references = concepts[0].num_references
        return random_table_scene(seed, num_references, p.reference_colour, workspace)
    except InvalidInput as error:  # of the scene's seed, which it names
        raise InvalidParameter(f'parameter {error}') from None


def _has_room(place_in_base_m: np.ndarray, table: BlockTable, references: int) -> bool:
    """Tell whether the first block may come down there, beside so many that follow it."""
    mover, *others = table.blocks
    return ReachArea().beyond_m(place_in_base_m) == 0.0 and all(
        math.dist(place_in_base_m, each.position_in_base_m)
        >= mover.footprint.radius_m + each.footprint.radius_m + gap_m
        for each, gap_m in zip(
            others, [GAP_M] * references + [_BLOCKS_APART_M] * _BYSTANDERS, strict=True
        )
    )


def _seeded_blocks(
    concept: Arrangement, colour: str, seed: int, workspace: Workspace
) -> BlockTable:
    """Return who takes part, of the colours that tell them, and others; it does not hold yet."""
    names = colours_of(concept, colour)
    taking_part = len(names)
    rng = np.random.default_rng(seed)
    free = [name for name in COLOURS if name not in names]
    names += rng.choice(free, _BYSTANDERS, replace=False).tolist()
    for number in range(_MOST_TABLES):
        try:
            table = coloured_block_table([seed, number], names, _BLOCKS_APART_M)
        except ValueError:  # these blocks find no room
            continue
        places = np.array([block.position_in_base_m for block in table.blocks[:taking_part]])
        participants = workspace.to_plane(places)
        if not can_be_asked(concept, participants):
            continue
        place = only_place(concept, participants)
        references = concept.num_references
        if place is None or _has_room(workspace.to_base(place), table, references):
            return table
    raise InvalidParameter(f'parameter scene_seed: {seed} finds no table for {concept.name}')
