# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Entities that appear and vanish while the arm moves, without ROS's transport, in lockstep."""

import numpy as np
import pytest
from reaching import shipped_arm, shipped_workspace

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.control.presence import vanished
from ebm_concept_ros.control.target import make_target
from ebm_concept_ros.control.targeting import Targeting
from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.field.obstacles import hand_radius_m
from ebm_concept_ros.planning.planners import make_planner
from ebm_concept_ros.types import ComposedConcept, ConceptCodes, JointSample, NamedScene
from ebm_core.world.scene import ACTOR_COLOUR, COLOURS, SHAPES, Scene

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
NORTH = np.array([0.0, 0.3])  # particle units
CODES = ConceptCodes('north', np.zeros(8), np.zeros(8), 'hash')
OTHER = ConceptCodes('other', np.ones(8), np.zeros(8), 'hash')


class BlueOnes:
    """In place of a learned model: the blue ones are meant, the arm goes north of the first."""

    def identify(self, scene, code, seed):
        near = np.linalg.norm(scene.colours - COLOURS['blue'], axis=1) < 0.2
        return (near | scene.movable).astype(float)

    def actor_energy(self, scene, attention, code, points, roles=None, in_sum=False):
        reference = scene.positions[(attention > 0.5) & ~scene.movable]
        goal = (reference[0] if len(reference) else np.zeros(2)) + NORTH
        return ((points - goal) ** 2).sum(1)


class Silent:
    """In place of the node's diagnostics."""

    def __getattr__(self, name):
        return lambda *args, **values: None


def named_scene(places_m, effector_m=(0.3, 0.0, 0.12)):
    """Ids tell the colours: 'blue_0'."""
    in_plane = WORKSPACE.to_plane(np.array([*places_m.values(), effector_m[:2]], float))
    colours = [*(COLOURS[name.split('_')[0]] for name in places_m), ACTOR_COLOUR]
    shapes = [0] * len(places_m) + [SHAPES.index('cross')]
    movable = np.arange(len(in_plane)) == len(places_m)
    sizes_m = np.array([*[(0.024, 0.03)] * len(places_m), (0.0, 0.0)])
    scene = Scene(in_plane, colours, shapes, movable)
    return NamedScene((*places_m, 'end_effector'), scene, sizes_m)


BLUE, RED, GREEN = (0.5, 0.1), (0.4, -0.2), (0.6, -0.1)


class Loop:
    """Arm, controller and targeting in lockstep, as the controller node runs them."""

    def __init__(self, table):
        tables = TableScene(
            entities=(TableEntity(id='red_0', position_in_base_m=RED, colour='red'),)
        )
        self.simulation = ArmSimulation(ARM, WORKSPACE, tables)
        planner = make_planner('ilqg', ARM, WORKSPACE)
        self.controller = TrackingController(ARM, planner, 0.05, predict=False, period_s=0.002)
        self.targeting = Targeting(
            BlueOnes(), WORKSPACE, self.controller, Silent(), 0, hand_radius_m(ARM)
        )
        self.targeting.set_concept(CODES)
        self.targeting.set_scene(named_scene(table))

    def run(self, duration_s):
        """Return the decisions."""
        decisions = []
        for tick in range(round(duration_s / self.simulation.timestep_s)):
            sim = self.simulation
            self.targeting.update()
            self.controller.on_state(
                JointSample(
                    round(sim.time_s * 1e9), sim.joint_positions_rad, sim.joint_velocities_rad_s
                )
            )
            if tick % 5 == 0:
                self.controller.replan()
            decisions.append(self.controller.decide(0.0))
            sim.apply(decisions[-1].effort_nm)
            sim.step()
        return decisions

    def distance_m(self, blue):
        goal_m = np.array(blue) + NORTH * WORKSPACE.metres_per_unit
        return np.linalg.norm(self.simulation.effector_in_base_m[:2] - goal_m)


def test_the_arm_goes_on_when_others_come_and_go_and_waits_for_whom_it_refers_to():
    loop = Loop({'blue_0': BLUE, 'red_0': RED})
    loop.run(0.1)
    for places in (
        {'green_0': GREEN, 'blue_0': BLUE, 'red_0': RED},  # it comes first: indices shift
        {'green_0': GREEN, 'blue_0': BLUE},
        {'blue_0': BLUE},
    ):
        loop.targeting.set_scene(named_scene(places))
        assert {d.mode for d in loop.run(0.05)} == {Mode.TRACKING}
        assert loop.controller.assignment.target.scene.ids == (*places, 'end_effector')
    assert loop.distance_m(BLUE) > 0.02  # it is on its way

    loop.targeting.set_scene(named_scene({'green_0': GREEN, 'red_0': RED}))
    decisions = loop.run(0.6)
    assert {d.mode for d in decisions} == {Mode.HOLDING}
    assert decisions[0].reason == 'north: waits for blue_0 to return'
    assert np.abs(loop.simulation.joint_velocities_rad_s).max() < 0.02

    elsewhere = (0.35, 0.0)
    loop.targeting.set_scene(named_scene({'red_0': RED, 'blue_0': elsewhere}))
    assert {d.mode for d in loop.run(1.5)} == {Mode.TRACKING}
    assert loop.distance_m(elsewhere) < 0.01


def test_another_concept_does_not_wait_for_whom_the_former_referred_to():
    loop = Loop({'blue_0': BLUE, 'red_0': RED})
    loop.run(0.02)
    loop.targeting.set_scene(named_scene({'red_0': RED}))
    assert loop.run(0.02)[-1].mode is Mode.HOLDING
    loop.targeting.set_concept(OTHER)
    assert loop.run(0.02)[-1].mode is Mode.TRACKING


def test_while_it_waits_there_is_nothing_to_do():
    """Or the targeting thread would turn round and round."""
    loop = Loop({'blue_0': BLUE})
    loop.run(0.02)
    loop.targeting.set_scene(named_scene({'red_0': RED}))
    loop.targeting.update()
    made = []
    loop.targeting._model.identify = lambda *args, **kwargs: made.append(args)
    for _ in range(3):
        loop.targeting.update()
    assert not made and loop.controller.assignment.absent


@pytest.fixture
def target():
    scene = named_scene({'blue_0': BLUE, 'blue_1': GREEN, 'red_0': RED})
    return make_target(BlueOnes(), CODES, scene, WORKSPACE)


@pytest.mark.parametrize(
    ('there', 'gone'),
    [
        ({'blue_0': BLUE, 'blue_1': GREEN}, ()),
        ({'blue_1': GREEN, 'red_0': RED}, ('blue_0',)),
        ({'red_0': RED}, ('blue_0', 'blue_1')),
        ({'blue_1': GREEN, 'blue_7': BLUE}, ()),  # named anew by whoever sees it
        ({'blue_7': BLUE, 'red_0': RED}, ('blue_1',)),  # but it is one, not two
        ({'blue_1': GREEN, 'green_0': BLUE}, ('blue_0',)),
    ],
)
def test_who_has_vanished_is_told_by_name_and_looks(target, there, gone):
    assert vanished(target, CODES, named_scene(there)) == gone


def test_only_what_counts_can_have_vanished(target):
    scene = named_scene({'red_0': RED})
    both = ComposedConcept('both', (CODES, OTHER), (0.0, 1.0))
    assert vanished(target, both, scene) == ()
    assert vanished(None, CODES, scene) == ()
