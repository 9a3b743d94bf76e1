# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The worlds are the paper's, and what is not in them is refused."""

import math

import numpy as np
import pytest
import torch

from ebm_core.errors import InvalidInput
from ebm_core.trajectory.episodes import run_episodes
from ebm_core.trajectory.points import Maze, Particle
from ebm_core.trajectory.seven_joints import finger, mjcf
from ebm_core.trajectory.transitions import Frame, Transitions
from ebm_core.trajectory.worlds import WORLDS, world_named


def test_a_step_is_a_twentieth_at_most_and_keeps_its_direction():
    states = np.zeros((2, 2))
    nexts = Particle().step(states, np.array([[0.5, -0.2], [4.0, 2.0]]))
    np.testing.assert_allclose(nexts, [[0.025, -0.01], [0.05, 0.025]])


def test_an_obstacle_stops_every_step_whose_box_overlaps_it():
    world = Particle(obstacle=(0.1, 0.1, 0.5, 0.5))
    states = np.array([[0.08, 0.2], [0.08, 0.08], [0.08, 0.0]])
    nexts = world.step(states, np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(nexts, [[0.08, 0.2], [0.08, 0.08], [0.13, 0.0]])


def test_walls_of_a_maze_have_gaps_above_and_below_in_turn():
    world = Maze(corridors=3)
    inside = np.array([[-0.3, 0.3], [-0.3, 0.2], [0.7, -0.3], [0.7, 0.0], [1.7, 0.3], [1.2, 0.9]])
    assert world.allowed(inside).tolist() == [True, False, True, False, True, True]
    stuck = world.step(np.array([[-0.51, 0.0]]), np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(stuck, [[-0.51, 0.0]])


def test_the_optimum_is_what_the_definition_gives():
    goal = np.array([0.5, 0.5])
    assert Particle().optimum(np.zeros(2), goal, spacing=0.05) == pytest.approx(-4.5)
    around = Particle(obstacle=(0.1, 0.1, 0.5, 0.5))
    assert around.optimum(np.zeros(2), goal, spacing=0.05) < -7


def test_our_equations_of_the_arm_are_those_of_dm_control():
    pytest.importorskip('dm_control')
    rng = np.random.default_rng(0)
    states = np.concatenate((rng.uniform(-0.8, 0.8, (50, 2)), rng.uniform(-0.5, 0.5, (50, 2))), 1)
    actions = rng.uniform(-1, 1, (50, 2))
    ours, theirs = (WORLDS[name].step(states, actions) for name in ('reacher', 'dm_reacher'))
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert np.abs(ours - states).max() > 0.1
    np.testing.assert_allclose(WORLDS['reacher'].inverse(states, ours), actions, atol=1e-9)


@pytest.mark.parametrize('name', ['particle', 'maze', 'reacher'])
def test_deviations_of_random_transitions_are_of_unit_size_and_invertible(name):
    data = WORLDS[name].transitions(2000, np.random.default_rng(1)).moved()
    frame = Frame(data.states.shape[1])
    frame.fit(data)
    deviation = frame.deviation(data.states, data.nexts)
    size = deviation.square().mean(0)
    assert (size < 1.1).all() and (size[:2] > 0.9).all()
    again = frame.apply_deviation(data.states, deviation)
    torch.testing.assert_close(again, data.nexts, atol=1e-5, rtol=0)


def test_what_is_wrong_is_named():
    good = np.zeros((3, 2))
    with pytest.raises(InvalidInput, match='actions: NaN or infinity'):
        Transitions.of(good, np.full((3, 2), math.nan), good)
    with pytest.raises(InvalidInput, match=r'nexts: shape \(2, 2\) is refused: 3 rows'):
        Transitions.of(good, good, good[:2])
    with pytest.raises(InvalidInput, match='nexts: 3 numbers a state are refused'):
        Transitions.of(good, good, np.zeros((3, 3)))
    with pytest.raises(InvalidInput, match='at least two different states'):
        Transitions.of(good, good + 1, good + 0.05).moved()
    with pytest.raises(InvalidInput, match="world: 'moon' is unknown; known are particle, maze"):
        world_named('moon')
    with pytest.raises(InvalidInput, match='corridors: 0 is refused: 1 to 64'):
        Maze(corridors=0)
    with pytest.raises(InvalidInput, match=r'goal: \[5.0, 0.0\] is not in the world particle'):
        run_episodes(Particle(), None, np.zeros((1, 2)), np.array([[5.0, 0.0]]))
    with pytest.raises(InvalidInput, match=r'start: .* is not in the world maze'):
        run_episodes(Maze(), None, np.array([[-0.3, 0.0]]), np.array([[0.7, -0.8]]))


def test_a_frame_of_few_transitions_of_one_place_holds_elsewhere():
    """A few steps about the origin do not tell that the others would drift."""
    rng = np.random.default_rng(0)
    far = torch.tensor([[0.8, -0.8]])
    drifts = {None: [], 0.1: []}
    for _ in range(20):
        states = rng.uniform(-0.1, 0.1, (8, 2))
        actions = rng.uniform(-1, 1, (8, 2))
        data = Transitions.of(states, actions, Particle().step(states, actions))
        for drift, found in drifts.items():
            frame = Frame(2)
            frame.fit(data, drift)
            found.append(float((frame.predict(far) - far).abs().max()))
    assert np.mean(drifts[0.1]) < np.mean(drifts[None]) / 2


def test_what_many_transitions_say_of_a_frame_stays():
    data = WORLDS['reacher'].transitions(5000, np.random.default_rng(0))
    frames = [Frame(4), Frame(4)]
    for frame, drift in zip(frames, (None, 0.1), strict=True):
        frame.fit(data, drift)
    torch.testing.assert_close(frames[0].linear, frames[1].linear, atol=0.01, rtol=0)


def test_the_finger_of_seven_joints_is_where_the_physics_have_it():
    dm_control = pytest.importorskip('dm_control.mujoco')
    physics = dm_control.Physics.from_xml_string(mjcf())
    angles = np.random.default_rng(0).uniform(-2, 2, (20, 7))
    states = np.concatenate((angles / math.pi, np.zeros((20, 7))), 1)
    for place, qpos in zip(finger(torch.from_numpy(states)).numpy(), angles, strict=True):
        physics.data.qpos[:] = qpos
        physics.forward()
        np.testing.assert_allclose(place, physics.named.data.site_xpos['finger'], atol=1e-9)


def test_the_inverse_of_seven_joints_gives_the_torques_of_a_step():
    world = WORLDS['seven_joints']
    data = world.transitions(300, np.random.default_rng(0))
    states, actions, nexts = (part.double().numpy() for part in data)
    clear = (np.abs(nexts[:, :7]) < 0.6).all(1)  # of the limits, which push back
    assert clear.sum() > 20
    off = np.abs(world.inverse(states, nexts) - actions)[clear]
    assert off.mean() < 0.05


def test_an_episode_of_seven_joints_goes_on_at_the_goal():
    class Still:
        def actions(self, states, goals):
            return np.zeros((len(states), 7))

    world = WORLDS['seven_joints']
    start = np.array([world.start])
    goals = finger(torch.from_numpy(start)).numpy() + np.array([0.0, 0.0, 0.02])
    done = run_episodes(world, Still(), start, goals, cap=10)
    assert done.reached.all() and done.states.shape[1] == 11
    np.testing.assert_allclose(done.scores, -10 * 10 * 0.02, rtol=1e-6)
    drawn = world.draw_goals(50, np.random.default_rng(0))
    assert world.can_be_at(drawn).all() and (drawn[:, 2] > 0).all()
    with pytest.raises(InvalidInput, match=r'goal: \[0.0, 0.0, 2.0\] is not in the world'):
        run_episodes(world, Still(), start, np.array([[0.0, 0.0, 2.0]]))
