# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blocks of each shape picked up and put down by the Jaco's hand, in MuJoCo, by its own torques."""

import math

import numpy as np
import pytest

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.blocks import Block, BlockTable
from ebm_concept_ros.grasping.hand import load_hand
from ebm_concept_ros.grasping.pick_and_place import PickAndPlace
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.package_files import arm_file, package_path
from ebm_concept_ros.workspace import load_workspace

ARM = load_arm(arm_file('jaco'))
HAND = load_hand(package_path('', 'config/hands/jaco.yaml'))
WORKSPACE = load_workspace(package_path('', 'config/workspace.yaml'))
# Plans as rare as they may be: what is seldom is not tested best where it is often.
REPLAN_EVERY = 8


def simulation_of(*blocks: Block) -> BlockSimulation:
    return BlockSimulation(ARM, HAND, WORKSPACE, BlockTable(blocks=blocks))


def block(id_: str, x: float, y: float, **kwargs: object) -> Block:
    return Block(
        **{'id': id_, 'width_m': 0.04, 'height_m': 0.04, 'position_in_base_m': (x, y)} | kwargs
    )


@pytest.mark.parametrize(
    ('shape', 'size', 'mass_kg', 'friction'),
    [('box', 0.055, 0.2, 0.4), ('cylinder', 0.03, 0.02, 1.0), ('prism', 0.045, 0.1, 0.7)],
)
def test_a_block_is_put_where_it_is_to_be(shape, size, mass_kg, friction):
    held = block(
        *('red_0', 0.32, 0.05), shape=shape, width_m=size, mass_kg=mass_kg, friction=friction
    )
    simulation = simulation_of(held, block('blue_0', 0.45, 0.1, colour='blue'))
    before = simulation.block_pose('red_0')
    outcome = PickAndPlace(simulation, replan_every=REPLAN_EVERY).move(
        Move('red_0', (0.36, -0.05), -1.6 if shape == 'box' else -2 * math.pi / 3, -2.0)
    )
    assert outcome.success, outcome
    assert outcome.reason == '' and outcome.retries == outcome.slips == 0
    after = simulation.block_pose('red_0')
    assert np.linalg.norm(after.position_m[:2] - (0.36, -0.05)) < 0.004
    assert np.linalg.norm(after.position_m - before.position_m) > 0.09
    assert after.position_m[2] == pytest.approx(before.position_m[2], abs=1e-3)
    assert outcome.placing_error_rad < 0.06
    assert outcome.peak_speed_share < 1.0
    assert outcome.peak_effort_share <= 1.0 and outcome.peak_effort_rate_share <= 1.0 + 1e-9
    assert outcome.bystanders_m['blue_0'] < 1e-4
