# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Outlines of blocks, gaps between them, and random tables."""

import math

import numpy as np
import pytest
from grasping_setup import block, simulation_of

from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.grasping.blocks import extent_m, outline_in_base, separation_m
from ebm_concept_ros.grasping.random_table import random_block_table


def test_extents_along_the_closing_axis():
    box = block('a', 0.4, 0.0, width_m=0.04, depth_m=0.06)
    assert extent_m(box, 0.0) == pytest.approx((-0.02, 0.02))
    assert extent_m(box, math.pi / 2) == pytest.approx((-0.03, 0.03))
    prism = block('b', 0.4, 0.0, shape='prism', width_m=0.045)
    # From the face to the apex at +x, its middle a quarter of the radius ahead.
    assert extent_m(prism, 0.0) == pytest.approx((-0.015, 0.03))
    assert extent_m(prism, 2 * math.pi / 3) == pytest.approx((-0.015, 0.03))


def test_gaps_between_outlines():
    one, other = block('a', 0.4, 0.0), block('b', 0.4, 0.0, shape='cylinder')
    here = outline_in_base(one, np.zeros(2), 0.0)
    assert separation_m(here, outline_in_base(one, np.array([0.05, 0.0]), 0.0)) == pytest.approx(
        0.01
    )
    assert separation_m(here, outline_in_base(one, np.array([0.03, 0.0]), 0.0)) == pytest.approx(
        -0.01
    )
    across = outline_in_base(one, np.array([0.05, 0.0]), math.pi / 4)
    assert separation_m(here, across) == pytest.approx(0.03 - 0.02 * math.sqrt(2))
    round_one = outline_in_base(other, np.array([0.1, 0.1]), 0.3)
    assert separation_m(here, round_one) == pytest.approx(0.08 * math.sqrt(2) - 0.02, abs=0.0003)


def test_a_block_in_the_simulation_is_what_is_said_of_it():
    block_ = block(
        'a', 0.4, 0.1, shape='prism', width_m=0.05, height_m=0.03, mass_kg=0.05, yaw_rad=1.0
    )
    simulation = simulation_of(block_)
    pose = simulation.block_pose('a')
    np.testing.assert_allclose(pose.position_m, [0.4, 0.1, 0.015], atol=1e-4)
    assert pose.yaw_rad == pytest.approx(1.0, abs=1e-3) and pose.tilt_rad < 1e-3
    body = simulation.model.body('ebm/a')
    assert body.mass[0] == pytest.approx(0.05)
    # An equilateral prism about its axis: m r² / 4, r the radius of the circle around it.
    radius = 0.05 * 2 / 3
    assert sorted(body.inertia)[-1] == pytest.approx(0.05 * radius**2 / 4, rel=1e-6) or sorted(
        body.inertia
    )[0] == pytest.approx(0.05 * radius**2 / 4, rel=1e-6)


@pytest.mark.parametrize('shape', ['box', 'cylinder', 'prism'])
def test_the_circle_around_a_footprint_is_that_around_its_outline(shape):
    depth_m = 0.06 if shape == 'box' else None
    block_ = block('a', 0.4, 0.1, shape=shape, depth_m=depth_m)
    farthest_m = np.linalg.norm(block_.outline(), axis=1).max()
    assert block_.footprint.radius_m == pytest.approx(farthest_m)


def test_a_block_that_cannot_be_on_the_table_is_refused():
    with pytest.raises(ConfigError, match=r"'red_0': position_in_base_m: \(1.4, 0.1\) is out of"):
        simulation_of(block('red_0', 1.4, 0.1))
    with pytest.raises(ValueError, match="id 'table' is reserved for the table"):
        simulation_of(block('table', 0.4, 0.1))


def test_random_tables_are_apart_and_the_same_for_a_seed():
    tables = [random_block_table([3, k], 6) for k in range(5)]
    assert tables[0] == random_block_table([3, 0], 6)
    assert len({block.shape for table in tables for block in table.blocks}) == 3
    for table in tables:
        for i, one in enumerate(table.blocks):
            for other in table.blocks[:i]:
                away = math.dist(one.position_in_base_m, other.position_in_base_m)
                assert away > one.footprint.radius_m + other.footprint.radius_m + 0.039
    with pytest.raises(ValueError, match='no room'):
        random_block_table(0, 6, gap_m=0.5)
