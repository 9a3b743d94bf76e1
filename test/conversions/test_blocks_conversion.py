# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blocks as messages and back, however they lie; and what is refused of such a scene."""

import math
from copy import deepcopy

import numpy as np
import pytest
from grasping_setup import WORKSPACE, block, simulation_of

from ebm_concept_ros.conversions.blocks import BlockReader, blocks_to_message
from ebm_concept_ros.grasping.blocks import MOST_BLOCKS, Pose
from ebm_core import COLOURS, InvalidInput


@pytest.fixture(scope='module')
def sim():
    return simulation_of(
        block('blue_0', 0.4, 0.1, width_m=0.03, depth_m=0.05, colour='blue', yaw_rad=0.7),
        block('red_0', 0.5, -0.1, shape='prism', width_m=0.045),
        block('green_0', 0.35, -0.2, shape='cylinder', colour='green'),
    )


@pytest.fixture
def message(sim):
    lying = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    poses = sim.block_poses() | {'red_0': Pose(np.array([0.5, -0.1, 0.09]), lying)}
    return blocks_to_message(sim.table, poses, sim.grasp_pose, WORKSPACE, 20_000_000)


def test_what_is_seen_is_what_stands_lies_and_is_held(sim, message):
    reader = BlockReader(WORKSPACE)
    seen = reader.read(message)
    assert seen.stamp_ns == 20_000_000 and seen.table.ids == sim.table.ids
    for one, other in zip(seen.table.blocks, sim.table.blocks, strict=True):
        assert (one.shape, one.width_m, one.depth_m) == (other.shape, other.width_m, other.depth_m)
        assert one.height_m == other.height_m
    for id_ in ('blue_0', 'green_0'):
        pose = sim.block_pose(id_)
        np.testing.assert_allclose(seen.poses[id_].position_m, pose.position_m, atol=1e-9)
        np.testing.assert_allclose(seen.poses[id_].rotation, pose.rotation, atol=1e-9)
    np.testing.assert_allclose(seen.poses['red_0'].position_m, (0.5, -0.1, 0.09), atol=1e-9)
    assert seen.poses['red_0'].tilt_rad == pytest.approx(math.pi / 2)
    np.testing.assert_allclose(seen.scene.colours, [COLOURS[b.colour] for b in sim.table.blocks])
    assert not seen.scene.movable.any() and len(seen.scene) == 3
    assert reader.read(message).table is seen.table, 'what does not change is made once'


def many(entity):
    copies = [deepcopy(entity) for _ in range(MOST_BLOCKS + 1)]
    for number, each in enumerate(copies):
        each.id = f'blue_{number}'
    return copies


@pytest.mark.parametrize(
    ('spoil', 'says'),
    [
        (lambda m: setattr(m.entities[0], 'width', 0.0), "'blue_0': width_m: 0.0 refused"),
        (lambda m: setattr(m.entities[0], 'width', math.nan), r'\[0\]\.width: nan is not within'),
        (lambda m: setattr(m.entities[0], 'depth', 0.5), "'blue_0': depth_m: 0.5 refused"),
        (lambda m: setattr(m.entities[0], 'shape', 0), "'blue_0': shape cross refused"),
        (lambda m: setattr(m.entities[1].pose.orientation, 'w', 3.0), 'of length 3.0.*, 1 is need'),
        (lambda m: setattr(m.entities[1].pose.orientation, 'x', math.nan), 'of length nan'),
        (lambda m: setattr(m.entities[1].pose.position, 'z', math.inf), 'pose.position.z: inf'),
        (lambda m: setattr(m.header, 'frame_id', 'particle_plane'), "'particle_plane' refused"),
        (lambda m: setattr(m, 'entities', m.entities[-1:]), 'no blocks, at least one is needed'),
        (lambda m: setattr(m.entities[0], 'id', 'red_0'), "'red_0' is already the id of entity"),
        (lambda m: setattr(m.entities[0], 'id', 'table'), "'table' is reserved for"),
        (lambda m: setattr(m, 'entities', many(m.entities[0])), 'entities: .*at most 40 items'),
    ],
)
def test_what_is_no_scene_of_blocks_is_refused_with_the_reason(message, spoil, says):
    spoil(message)
    with pytest.raises(InvalidInput, match=says):
        BlockReader(WORKSPACE).read(message)
