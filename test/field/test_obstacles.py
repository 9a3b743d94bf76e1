# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the arm would strike: which entities they are, and a field and a cost that avoid them."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='scenes with sizes come from messages')

from reaching import SHIPPED_ARMS, field_around, shipped_arm, shipped_workspace

from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.field.circles import NO_CIRCLES, Circles
from ebm_concept_ros.field.cost_to_go import with_cost_to_go_around
from ebm_concept_ros.field.obstacles import (
    HEIGHT_MARGIN_M,
    SIDE_MARGIN_M,
    circles_to_avoid,
    hand_radius_m,
)
from ebm_concept_ros.planning.cost import CostWeights, ReachCost
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_core.world.scene import InvalidInput

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
GOAL = np.array([0.6, 0.1])
FIELD = field_around(GOAL)
TWO = Circles(np.array([[0.0, 0.0], [0.0, 0.55]]), np.array([0.4, 0.4]))


def scene_of(*heights_m):
    table = TableScene(
        entities=tuple(
            TableEntity(
                id=f'thing_{i}',
                position_in_base_m=(0.4 + 0.1 * i, 0.05),
                colour='red',
                radius_m=0.01 * (i + 1),
                height_m=height_m,
            )
            for i, height_m in enumerate(heights_m)
        )
    )
    message = cv.table_scene_to_message(
        table, table.positions_in_base_m(), (0.3, 0.0, 0.12), WORKSPACE
    )
    return cv.scene_from_message(message, WORKSPACE), message


def test_only_what_stands_as_high_as_the_hand_is_avoided():
    just_below = WORKSPACE.hover_height_m - HEIGHT_MARGIN_M
    scene, _ = scene_of(0.03, 0.2, just_below, just_below + 0.01)
    circles = circles_to_avoid(scene, WORKSPACE, hand_radius_m=0.07)
    np.testing.assert_allclose(WORKSPACE.to_base(circles.centres), [[0.5, 0.05], [0.7, 0.05]])
    radii_m = circles.radii * WORKSPACE.metres_per_unit
    np.testing.assert_allclose(radii_m, np.array([0.02, 0.04]) + 0.07 + SIDE_MARGIN_M)
    assert circles.above_m == pytest.approx(0.2 + HEIGHT_MARGIN_M - WORKSPACE.hover_height_m)
    assert circles_to_avoid(scene_of(0.03, 0.03)[0], WORKSPACE, 0.07) is NO_CIRCLES
    # The effector itself, whatever size it is said to have, is none.
    message = scene_of(0.03)[1]
    message.entities[-1].radius = message.entities[-1].height = 0.5
    sized = cv.scene_from_message(message, WORKSPACE)
    assert circles_to_avoid(sized, WORKSPACE, 0.07) is NO_CIRCLES


@pytest.mark.parametrize('value', [-0.01, np.nan, np.inf, 1e308])
@pytest.mark.parametrize('name', ['radius', 'height'])
def test_a_size_that_cannot_be_is_refused(name, value):
    _, message = scene_of(0.03, 0.2)
    setattr(message.entities[1], name, value)
    with pytest.raises(InvalidInput, match=rf'entities\[1\]\.{name}: '):
        cv.scene_from_message(message, WORKSPACE)


HAND_RADII_M = [
    *(('jaco', 0.06, 0.09), ('iiwa7', 0.04, 0.06)),
    *(('panda', 0.05, 0.07), ('ur5e', 0.04, 0.06), ('so101', 0.02, 0.04)),
]


@pytest.mark.parametrize(('name', 'low', 'high'), HAND_RADII_M)
def test_the_hand_is_as_wide_as_its_fingers_and_its_flange(name, low, high):
    assert {each[0] for each in HAND_RADII_M} == set(SHIPPED_ARMS)
    assert low < hand_radius_m(shipped_arm(name)) < high


def descend(field, start, step=0.005):
    """Follow the gradient down; return the points of the way."""
    way = [np.array(start, float)]
    for _ in range(1500):
        gradient = field.cost(way[-1][None]).gradient[0]
        way.append(way[-1] - step * gradient / max(np.linalg.norm(gradient), 0.05))
        if np.linalg.norm(way[-1] - GOAL) < 0.05:
            break
    return np.array(way)


@pytest.mark.parametrize('start', [(-0.9, -0.15), (-0.9, 0.0), (-0.9, 0.275), (-0.7, 0.6)])
def test_the_way_down_leads_around_and_ends_at_the_goal(start):
    """Starts straight behind the obstacles, and in the notch between the two."""
    way = descend(with_cost_to_go_around(FIELD, TWO), start)
    assert np.linalg.norm(way[-1] - GOAL) < 0.05
    # The soft rim of a cell's width may be cut, the cost's term then keeps the hand out.
    assert TWO.depth(way).max() < 0.04
    assert TWO.depth(descend(FIELD, start)).max() > 0.15, 'the straight way leads through'


def test_where_nothing_is_in_the_way_nothing_changes():
    led = with_cost_to_go_around(FIELD, TWO)
    np.testing.assert_array_equal(led.minimum(), FIELD.minimum())
    points = GOAL + np.array([[0.0, 0.0], [0.3, 0.0], [0.2, -0.3], [0.25, 0.4]])
    np.testing.assert_array_equal(led.energy(points), FIELD.energy(points))
    np.testing.assert_allclose(led.cost_value(points), FIELD.cost_value(points), atol=2e-3)
    behind = np.array([[-0.8, 0.1]])
    assert led.cost_value(behind) > FIELD.cost_value(behind) + 0.2
    assert with_cost_to_go_around(FIELD, NO_CIRCLES) is FIELD


def test_a_goal_that_is_walled_in_gives_a_finite_cost():
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = GOAL + 0.45 * np.stack([np.cos(angles), np.sin(angles)], 1)
    led = with_cost_to_go_around(FIELD, Circles(ring, np.full(12, 0.2)))
    anywhere = np.random.default_rng(0).uniform(-1.25, 1.25, (500, 2))
    assert np.isfinite(led.cost_value(anywhere)).all()
    covered = Circles(np.zeros((1, 2)), np.array([5.0]))
    assert np.isfinite(with_cost_to_go_around(FIELD, covered).cost_value(anywhere)).all()


def test_the_cost_keeps_effector_and_hand_out_and_its_slope_is_that_of_its_value():
    model = PlanModel(ARM, 0.02)
    cost = ReachCost(ARM, WORKSPACE, model, CostWeights())
    start = np.concatenate([ARM.home_rad, np.zeros(6)])
    start[4] += 0.3  # the hand leans
    efforts = np.zeros((3, 6))
    rollout = model.rollout(start, efforts, ARM.effort_limits_nm, excess=True)
    place = WORKSPACE.to_plane(rollout.site_m[0])
    top = WORKSPACE.to_plane(rollout.site_m[0] - 0.15 * rollout.approach[0])
    leaning = np.linalg.norm(top - place)
    assert leaning > 0.1
    # Beyond the top of the hand: what only the top reaches into.
    centre = top + 0.15 * (top - place) / leaning
    field = FIELD.with_cost(FIELD.energies, Circles(centre[None], np.array([0.25]), above_m=0.15))

    def value(positions_rad):
        moved = np.concatenate([positions_rad, np.zeros(6)])
        one = model.rollout(moved, efforts, ARM.effort_limits_nm, excess=True)
        return cost.terms(one, field)['obstacle'][0]

    assert value(start[:6]) > 0.0
    short = FIELD.with_cost(FIELD.energies, Circles(centre[None], np.array([0.25]), above_m=0.0))
    assert cost.terms(rollout, short)['obstacle'][0] < 0.2 * value(start[:6])
    linearised = model.linearise(rollout)
    with_it = cost.quadratic(rollout, linearised, field)
    without = cost.quadratic(rollout, linearised, FIELD.with_cost(FIELD.energies))
    slope = (with_it.state - without.state)[0, :6]
    for joint in range(6):
        step = np.zeros(6)
        step[joint] = 1e-5
        expected = (value(start[:6] + step) - value(start[:6] - step)) / 2e-5
        assert slope[joint] == pytest.approx(expected, rel=1e-3, abs=1e-5)
    hessian = (with_it.state_hessian - without.state_hessian)[0]
    assert np.linalg.eigvalsh(hessian).min() > -1e-9
