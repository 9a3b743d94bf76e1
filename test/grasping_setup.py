# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm with its hand over blocks, the Jaco unless said, as the tests of grasping have it."""

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.grasping.blocks import Block, BlockTable
from ebm_concept_ros.grasping.hand import HandConfig, load_hand
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.package_files import arm_file, hand_file, package_path, shipped_hands
from ebm_concept_ros.workspace import load_workspace

ARM = load_arm(arm_file('jaco'))
HAND_FILE = hand_file('jaco')
HAND = load_hand(HAND_FILE)
HANDS = shipped_hands()
WORKSPACE = load_workspace(package_path('', 'config/workspace.yaml'))


def block(id_: str, x: float, y: float, **kwargs: object) -> Block:
    """Return a box of 4 cm there, or what else is said."""
    usual = {'id': id_, 'width_m': 0.04, 'height_m': 0.04, 'position_in_base_m': (x, y)}
    return Block(**usual | kwargs)


def arm_and_hand(name: str) -> tuple[ArmConfig, HandConfig]:
    """Return a shipped arm and the hand of the same name."""
    return load_arm(arm_file(name)), load_hand(hand_file(name))


def simulation_of(*blocks: Block, name: str = 'jaco') -> BlockSimulation:
    """Return a fresh simulation of the blocks, and of a shipped arm with its hand."""
    arm, hand = (ARM, HAND) if name == 'jaco' else arm_and_hand(name)
    return BlockSimulation(arm, hand, WORKSPACE, BlockTable(blocks=blocks))
