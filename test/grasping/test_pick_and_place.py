# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blocks of each shape picked up and put down by an arm's hand, in MuJoCo, by its own torques."""

import math

import numpy as np
import pytest
from grasping_setup import WORKSPACE, arm_and_hand, block, simulation_of

from ebm_concept_ros.arm.torque_simulation import InvalidEffort
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.blocks import BlockTable
from ebm_concept_ros.grasping.pick_and_place import MoveRefused, PickAndPlace
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.grasping.stages import Phase, Stage


@pytest.mark.parametrize(
    ('name', 'shape', 'size', 'mass_kg', 'friction'),
    [
        *(('jaco', 'box', 0.055, 0.2, 0.4), ('jaco', 'cylinder', 0.03, 0.02, 1.0)),
        *(('jaco', 'prism', 0.045, 0.1, 0.7), ('panda', 'box', 0.058, 0.3, 0.4)),
        ('panda', 'prism', 0.045, 0.02, 0.7),
    ],
)
def test_a_block_is_put_where_it_is_to_be(name, shape, size, mass_kg, friction):
    held = block(
        *('red_0', 0.32, 0.05), shape=shape, width_m=size, mass_kg=mass_kg, friction=friction
    )
    simulation = simulation_of(held, block('blue_0', 0.45, 0.1, colour='blue'), name=name)
    before = simulation.block_pose('red_0')
    outcome = PickAndPlace(simulation).move(
        Move('red_0', (0.36, -0.05), -1.6 if shape == 'box' else -2 * math.pi / 3, -2.1)
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


def test_a_symmetric_hand_grips_the_way_round_that_its_wrist_can_turn():
    simulation = simulation_of(block('red_0', 0.45, 0.1, yaw_rad=1.7), name='panda')
    yaws_rad = {}

    def see(stage: Stage) -> None:
        yaws_rad[stage.phase] = simulation.grasp_pose.yaw_rad

    # 1.7 is in the gap that the range of the last joint leaves.
    outcome = PickAndPlace(simulation).move(Move('red_0', (0.4, 0.1), 1.7, 2.5), see)
    assert outcome.success, outcome
    assert yaws_rad[Phase.CLOSE] == pytest.approx(1.7 - math.pi, abs=0.03)
    assert yaws_rad[Phase.LOWER] == pytest.approx(2.5 - math.pi, abs=0.03)
    assert simulation.block_pose('red_0').yaw_rad == pytest.approx(2.5, abs=0.03)


class LateSimulation(BlockSimulation):
    """Takes a torque every four milliseconds only, which acts four milliseconds later."""

    wanted_nm: np.ndarray | None = None  # until then it is in time

    @property
    def applied_effort_nm(self) -> np.ndarray:
        return super().applied_effort_nm if self.wanted_nm is None else self.wanted_nm

    def apply(self, effort_nm: np.ndarray) -> None:
        if self.wanted_nm is None:
            super().apply(effort_nm)
        else:
            self.wanted_nm = np.clip(effort_nm, -self.effort_limits_nm, self.effort_limits_nm)

    def step(self) -> None:
        super().step()
        if self.wanted_nm is not None:
            super().step()
            super().apply(self.wanted_nm)


def test_torques_that_come_late_do_not_set_an_arm_swinging_whose_joints_run_freely():
    table = BlockTable(blocks=(block('red_0', 0.5, 0.2),))
    simulation = LateSimulation(*arm_and_hand('panda'), WORKSPACE, table)
    simulation.wanted_nm = simulation.applied_effort_nm
    outcome = PickAndPlace(simulation).move(Move('red_0', (0.35, 0.0), 0.0, 0.0))
    assert outcome.success and outcome.retries == 0, outcome
    assert outcome.placing_error_m < 0.002 and outcome.peak_speed_share < 0.9


class Stopped(Exception):
    pass


def stop(stage: Stage) -> None:
    if stage.phase is Phase.CARRY:
        raise Stopped


def test_what_is_in_the_hand_stays_there_when_all_stops():
    simulation = simulation_of(block('red_0', 0.32, 0.05), block('blue_0', 0.5, 0.2, colour='blue'))
    mover = PickAndPlace(simulation)
    with pytest.raises(Stopped):
        mover.move(Move('red_0', (0.4, -0.05), -math.pi / 2, 0.0), stop)
    mover.hold(0.2)
    before = simulation.block_pose('red_0').seen_from(simulation.grasp_pose)
    hand = simulation.grasp_pose.position_m
    mover.hold(1.0)
    after = simulation.block_pose('red_0').seen_from(simulation.grasp_pose)
    assert simulation.block_pose('red_0').position_m[2] > 0.1
    np.testing.assert_allclose(after.position_m, before.position_m, atol=5e-4)
    np.testing.assert_allclose(simulation.grasp_pose.position_m, hand, atol=3e-3)

    with pytest.raises(MoveRefused, match="'blue_0' refused, the hand holds 'red_0'"):
        mover.move(Move('blue_0', (0.4, 0.1), 0.0, 0.0))
    seen = set()
    turned = simulation.block_pose('red_0').yaw_rad
    outcome = mover.move(Move('red_0', (0.4, -0.05), 0.0, 0.3), lambda stage: seen.add(stage.phase))
    assert outcome.success and outcome.placing_error_m < 0.003, outcome
    assert Phase.CARRY in seen and Phase.CLOSE not in seen
    assert simulation.block_pose('red_0').yaw_rad == pytest.approx(turned + 0.3, abs=0.05)


def test_after_a_reset_with_a_block_in_the_hand_it_is_gone_after_again():
    simulation = simulation_of(block('red_0', 0.32, 0.05))
    mover, seen = PickAndPlace(simulation), []
    with pytest.raises(Stopped):
        mover.move(Move('red_0', (0.4, -0.05), -math.pi / 2, 0.0), stop)
    simulation.reset()
    open_rad = simulation.joint_positions_rad[6:]
    mover.hold(0.5)
    np.testing.assert_allclose(simulation.joint_positions_rad[6:], open_rad, atol=0.05)
    former = [simulation.applied_effort_nm]
    most_nm = simulation.effort_rate_limits_nm_s * simulation.timestep_s

    def see(stage: Stage) -> None:
        seen.append(stage.phase)
        now = simulation.applied_effort_nm
        assert (np.abs(now - former[0]) <= most_nm + 1e-9).all(), 'no torque jumps'
        former[0] = now
        if stage.phase is Phase.CLOSE:
            raise Stopped

    with pytest.raises(Stopped):
        mover.move(Move('red_0', (0.4, -0.05), -math.pi / 2, 0.0), see)
    assert seen[0] is Phase.ABOVE
    apart = simulation.grasp_pose.position_m - simulation.block_pose('red_0').position_m
    assert np.abs(apart).max() < 0.004


@pytest.mark.parametrize(
    ('effort', 'says'), [([0.0] * 6, r'shape \(6,\), expected \(9,\)'), ([np.nan] * 9, 'NaN')]
)
def test_torques_that_are_none_are_refused_and_the_last_ones_stay(effort, says):
    simulation = simulation_of(block('red_0', 0.4, 0.0))
    before = simulation.applied_effort_nm
    with pytest.raises(InvalidEffort, match=says):
        simulation.apply(effort)
    np.testing.assert_array_equal(simulation.applied_effort_nm, before)
    simulation.apply(np.full(9, 1e3))
    np.testing.assert_array_equal(simulation.applied_effort_nm, simulation.effort_limits_nm)


def test_moves_that_cannot_be_are_refused_and_nothing_moves():
    simulation = simulation_of(
        block('red_0', 0.4, 0.0), block('blue_0', 0.5, 0.2, width_m=0.04, depth_m=0.1)
    )
    mover = PickAndPlace(simulation)
    with pytest.raises(MoveRefused, match=r"'green_0' is unknown; on the table are red_0, blue_0"):
        mover.move(Move('green_0', (0.4, 0.1), 0.0, 0.0))
    with pytest.raises(MoveRefused, match=r'place_in_base_m: .* is out of the workspace'):
        mover.move(Move('red_0', (1.4, 0.1), 0.0, 0.0))
    with pytest.raises(MoveRefused, match='100 mm wide along it, the hand closes around 72 mm'):
        mover.move(Move('blue_0', (0.4, 0.1), math.pi / 2, 0.0))
    assert simulation.time_s == 0.0
