# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm that nobody commands keeps what is in its hand, also where the table changes."""

import numpy as np
import pytest
from grasping_setup import HANDS, WORKSPACE, arm_and_hand, block

from ebm_concept_ros.arm.editable_simulation import Refusal, TableChangeRefused
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.blocks import BlockTable
from ebm_concept_ros.grasping.editable_blocks import EditableBlocks
from ebm_concept_ros.grasping.mover import BlockMover
from ebm_concept_ros.grasping.stages import Phase

TABLE = BlockTable(
    blocks=(block('red_0', 0.4, 0.1, mass_kg=0.2), block('blue_0', 0.35, -0.15, colour='blue'))
)


class Killed(Exception):
    """The controller, in the middle of a move."""


@pytest.fixture(scope='module', params=HANDS)
def killed(request):
    """A table, and an arm whose controller was killed 0.4 s after it had begun to carry."""
    world = EditableBlocks(*arm_and_hand(request.param), WORKSPACE, TABLE, 0.002)

    def each_step(stage):
        if stage.phase is Phase.CARRY and world.sim.time_s > stage.begin_s + 0.4:
            raise Killed

    mover = BlockMover(world.sim, each_step)
    with pytest.raises(Killed):
        mover.move(Move('red_0', (0.42, -0.2), 0.0, 0.0))
    return world, mover


def held(world, steps):
    """Return how far the block is from where it was, m; torques keep to their rates."""
    sim = world.sim
    place_m, before_nm = sim.block_pose('red_0').position_m, sim.applied_effort_nm
    for _ in range(steps):
        sim.hold()
        most = sim.effort_rate_limits_nm_s * sim.timestep_s + 1e-9
        assert (np.abs(sim.applied_effort_nm - before_nm) <= most).all()
        before_nm = sim.applied_effort_nm
        sim.step()
    return np.linalg.norm(sim.block_pose('red_0').position_m - place_m)


def test_what_is_gripped_stays_where_it_is_and_the_table_changes_meanwhile(killed):
    world, _ = killed
    assert held(world, 250) < 0.003  # it was on its way
    assert world.spawn('', 'width_m: 0.03\nheight_m: 0.04\ncolour: green', (0.55, 0.2)) == 'green_0'
    world.move('blue_0', (0.3, -0.25))
    world.delete('green_0')
    assert held(world, 1500) < 0.001
    np.testing.assert_allclose(
        world.sim.block_pose('blue_0').position_m[:2], (0.3, -0.25), atol=1e-4
    )


@pytest.mark.parametrize(
    ('place', 'refusal', 'says'),
    [
        ((0.3, -0.25), Refusal.PLACE, "'green_1' would stand in 'blue_0'"),
        ((0.3, 0.9), Refusal.PLACE, 'out of the workspace'),
    ],
)
def test_no_block_comes_into_another_or_off_the_table(killed, place, refusal, says):
    world, _ = killed
    world.move('blue_0', (0.3, -0.25))
    with pytest.raises(TableChangeRefused, match=says) as refused:
        world.spawn('green_1', 'width_m: 0.03\nheight_m: 0.04', place)
    assert refused.value.refusal is refusal and world.sim.table.ids == TABLE.ids


def test_what_is_held_is_put_down_beside_what_stands_below(killed):
    world, _ = killed
    x, y, _ = world.sim.block_pose('red_0').position_m
    world.move('blue_0', (x, y))
    mover = BlockMover(world.sim)
    assert mover.arm.in_the_hand is None
    mover.arm.take_over()
    assert mover.arm.in_the_hand == 'red_0'
    outcome = mover.put_down()
    assert outcome.success, outcome
    assert mover.arm.in_the_hand is None and mover.put_down() is None
    away_m = np.linalg.norm(world.sim.block_pose('red_0').position_m[:2] - (x, y))
    assert 0.03 < away_m < 0.12


def test_a_reset_brings_all_back(killed):
    world, _ = killed
    world.reset()
    for each in TABLE.blocks:
        pose = world.sim.block_pose(each.id)
        np.testing.assert_allclose(pose.position_m[:2], each.position_in_base_m, atol=1e-4)
    assert world.sim.time_s == 0.0
    assert held(world, 50) < 1e-4
