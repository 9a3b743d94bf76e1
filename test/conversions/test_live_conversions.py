# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies, plans, maps and markers: what is said is understood, and what is wrong is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trajectory_msgs.msg import JointTrajectoryPoint
from visualization_msgs.msg import Marker

from ebm_concept_ros import conversions as cv
from ebm_concept_ros.conversions import markers, views
from ebm_concept_ros.types import EnergyOverTable
from ebm_concept_ros.workspace import load_workspace
from ebm_core.world.scene import SHAPES, InvalidInput

WORKSPACE = load_workspace(Path(__file__).parents[2] / 'config' / 'workspace.yaml')
HALF = WORKSPACE.half_width_units
JOINTS = ('a', 'b', 'c')
# Lowest at ix = 5, iy = 1: a place that is not its mirror image.
ENERGIES = np.array([[(x - 5) ** 2 + 3 * (y - 1) ** 2 for y in range(7)] for x in range(7)], float)


def energy_message():
    return cv.energy_to_message('between', ENERGIES, WORKSPACE, 5)


def test_an_energy_is_where_it_was_tabulated():
    energy = cv.energy_from_message(energy_message(), WORKSPACE.base_frame)
    np.testing.assert_array_equal(energy.energies, ENERGIES)
    assert energy.concept == 'between'
    for ix, iy in ((0, 0), (5, 1), (6, 6)):
        place = energy.origin_m[:2] + energy.resolution_m * np.array([ix, iy])
        expected = WORKSPACE.to_base(HALF * (np.array([ix, iy]) / 3 - 1))
        np.testing.assert_allclose(place, expected, atol=1e-12)
    assert energy.origin_m[2] == WORKSPACE.hover_height_in_base_m
    nothing = cv.no_energy_message(WORKSPACE, 5)
    assert cv.energy_from_message(nothing, WORKSPACE.base_frame) is None


@pytest.mark.parametrize(
    ('field', 'value', 'reason'),
    [
        ('size', 6, 'energy.energies: 49 values, not 36'),
        ('size', 1, 'energy.size: 1, allowed are 2 to 1000'),
        ('size', 5000, 'energy.size: 5000'),
        ('energies', [float('nan')] * 49, 'energy.energies: contains NaN'),
        ('resolution', 0.0, 'energy.resolution: 0.0 is not within'),
        ('resolution', float('nan'), 'energy.resolution: nan'),
        ('origin', cv.point((float('inf'), 0.0, 0.0)), 'energy.origin'),
    ],
)
def test_an_energy_that_is_wrong_is_refused(field, value, reason):
    message = energy_message()
    setattr(message, field, value)
    with pytest.raises(InvalidInput, match=reason.replace('.', r'\.')):
        cv.energy_from_message(message, WORKSPACE.base_frame)
    with pytest.raises(InvalidInput, match=r"energy\.header\.frame_id: 'base', expected 'other'"):
        cv.energy_from_message(message, 'other')


def test_a_plan_comes_back_and_what_is_wrong_with_one_is_said():
    states = np.arange(24.0).reshape(4, 6)
    message = cv.plan_to_message(JOINTS, states, 1_500_000_000, 0.02)
    np.testing.assert_array_equal(cv.plan_from_message(message, JOINTS), states[:, :3])
    assert cv.stamp_to_ns(message.header.stamp) == 1_500_000_000
    assert message.points[3].time_from_start.nanosec == 60_000_000
    np.testing.assert_array_equal(message.points[3].velocities, states[3, 3:])
    none = cv.plan_from_message(cv.plan_to_message(JOINTS, (), 0, 0.0), JOINTS)
    assert none.shape == (0, 3)
    with pytest.raises(InvalidInput, match=r'plan\.joint_names'):
        cv.plan_from_message(message, ('a', 'b'))
    message.points[1].positions[0] = float('nan')
    with pytest.raises(InvalidInput, match='NaN'):
        cv.plan_from_message(message, JOINTS)
    message.points[2] = JointTrajectoryPoint(positions=[1.0])
    with pytest.raises(InvalidInput, match=r'plan\.points\[2\]\.positions: 1 values for 3'):
        cv.plan_from_message(message, JOINTS)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=60))
def test_ranks_keep_the_order_and_nothing_else(values):
    energies = np.array(values)
    found = views.ranks(energies)
    assert found.min() == views.LOWEST
    assert found.max() == (views.HIGHEST if np.ptp(energies) > 0 else views.LOWEST)
    order = np.argsort(energies)
    assert (np.diff(found[order].astype(int)) >= 0).all()
    np.testing.assert_array_equal(found, views.ranks(3 * energies))


def test_a_map_has_a_cell_around_each_place():
    energy = cv.energy_from_message(energy_message(), WORKSPACE.base_frame)
    grid = views.energy_to_map(energy, 'base', 0.1, 7)
    info = grid.info
    assert (info.width, info.height, len(grid.data)) == (7, 7, 49)
    iy, ix = np.argwhere(np.array(grid.data).reshape(7, 7) == views.LOWEST)[0]
    assert (ix, iy) == (5, 1)
    corner = np.array([info.origin.position.x, info.origin.position.y])
    middle = corner + info.resolution * (np.array([ix, iy]) + 0.5)
    np.testing.assert_allclose(middle, WORKSPACE.to_base(HALF * np.array([2 / 3, -2 / 3])))
    assert info.origin.position.z == 0.1 and info.origin.orientation.w == 1.0
    assert set(views.forgotten_map(grid).data) == {views.UNKNOWN}
    flat = EnergyOverTable('flat', np.ones((3, 3)), np.zeros(3), 0.1)
    assert set(views.energy_to_map(flat, 'base', 0.0, 0).data) == {views.LOWEST}


def corners(marker):
    return np.array([(p.x, p.y, p.z) for p in marker.points]).reshape(-1, 3, 3)


@pytest.mark.parametrize('shape', range(len(SHAPES)))
def test_an_entity_is_as_large_as_it_is_and_stands_on_its_foot(shape):
    marker = markers.entity_marker(shape, (0.3, -0.1, 0.05), 0.02, 0.03, (1, 0, 0, 0.5))
    z = marker.pose.position.z
    if marker.type == Marker.TRIANGLE_LIST:
        triangles = corners(marker)
        assert (triangles[..., 2].min() + z, triangles[..., 2].max() + z) == (0.05, 0.08)
        edges = triangles[:, 1:] - triangles[:, :1]
        normals = np.cross(edges[:, 0], edges[:, 1])
        outwards = triangles.mean(axis=1) - (0.0, 0.0, 0.015)
        if SHAPES[shape] == 'triangle':  # a cross is not convex
            assert ((normals * outwards).sum(axis=1) > 0).all()
        # As much surface looks one way as the other, but for the foot, which is open.
        total = normals.sum(axis=0) / 2
        np.testing.assert_allclose(total[:2], 0.0, atol=1e-12)
        assert total[2] > 0
    else:
        assert marker.scale.z == 0.03 and z == pytest.approx(0.065)
        assert 0.03 < marker.scale.x <= 0.04
    assert (marker.color.r, marker.color.a) == (1.0, 0.5)


def test_a_cross_covers_two_bars():
    triangles = corners(markers.entity_marker(0, (0, 0, 0), 0.03, 0.01, (0, 0, 0, 1)))
    top = triangles[(triangles[..., 2] == 0.01).all(axis=1)][..., :2]
    edges = top[:, 1:] - top[:, :1]
    area = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]).sum() / 2
    bar, middle = 0.06 * 0.02, 0.02 * 0.02
    assert area == pytest.approx(2 * bar - middle)
