# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A table that changes under an arm in motion: the arm notices nothing, and what is refused."""

import math

import numpy as np
import pytest
from reaching import shipped_arm, shipped_workspace

from ebm_concept_ros.arm.editable_simulation import (
    EditableSimulation,
    Refusal,
    TableChangeRefused,
)
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import MOST_ON_TABLE, TableEntity, TableScene

FREE = (0.35, -0.2)
LOW = {'height_m': 0.01}


def entity(id_, position=(0.5, 0.2), colour='blue', **others):
    return TableEntity(id=id_, position_in_base_m=position, colour=colour, **others)


def editable(*entities):
    table = TableScene(entities=entities or (entity('blue_0'), entity('red_0', (0.5, -0.1))))
    return EditableSimulation(shipped_arm(), shipped_workspace(), table, 0.002)


def swing(sim, steps=50):
    """Push the arm for some steps."""
    for _ in range(steps):
        push = sim.hold_effort()
        push[0] += 5.0
        sim.apply(push)
        sim.step()


def places(world):
    found = world.sim.entity_positions_in_base_m()
    return dict(zip(world.sim.table_scene.ids, map(tuple, found.tolist()), strict=True))


def test_the_arm_moves_on_as_if_nothing_had_come_gone_or_moved():
    world, undisturbed = editable(), editable()
    for one in (world, undisturbed):
        swing(one.sim)
    assert world.spawn('green_0', 'colour: green', FREE) == 'green_0'
    world.move('red_0', (0.45, -0.15))
    world.delete('blue_0')
    for one in (world, undisturbed):
        swing(one.sim)
    assert world.sim.time_s == undisturbed.sim.time_s
    np.testing.assert_allclose(
        world.sim.joint_positions_rad, undisturbed.sim.joint_positions_rad, atol=1e-12
    )
    np.testing.assert_allclose(
        world.sim.joint_velocities_rad_s, undisturbed.sim.joint_velocities_rad_s, atol=1e-12
    )
    np.testing.assert_allclose(
        world.sim.applied_effort_nm, undisturbed.sim.applied_effort_nm, atol=1e-9
    )
    assert places(world) == {'red_0': (0.45, -0.15), 'green_0': FREE}


def test_what_is_spawned_stays_through_a_reset_and_goes_with_the_table():
    world = editable()
    world.spawn('green_0', '{colour: green, shape: square, radius_m: 0.03}', FREE)
    world.move('green_0', (0.3, 0.1))
    world.move('blue_0', (0.55, 0.15))
    world.delete('red_0')
    world.reset()
    assert places(world) == {'blue_0': (0.5, 0.2), 'green_0': FREE}
    assert world.sim.table_scene.entities[-1].shape == 'square'
    world.move('blue_0', (0.55, 0.15))
    world.restore_table()
    assert places(world) == {'blue_0': (0.55, 0.15), 'red_0': (0.5, -0.1)}
    world.load(TableScene(entities=(entity('x'),)))
    world.restore_table()
    assert list(places(world)) == ['x'] and world.sim.time_s == 0.0


def test_names_are_made_where_none_is_given_or_it_may_be_changed():
    world = editable()
    assert world.spawn('', 'colour: blue', FREE) == 'blue_1'
    assert world.spawn('blue_0', 'colour: red', (0.3, 0.1), allow_renaming=True) == 'blue_2'
    assert world.spawn('pole', 'colour: red', (0.3, 0.2)) == 'pole'
    assert world.spawn('pole', 'colour: red', (0.3, 0.3), allow_renaming=True) == 'pole_1'


@pytest.mark.parametrize(
    ('change', 'refusal', 'words'),
    [
        (
            lambda w: w.delete('nobody'),
            Refusal.UNKNOWN_ENTITY,
            "'nobody' is unknown; known are blue",
        ),
        (lambda w: w.move('nobody', FREE), Refusal.UNKNOWN_ENTITY, "'nobody' is unknown"),
        (lambda w: w.move('blue_0', (2.0, 0.0)), Refusal.PLACE, 'out of the workspace, x 0.'),
        (lambda w: w.move('blue_0', (math.nan, 0.0)), Refusal.PLACE, 'out of the workspace'),
        (lambda w: w.spawn('a', 'colour: red', (0.4, 9.0)), Refusal.PLACE, 'out of the workspace'),
        (lambda w: w.spawn('blue_0', 'colour: red', FREE), Refusal.NAME_TAKEN, "'blue_0' is there"),
        (lambda w: w.spawn('table', 'colour: red', FREE), Refusal.NAME, 'reserved for the table'),
        (lambda w: w.spawn('end_effector', 'colour: red', FREE), Refusal.NAME, 'reserved'),
        (lambda w: w.spawn('a', 'colour: pink', FREE), Refusal.DESCRIPTION, "'pink' refused"),
        (
            lambda w: w.spawn('a', 'colour: red\nsize: 3', FREE),
            Refusal.DESCRIPTION,
            'size: unknown',
        ),
        (lambda w: w.spawn('a', 'id: b\ncolour: red', FREE), Refusal.DESCRIPTION, 'request itself'),
        (lambda w: w.spawn('a', 'red', FREE), Refusal.DESCRIPTION, 'expected keys and values'),
        (lambda w: w.spawn('a', '{', FREE), Refusal.DESCRIPTION, 'not valid YAML'),
        (
            lambda w: w.spawn('a', 'colour: red\nradius_m: .nan', FREE),
            Refusal.DESCRIPTION,
            'radius_m: nan refused',
        ),
    ],
)
def test_what_is_refused_changes_nothing(change, refusal, words):
    world = editable()
    before = world.sim
    with pytest.raises(TableChangeRefused, match=r'.') as error:
        change(world)
    assert error.value.refusal is refusal and words in str(error.value)
    assert world.sim is before and places(world) == {'blue_0': (0.5, 0.2), 'red_0': (0.5, -0.1)}


def test_nothing_is_put_into_the_arm():
    world = editable()
    below = tuple(world.sim.effector_in_base_m[:2].tolist())
    with pytest.raises(TableChangeRefused, match=r'would stand in .* of the arm'):
        world.spawn('pole', 'colour: red\nheight_m: 0.3', below)
    world.spawn('pole', 'colour: red\nheight_m: 0.3', FREE)
    with pytest.raises(TableChangeRefused, match=r'would stand in .* of the arm'):
        world.move('pole', below)
    assert places(world)['pole'] == FREE


def test_there_is_always_an_entity_and_never_more_than_a_scene_may_have():
    world = editable(*(entity(f'e{i}', **LOW) for i in range(MOST_ON_TABLE)))
    with pytest.raises(TableChangeRefused, match='127 are on the table') as error:
        world.spawn('one_more', 'colour: red', FREE)
    assert error.value.refusal is Refusal.NUMBER
    world = editable(entity('last'))
    with pytest.raises(TableChangeRefused, match="'last' is the last"):
        world.delete('last')


def test_a_torque_is_approached_within_its_rate():
    sim: ArmSimulation = editable().sim
    step_nm = sim.arm.effort_rate_limits_nm_s * sim.timestep_s
    start = sim.applied_effort_nm
    wanted = start + np.array([3.5, -3.5, 0.5, 0.0, 0.0, 0.0]) * step_nm
    arrived = [sim.approach(wanted) or sim.applied_effort_nm for _ in range(4)]
    assert arrived[-1] is True and all(one is not True for one in arrived[:-1])
    steps = np.abs(np.diff([start, *arrived[:-1], wanted], axis=0))
    assert (steps <= step_nm * (1 + 1e-12)).all()
