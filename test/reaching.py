# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the arm's and the planner's tests share: the shipped configuration, and goals."""

from pathlib import Path

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.control.target import FIELD_SIZE
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.workspace import Workspace, load_workspace

CONFIG = Path(__file__).parent.parent / 'config'
SHIPPED_ARMS = ('jaco', 'iiwa7', 'panda', 'ur5e', 'so101')


def shipped_arm(name: str = 'jaco') -> ArmConfig:
    return load_arm(CONFIG / 'arms' / f'{name}.yaml')


def shipped_workspace(name: str = 'jaco') -> Workspace:
    """Return the workspace of a shipped arm: one of its own where it is small."""
    own = CONFIG / f'{name}_workspace.yaml'
    return load_workspace(own if own.is_file() else CONFIG / 'workspace.yaml')


def midpoint_m(scene: TableScene, colour: str = 'blue') -> np.ndarray:
    """Return where 'between' the entities of a colour is, (2,) m in base."""
    return np.mean([e.position_in_base_m for e in scene.entities if e.colour == colour], axis=0)


def field_around(goal: np.ndarray, shape=np.square) -> EnergyField:
    """Return the field whose energy is `shape` of the distance to `goal`, particle units.

    On the grid that the package plans on.
    """
    return EnergyField.tabulate(
        lambda points: shape(np.linalg.norm(points - goal, axis=-1)),
        shipped_workspace().half_width_units,
        FIELD_SIZE,
    )
