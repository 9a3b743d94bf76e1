# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Markers: of what was told last, with numbers that stay, and deleted when they are gone."""

from pathlib import Path

import numpy as np
import pytest
from grasping_setup import block
from visualization_msgs.msg import Marker

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.conversions.blocks import blocks_to_message
from ebm_concept_ros.grasping.blocks import BlockTable, Pose
from ebm_concept_ros.nodes.live_markers import NAMESPACES, LiveMarkers
from ebm_concept_ros.nodes.live_view import transform_stamp_ns
from ebm_concept_ros.nodes.marker_board import MarkerBoard
from ebm_concept_ros.types import JointSample, NamedDemonstration
from ebm_concept_ros.workspace import load_workspace
from ebm_core import get_concept

WORKSPACE = load_workspace(Path(__file__).parents[3] / 'config' / 'workspace.yaml')
STAYS_S = 2.0
Status = ros.ControllerStatus
SHOWN = get_concept('between').demonstrations(np.random.default_rng(0), 3, 'blue')


def scene_message():
    table = random_table_scene(1, 2, 'blue', WORKSPACE)
    places = table.positions_in_base_m()
    return cv.table_scene_to_message(table, places, (0.3, 0.0, 0.15), WORKSPACE)


class Viewer:
    """What a viewer has: it adds and deletes as it is told, and nothing else."""

    def __init__(self, live):
        self.live, self.board = live, MarkerBoard(WORKSPACE.base_frame)
        self.has = {}

    def look(self, now_s=0.0, stamp_ns=0):
        message = self.board.message(self.live.shown(now_s), stamp_ns)
        keys = [(m.ns, m.id) for m in message.markers]
        assert len(set(keys)) == len(keys)
        for marker in message.markers:
            assert marker.ns in NAMESPACES
            assert marker.header.frame_id == WORKSPACE.base_frame
            if marker.action == Marker.DELETE:
                del self.has[marker.ns, marker.id]  # of none that it never had
            else:
                assert marker.action == Marker.ADD and marker.color.a > 0
                assert np.isfinite([marker.pose.position.x, marker.scale.x]).all()
                self.has[marker.ns, marker.id] = marker
        return self

    def of(self, namespace):
        return [marker for (ns, _), marker in self.has.items() if ns == namespace]


@pytest.fixture
def viewer():
    return Viewer(LiveMarkers(WORKSPACE, STAYS_S))


def tell_scene(viewer, message):
    viewer.live.scene(cv.scene_from_message(message, WORKSPACE))


def test_what_is_on_the_table_keeps_its_number_until_it_is_gone(viewer):
    assert len(viewer.look().has) == 1 and len(viewer.of('table')) == 1
    message = scene_message()
    tell_scene(viewer, message)
    ids = [entity.id for entity in message.entities if not entity.movable]
    viewer.look()
    texts = {marker.text: marker.id for marker in viewer.of('ids')}
    assert set(texts) == set(ids) and len(viewer.of('entities')) == len(ids)
    for entity, marker in zip(message.entities, viewer.of('entities'), strict=False):
        place = marker.pose.position
        np.testing.assert_allclose((place.x, place.y), (entity.pose.position.x, place.y))
        assert (marker.color.r, marker.color.g) == (entity.colour.r, entity.colour.g)
    del message.entities[0]
    tell_scene(viewer, message)
    viewer.look()
    assert {m.text: m.id for m in viewer.of('ids')} == {n: texts[n] for n in ids[1:]}
    assert len(viewer.of('entities')) == len(ids) - 1


def test_a_block_in_the_hand_is_drawn_where_it_is_and_as_it_is_turned(viewer):
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    lying = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    table = BlockTable(
        blocks=(
            block('box', 0.4, 0.0, width_m=0.03, depth_m=0.05, height_m=0.06),
            block('prism', 0.4, 0.1, shape='prism', width_m=0.045),
            block('can', 0.4, 0.2, shape='cylinder', height_m=0.06),
        )
    )
    poses = {
        'box': Pose(np.array([0.4, 0.0, 0.15]), quarter),
        'prism': Pose(np.array([0.4, 0.1, 0.02]), quarter),
        'can': Pose(np.array([0.4, 0.2, 0.02]), lying),
    }
    message = blocks_to_message(table, poses, Pose(np.array([0.4, 0.0, 0.15]), lying), WORKSPACE)
    viewer.live.scene(cv.scene_from_message(message, WORKSPACE), message.entities)
    viewer.look()
    box, prism, can = viewer.of('entities')
    assert (box.scale.x, box.scale.y, box.scale.z) == (0.03, 0.05, 0.06)
    for marker, pose in ((box, poses['box']), (can, poses['can'])):
        place = marker.pose.position
        np.testing.assert_allclose((place.x, place.y, place.z), pose.position_m, atol=1e-9)
    assert box.pose.orientation.z == pytest.approx(np.sin(np.pi / 4))
    corners = np.array([(p.x, p.y) for p in prism.points if p.z == 0.0])
    np.testing.assert_allclose(np.unique(corners[:, 0].round(6)), (-0.015, 0.03))
    assert prism.pose.position.z == pytest.approx(0.0, abs=1e-9)
    message.entities[0].pose.orientation.w = float('nan')
    viewer.live.scene(cv.scene_from_message(message, WORKSPACE), message.entities)
    assert viewer.look().of('entities')[0].pose.position.z == pytest.approx(0.03)


def test_who_takes_part_goal_and_state_follow_the_status(viewer):
    message = scene_message()
    tell_scene(viewer, message)
    ids = [entity.id for entity in message.entities]
    status = Status(state=Status.TRACKING, reason='enacting it', concept='it', energy=1.5)
    status.entity_ids, status.attention = [*ids, 'nobody'], [0.9, *[0.1] * (len(ids) - 1), 1.0]
    status.goal_in_base = cv.point((0.4, 0.1, 0.15))
    status.effector_in_base = cv.point((0.3, 0.0, 0.15))
    viewer.live.status(status)
    viewer.look()
    (ring,) = viewer.of('taking_part')
    middle = np.mean([(p.x, p.y) for p in ring.points[:-1]], axis=0)
    first = message.entities[0].pose.position
    np.testing.assert_allclose(middle, (first.x, first.y), atol=1e-9)
    assert ring.color.a == pytest.approx(0.9)
    assert viewer.of('goal')[0].pose.position == status.goal_in_base
    assert viewer.of('effector')[0].pose.position == status.effector_in_base
    (text,) = viewer.of('state')
    assert text.text == 'tracking: enacting it, energy 1.5'
    green = viewer.of('goal')[0].color.g
    status.state, status.energy = Status.HOLDING, float('nan')
    viewer.live.status(status)
    viewer.look()
    assert viewer.of('goal')[0].color.g != green
    assert viewer.of('state')[0].text == 'holding: enacting it'
    status.goal_in_base.x = float('nan')
    viewer.live.status(status)
    assert not viewer.look().of('goal')
    viewer.live.status(Status())
    viewer.look()
    assert not viewer.of('taking_part') and not viewer.of('effector')


def test_a_plan_is_a_line_until_there_is_none(viewer):
    places = np.random.default_rng(0).normal(size=(26, 3))
    viewer.live.plan(places)
    (line,) = viewer.look().of('plan')
    np.testing.assert_array_equal([(p.x, p.y, p.z) for p in line.points], places)
    viewer.live.plan(places[:0])
    assert not viewer.look().of('plan')


def test_demonstrations_are_shown_for_a_while(viewer):
    for now_s, shown in enumerate(SHOWN):
        viewer.live.demonstration(NamedDemonstration('between', shown), float(now_s) / 2)
    numbers = [len(viewer.look(at).of('demonstrations')) for at in (0.0, 2.2, 2.7, 3.2)]
    assert numbers[0] > numbers[1] > numbers[2] > numbers[3] == 0
    (arrow,) = [m for m in drawn(viewer, SHOWN[0]) if m.type == Marker.ARROW]
    actor = SHOWN[0].after.movable.argmax()
    ends = WORKSPACE.to_base([s.positions[actor] for s in (SHOWN[0].before, SHOWN[0].after)])
    np.testing.assert_allclose([(p.x, p.y) for p in arrow.points], ends)


def drawn(viewer, shown):
    viewer.live.demonstration(NamedDemonstration('between', shown), 100.0)
    return viewer.look(100.0).of('demonstrations')


def test_of_long_demonstrations_only_so_much_is_drawn(viewer):
    many = get_concept('between').demonstrations(np.random.default_rng(0), 1)[0]
    states = [many.before] * 2000 + [many.after]
    long = type(many)(tuple(states), many.attention)
    points = sum(len(m.points) for m in drawn(viewer, long) if m.type == Marker.LINE_STRIP)
    assert points < 600
    for _ in range(40):
        viewer.live.demonstration(NamedDemonstration('between', many), 100.0)
    assert len(viewer.look(100.0).of('demonstrations')) <= 10 * len(drawn(viewer, many))


def test_a_refused_demonstration_is_red_and_says_why(viewer):
    message = cv.demonstration_to_message('mine', SHOWN[0], WORKSPACE)
    message.states[1].entities[0].pose.position.x = float('nan')
    message.states[1].entities[1].pose.position.x = 1e300
    viewer.live.refused_demonstration(message, 'x: ' + 'nan is not finite ' * 20, 0.0)
    viewer.look(0.0)
    (text,) = [m for m in viewer.of('refused') if m.type == Marker.TEXT_VIEW_FACING]
    assert text.text.startswith('x: nan is not finite') and len(text.text) <= 140
    spheres = [m for m in viewer.of('refused') if m.type == Marker.SPHERE]
    assert len(spheres) == len(message.states[1].entities) - 2
    assert not viewer.of('demonstrations')
    assert not viewer.look(STAYS_S).of('refused')
    viewer.live.refused_demonstration(ros.Demonstration(), 'demonstration.concept: empty', 9.0)
    assert len(viewer.look(9.0).of('refused')) == 1


def test_what_was_not_understood_stays_red_until_another_concept_comes(viewer):
    for shown in SHOWN:
        viewer.live.demonstration(NamedDemonstration('mine', shown), 0.0)
    viewer.live.demonstration(NamedDemonstration('other', SHOWN[0]), 0.0)
    viewer.live.concept([('mine', 2)], "'mine' is not understood")
    viewer.look(1000.0)
    arrows = [m for m in viewer.of('refused') if m.type == Marker.ARROW]
    assert [m.color.r for m in arrows] == pytest.approx([0.9, 0.9])
    assert "'mine' is not understood" in [m.text for m in viewer.of('refused')]
    viewer.live.concept([('other', 1)], '')
    assert not viewer.look(1000.0).of('refused')


def test_transforms_are_stamped_as_their_states_and_never_twice():
    def sample(stamp_ns, position):
        return JointSample(stamp_ns, np.array([position]), np.zeros(1))

    before = sample(0, 0.1)
    assert transform_stamp_ns(before, None, 77) == 0
    assert transform_stamp_ns(sample(5, 0.1), before, 77) == 5
    assert transform_stamp_ns(sample(0, 0.1), before, 77) is None  # sent again in lockstep
    assert transform_stamp_ns(sample(0, 0.2), before, 77) == 77  # a driver that never stamps
    assert transform_stamp_ns(sample(5, 0.2), sample(5, 0.1), 77) is None
    assert transform_stamp_ns(sample(0, 0.2), sample(5, 0.1), 77) == 0  # time was put back
