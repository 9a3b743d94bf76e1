# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What goes wrong with a move is noticed in time, tried again, and told in the end."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from grasping_setup import HANDS, block, simulation_of

from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.blocks import Pose
from ebm_concept_ros.grasping.outcome import Outcome
from ebm_concept_ros.grasping.pick_and_place import PickAndPlace, PickAndPlaceConfig
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.grasping.stages import Phase, PhaseConfig, Stage

NOTICED_WITHIN_S = 0.3
# With the hand turned as it is at home.
YAW_RAD = -math.pi / 2
FORWARDS = Move('red_0', (0.36, -0.04), YAW_RAD, YAW_RAD)


class Meddler:
    """Does something once, a while after a phase has begun, and sees when another phase begins."""

    def __init__(
        self, simulation: BlockSimulation, phase: Phase, does: Callable[[], None], after_s: float
    ) -> None:
        self._simulation, self._phase, self._does = simulation, phase, does
        self._after_s = after_s
        self._done_in: Stage | None = None
        self.did_at_s = self.noticed_at_s = np.inf
        self.phases: list[Phase] = []

    def __call__(self, stage: Stage) -> None:
        time_s = self._simulation.time_s
        if not self.phases or self.phases[-1] is not stage.phase:
            self.phases.append(stage.phase)
        if self._done_in is None:
            if stage.phase is self._phase and time_s - stage.begin_s > self._after_s:
                self._does()
                self._done_in, self.did_at_s = stage, time_s
        elif stage is not self._done_in:
            self.noticed_at_s = min(self.noticed_at_s, time_s)


def shifted(simulation: BlockSimulation, id_: str, by_m: tuple[float, float, float]) -> None:
    pose = simulation.block_pose(id_)
    simulation.put(id_, Pose(pose.position_m + by_m, pose.rotation))


def meddled_with(
    simulation: BlockSimulation, phase: Phase, does: Callable[[], None], after_s: float = 0.3
) -> tuple[Outcome, Meddler]:
    meddler = Meddler(simulation, phase, does, after_s)
    outcome = PickAndPlace(simulation).move(FORWARDS, meddler)
    assert meddler.did_at_s < np.inf, 'nobody has meddled'
    return outcome, meddler


def test_a_block_that_is_moved_on_the_way_to_it_is_gone_after():
    simulation = simulation_of(block('red_0', 0.32, 0.05))
    outcome, meddler = meddled_with(
        simulation, Phase.DOWN, lambda: shifted(simulation, 'red_0', (0.02, 0.0, 0.0)), 0.2
    )
    assert meddler.noticed_at_s - meddler.did_at_s < NOTICED_WITHIN_S
    assert outcome.success and outcome.retries == 1 and outcome.slips == 0, outcome
    assert outcome.placing_error_m < 0.003
    assert 'was moved' in outcome.troubles[0]


def test_a_block_taken_from_between_the_fingers_is_gone_after():
    simulation = simulation_of(block('red_0', 0.32, 0.05))
    outcome, meddler = meddled_with(
        *(simulation, Phase.CLOSE), lambda: shifted(simulation, 'red_0', (0.0, -0.05, 0.0)), 0.1
    )
    assert meddler.noticed_at_s - meddler.did_at_s < NOTICED_WITHIN_S
    assert outcome.success and outcome.retries == 1 and 'taken away' in outcome.troubles[0]


def test_a_narrow_prism_between_the_fingers_is_not_taken_for_missed():
    simulation = simulation_of(block('red_0', 0.32, 0.05, shape='prism', width_m=0.023))
    outcome = PickAndPlace(simulation).move(FORWARDS)
    assert outcome.success and outcome.retries == 0, outcome


def test_a_block_that_falls_out_of_the_hand_is_picked_up_again():
    simulation = simulation_of(block('red_0', 0.32, 0.05))

    def knock() -> None:
        # Somebody takes it out of the hand and puts it down beside where it was.
        pose = simulation.block_pose('red_0')
        simulation.put('red_0', Pose(np.array([0.3, 0.12, 0.0201]), np.eye(3)))
        assert pose.position_m[2] > 0.05

    outcome, meddler = meddled_with(simulation, Phase.CARRY, knock)
    assert meddler.noticed_at_s - meddler.did_at_s < NOTICED_WITHIN_S
    assert outcome.success and outcome.retries == outcome.slips == 1, outcome
    assert outcome.placing_error_m < 0.003
    assert meddler.phases.count(Phase.CLOSE) == 2


@pytest.mark.parametrize('name', HANDS)
def test_a_grip_that_slips_is_put_down_and_taken_anew(name):
    red = block('red_0', 0.32, 0.05, mass_kg=0.1, friction=0.6)
    simulation = simulation_of(red, name=name)

    def wet() -> None:
        simulation.model.geom('ebm/red_0').friction[0] = 0.02

    def dry_again() -> None:
        simulation.model.geom('ebm/red_0').friction[0] = 0.6

    meddler = Meddler(simulation, Phase.LIFT, wet, 0.6)

    def each_step(stage: Stage) -> None:
        meddler(stage)
        if meddler.noticed_at_s < np.inf:
            dry_again()

    outcome = PickAndPlace(simulation).move(FORWARDS, each_step)
    assert meddler.noticed_at_s - meddler.did_at_s < NOTICED_WITHIN_S
    assert outcome.success and outcome.slips == outcome.retries == 1, outcome
    assert 'slipped' in outcome.troubles[0]
    assert outcome.placing_error_m < 0.003


def test_a_place_that_is_taken_on_the_way_sends_the_block_back():
    simulation = simulation_of(block('red_0', 0.32, 0.05), block('blue_0', 0.5, 0.2, colour='blue'))

    def take_it() -> None:
        simulation.put('blue_0', Pose(np.array([0.37, -0.04, 0.02]), np.eye(3)))

    outcome, meddler = meddled_with(simulation, Phase.CARRY, take_it)
    assert meddler.noticed_at_s - meddler.did_at_s < NOTICED_WITHIN_S
    assert not outcome.success and "taken by 'blue_0'" in outcome.reason
    red = simulation.block_pose('red_0')
    np.testing.assert_allclose(red.position_m, [0.32, 0.05, 0.02], atol=0.004)
    assert simulation.grasp_pose.position_m[2] > 0.1


def test_what_cannot_be_held_is_given_up_after_four_tries():
    simulation = simulation_of(block('red_0', 0.32, 0.05, mass_kg=1.5, friction=0.1))
    outcome = PickAndPlace(simulation).move(FORWARDS)
    assert not outcome.success and outcome.retries == 3
    assert outcome.reason.startswith('tried 4 times')
    assert simulation.grasp_pose.position_m[2] > 0.1


def test_a_place_out_of_reach_is_said_before_anything_moves():
    simulation = simulation_of(block('red_0', 0.45, 0.1))
    outcome = PickAndPlace(simulation).move(Move('red_0', (0.74, 0.25), YAW_RAD, YAW_RAD))
    assert not outcome.success and "the place of 'red_0' is out of reach" in outcome.reason
    assert outcome.time_s == 0.0


def test_a_phase_that_does_not_end_sends_the_block_back():
    simulation = simulation_of(block('red_0', 0.32, 0.05))
    config = PickAndPlaceConfig(phases=PhaseConfig(timeout_s=2.5, carry_speed_m_s=0.05))
    far = Move('red_0', (0.4, -0.28), YAW_RAD, YAW_RAD)
    outcome = PickAndPlace(simulation, config).move(far)
    assert not outcome.success and 'CARRY is not over after 2.5 s' in outcome.reason
    np.testing.assert_allclose(
        simulation.block_pose('red_0').position_m, [0.32, 0.05, 0.02], atol=0.004
    )
    assert simulation.grasp_pose.position_m[2] > 0.1


def test_a_place_that_is_taken_from_the_start_moves_nothing():
    simulation = simulation_of(
        block('red_0', 0.32, 0.05), block('blue_0', 0.39, -0.04, colour='blue')
    )
    outcome = PickAndPlace(simulation).move(FORWARDS)
    assert not outcome.success and "taken by 'blue_0'" in outcome.reason
    assert outcome.time_s == 0.0


def test_a_block_that_stands_on_another_is_left():
    simulation = simulation_of(block('red_0', 0.32, 0.05), block('blue_0', 0.4, 0.1, colour='blue'))
    simulation.put('red_0', Pose(np.array([0.4, 0.1, 0.0601]), np.eye(3)))
    outcome = PickAndPlace(simulation).move(FORWARDS)
    assert not outcome.success and outcome.time_s == 0.0
    assert outcome.reason == "'red_0' stands 40 mm above the table"


def test_a_state_that_no_torque_can_be_computed_for_ends_the_move():
    simulation = simulation_of(block('red_0', 0.32, 0.05))

    def break_it(_: Stage) -> None:
        simulation.data.qvel[0] = 1e5

    outcome = PickAndPlace(simulation).move(FORWARDS, break_it)
    assert not outcome.success and outcome.reason.startswith('no plan: state: contains NaN')
    assert np.isfinite(simulation.applied_effort_nm).all()


def test_a_block_that_lies_on_its_side_is_left():
    simulation = simulation_of(block('red_0', 0.32, 0.05))
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    simulation.put('red_0', Pose(np.array([0.32, 0.05, 0.02]), turn))
    outcome = PickAndPlace(simulation).move(FORWARDS)
    assert not outcome.success and 'fallen over' in outcome.reason
