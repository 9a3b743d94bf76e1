# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The live view over DDS, in one run in lockstep: what it says is what the others do."""

import json
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
import yaml
from faults import concept_message
from harness import ARM, JOINTS, WORKSPACE, Probe, running, untrained_weights, wait_until
from mcap.reader import make_reader
from nav_msgs.msg import OccupancyGrid
from PIL import Image
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.conversions import views
from ebm_concept_ros.grasping.hand import load_hand, with_live_fingers
from ebm_concept_ros.live_view import __main__ as command
from ebm_concept_ros.live_view.bag_view import view_of
from ebm_concept_ros.live_view.picture import draw
from ebm_concept_ros.nodes.live_markers import NAMESPACES
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.package_files import arm_file, hand_file
from ebm_core import get_concept
from ebm_core.relational.model import load_model

Status = ros.ControllerStatus
CONFIG = Path(__file__).parents[3] / 'config'
RATE = 20.0
TOPICS = {
    '/robot_description': 'std_msgs/msg/String',
    '/tf': 'tf2_msgs/msg/TFMessage',
    '/tf_static': 'tf2_msgs/msg/TFMessage',
    '/live_view/markers': 'visualization_msgs/msg/MarkerArray',
    '/live_view/energy': 'nav_msgs/msg/OccupancyGrid',
}


class Heard(SimpleNamespace):
    """All that was heard of a run, and who said it."""

    def markers(self, namespace, action=Marker.ADD):
        """Return the markers of a namespace in the newest message."""
        found = self.arrays[-1].markers if self.arrays else []
        return [m for m in found if m.ns == namespace and m.action == action]

    def was_deleted(self, namespace, since):
        return any(
            m.ns == namespace and m.action == Marker.DELETE
            for array in self.arrays[since:]
            for m in array.markers
        )


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A run, in which the arm is in motion; who sets it going has heard everybody."""
    folder = tmp_path_factory.mktemp('run')
    weights = untrained_weights(folder / 'weights')
    with ExitStack() as nodes:
        probe = Probe()
        nodes.callback(probe.close)
        heard = Heard(
            probe=probe,
            live_view=None,
            folder=folder,
            states=probe.listen(JointState, 'joint_states', 1000),
            statuses=probe.listen(Status, 'controller/status', qos.STATUS),
            transforms=probe.listen(TFMessage, '/tf', qos.TRANSFORMS),
            transform_times=probe.listen_for_times(TFMessage, '/tf', qos.TRANSFORMS),
            arrays=probe.listen(MarkerArray, 'live_view/markers', qos.MARKERS),
            maps=probe.listen(OccupancyGrid, 'live_view/energy', qos.LATCHED),
            scenes=probe.listen(ros.Scene, 'scene', qos.LATCHED),
        )
        recorder = running('bag_recorder', folder, bag_dir=folder / 'bags')
        for name, parameters in (
            ('live_view', {'transform_rate': RATE, 'mesh_dir': folder / 'm'}),
            ('simulator', {'lockstep': True}),
            ('controller', {'lockstep': True, 'model_dir': weights, 'plan_view_rate': 50.0}),
        ):
            node = nodes.enter_context(running(name, folder, **parameters))
            heard.live_view = node if name == 'live_view' else heard.live_view
        nodes.enter_context(recorder).wait_for_log('recording into')
        heard.end = nodes.close
        heard.model = load_model(weights)
        heard.concepts = probe.publisher(ros.Concept, 'concept', qos.LATCHED)
        heard.demonstrations = probe.publisher(
            ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS
        )
        wait_until(lambda: heard.concepts.get_subscription_count() == 3, 'three who listen')
        heard.concepts.publish(concept_message(heard.model, 'it', 1))
        wait_until(
            lambda: (
                heard.statuses
                and heard.statuses[-1].state == Status.TRACKING
                and heard.markers('plan')
                and heard.maps
                and heard.transforms
            ),
            'everything to be shown',
        )
        yield heard


def test_the_fingers_of_a_hand_are_shown_where_they_are(tmp_path):
    probe = Probe()
    descriptions = probe.listen(String, 'robot_description', qos.LATCHED)
    transforms = probe.listen(TFMessage, '/tf', qos.TRANSFORMS)
    live = with_live_fingers(load_arm(arm_file('panda')), load_hand(hand_file('panda')))
    at = [*live.home_rad[:-2].tolist(), 0.011, 0.022]
    try:
        with running('live_view', tmp_path, arm='panda', hand='panda', mesh_dir=tmp_path / 'm'):
            states = probe.publisher(JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED)
            wait_until(lambda: descriptions, 'the URDF')
            robot = ElementTree.fromstring(descriptions[-1].data)
            slides = [j for j in robot.iter('joint') if j.get('type') == 'prismatic']
            assert [each.get('name') for each in slides] == ['finger_left', 'finger_right']

            def shown():
                """Return where the fingers' links are in their parents, along their axes, m."""
                states.publish(JointState(name=live.joint_names, position=at, velocity=[0.0] * 9))
                of = {t.child_frame_id: t for message in transforms for t in message.transforms}
                ends = [each.find('child').get('link') for each in slides]
                return ends[0] in of and [of[each].transform.translation.y for each in ends]

            wait_until(shown, 'transforms of the fingers')
            assert shown() == pytest.approx([0.011, -0.022])
    finally:
        probe.close()


def test_it_only_looks_on(run):
    node = run.probe.node
    said = dict(node.get_publisher_names_and_types_by_node('live_view', '/'))
    usual = {'/rosout', '/parameter_events', '/diagnostics'}
    assert {t: k for t, (k,) in said.items() if t not in usual} == TOPICS
    served = node.get_service_names_and_types_by_node('live_view', '/')
    assert all('parameter' in name or 'type_description' in name for name, _ in served)


def test_its_types_are_those_of_ros(run):
    """That of /tf is built here, where there is no wheel of it."""
    store = get_typestore(Stores.ROS2_KILTED)
    for topic, kind in TOPICS.items():
        (end,) = run.probe.node.get_publishers_info_by_topic(topic)
        assert str(end.topic_type_hash) == store.hash_rihs01(kind)


def static_transforms(run):
    """A viewer that comes later hears them, and the URDF."""
    statics = run.probe.listen(TFMessage, '/tf_static', qos.LATCHED)
    descriptions = run.probe.listen(String, 'robot_description', qos.LATCHED)
    wait_until(lambda: statics and descriptions, 'what is latched')
    return statics[-1], descriptions[-1].data


def stamp_of(transforms):
    return cv.stamp_to_ns(transforms.transforms[0].header.stamp)


def as_matrix(message):
    out, turn = np.eye(4), np.zeros(9)
    p, q = message.transform.translation, message.transform.rotation
    mujoco.mju_quat2Mat(turn, np.array([q.w, q.x, q.y, q.z]))
    out[:3, :3], out[:3, 3] = turn.reshape(3, 3), (p.x, p.y, p.z)
    return out


def test_transforms_and_urdf_are_of_the_joint_states(run):
    still, text = static_transforms(run)
    robot = ElementTree.fromstring(text)
    kinds = {joint.get('name'): joint.get('type') for joint in robot.iter('joint')}
    assert [name for name, kind in kinds.items() if kind != 'fixed'] == list(JOINTS)
    children = {joint.find('child').get('link') for joint in robot.iter('joint')}
    assert {link.get('name') for link in robot.iter('link')} - children == {'world'}

    def both_heard():
        """Return transforms and their joint states: who is kept waiting hears not every one."""
        of_stamp = {cv.stamp_to_ns(state.header.stamp): state for state in list(run.states)}
        found = [(t, of_stamp.get(stamp_of(t))) for t in list(run.transforms)]
        return [(transforms, state) for transforms, state in found if state is not None]

    wait_until(lambda: len(both_heard()) >= 10, 'transforms and their joint states')
    assert (np.diff([stamp_of(t) for t in list(run.transforms)]) > 0).all()
    model = compile_arm(ARM)
    data = mujoco.MjData(model)
    for message, state in both_heard()[-20:]:
        of = {t.child_frame_id: t for t in [*still.transforms, *message.transforms]}
        assert set(of) == children
        data.qpos[:] = cv.joint_state_from_message(state, JOINTS).positions_rad
        mujoco.mj_kinematics(model, data)
        pose, frame = np.eye(4), 'end_effector'
        while frame in of:
            pose, frame = as_matrix(of[frame]) @ pose, of[frame].header.frame_id
        assert frame == 'world'
        site = data.site(ARM.effector_site)
        np.testing.assert_allclose(pose[:3, 3], site.xpos, atol=1e-9)
        np.testing.assert_allclose(pose[:3, :3], site.xmat.reshape(3, 3), atol=1e-9)


def test_its_rates_are_bounded(run):
    begun = len(run.transform_times)
    wait_until(lambda: len(run.transform_times) > begun + 20, 'transforms')
    times = np.array(run.transform_times[begun:])
    assert len(times) <= RATE * np.ptp(times) + 2


def test_goal_plan_and_entities_are_where_they_are_said_to_be(run):
    def agreed():
        status, goals = run.statuses[-1], run.markers('goal')
        return goals and goals[0].pose.position == status.goal_in_base

    wait_until(agreed, 'the goal')
    scene = run.scenes[-1]
    ids = {entity.id for entity in scene.entities if not entity.movable}
    wait_until(lambda: {m.text for m in run.markers('ids')} == ids, 'the entities')
    assert len(run.markers('entities')) == len(ids) and len(run.markers('table')) == 1

    def begins_at_the_effector():
        (line, *_), effector = run.markers('plan') or [None], run.markers('effector')
        if line is None or not effector:
            return False
        p, q = line.points[0], effector[0].pose.position
        return np.linalg.norm(np.subtract((p.x, p.y, p.z), (q.x, q.y, q.z))) < 0.02

    wait_until(begins_at_the_effector, 'a plan from where the effector is')
    height = WORKSPACE.hover_height_in_base_m
    assert all(abs(p.z - height) < 0.15 for m in run.markers('plan') for p in m.points)


def test_the_map_is_lowest_at_the_goal(run):
    grid, goal = run.maps[-1], run.statuses[-1].goal_in_base
    info = grid.info
    values = np.array(grid.data).reshape(info.height, info.width)
    assert (values.min(), values.max()) == (views.LOWEST, views.HIGHEST)
    iy, ix = np.unravel_index(values.argmin(), values.shape)
    place = info.resolution * (np.array([ix, iy]) + 0.5)
    place += (info.origin.position.x, info.origin.position.y)
    assert np.linalg.norm(place - (goal.x, goal.y)) < 3 * info.resolution
    assert grid.header.frame_id == WORKSPACE.base_frame


def test_demonstrations_are_shown_and_what_is_refused_says_why(run):
    shown = get_concept('between').demonstrations(np.random.default_rng(0), 1)[0]
    message = cv.demonstration_to_message('mine', shown, WORKSPACE)
    run.demonstrations.publish(message)
    wait_until(lambda: run.markers('demonstrations'), 'a demonstration')
    message.states[0].entities[0].pose.position.x = float('nan')
    run.demonstrations.publish(message)
    why = 'demonstration.states[0].entities[0].pose.position.x: nan is not finite'
    wait_until(lambda: any(why in m.text for m in run.markers('refused')), 'a refusal')


def test_what_is_gone_is_deleted(run):
    before = len(run.arrays)
    paused = run.probe.call(Trigger, 'controller/pause', Trigger.Request())
    assert paused.success
    wait_until(lambda: run.was_deleted('plan', before), 'the plan to be gone')
    wait_until(lambda: 'holding: paused' in run.markers('state')[0].text, 'the pause')
    assert run.probe.call(Trigger, 'controller/resume', Trigger.Request()).success
    wait_until(lambda: run.markers('plan'), 'a plan again')
    before = len(run.arrays)
    run.concepts.publish(concept_message(run.model, 'not_it', 2, understanding=(0.1, 0.5)))
    wait_until(lambda: run.was_deleted('goal', before), 'the goal to be gone')
    wait_until(lambda: set(run.maps[-1].data) == {views.UNKNOWN}, 'the energy to be gone')
    wait_until(
        lambda: any("'not_it' is not understood" in m.text for m in run.markers('refused')),
        'why',
    )
    run.concepts.publish(concept_message(run.model, 'it', 1))
    wait_until(lambda: run.markers('plan') and max(run.maps[-1].data) > 0, 'all of it again')


def test_bad_input_is_refused_and_named(run):
    bad = run.probe.publisher(ros.EnergyGrid, 'controller/energy', qos.LATCHED)
    bad.publish(ros.EnergyGrid(concept='x', size=1))
    run.probe.wait_for_report('live_view: energy: refused', 'energy.header.frame_id')
    run.probe.node.destroy_publisher(bad)


def rviz_topics(entry):
    """Yield what a display subscribes to: the field it stands in, topic and durability."""
    for key, value in entry.items():
        if key.endswith('Topic') and isinstance(value, dict):
            yield key, value['Value'], value['Durability Policy']


def test_the_configuration_of_rviz_asks_for_what_is_there(run):
    config = yaml.safe_load((CONFIG / 'live_view.rviz').read_text())['Visualization Manager']
    kinds = {
        'rviz_default_plugins/RobotModel': 'std_msgs/msg/String',
        'rviz_default_plugins/Map': 'nav_msgs/msg/OccupancyGrid',
        'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
    }
    durability = {
        topic: run.probe.node.get_publishers_info_by_topic(topic)[0].qos_profile.durability.name
        for topic in TOPICS
    }
    asked = set()
    for display in config['Displays']:
        for key, topic, wanted in rviz_topics(display):
            if key == 'Update Topic':  # parts of a map, which RViz asks for beside every one
                continue
            assert TOPICS[topic] == kinds[display['Class']]
            assert wanted.upper().replace(' ', '_') == durability[topic]
            asked.add(topic)
    assert asked == set(TOPICS) - {'/tf', '/tf_static'}
    assert config['Global Options']['Fixed Frame'] == 'world'
    (shown,) = [d['Namespaces'] for d in config['Displays'] if 'Namespaces' in d]
    assert set(shown) == set(NAMESPACES)


def test_the_layout_of_foxglove_asks_for_what_is_there(run):
    layout = json.loads((CONFIG / 'live_view.foxglove.json').read_text())
    there = dict(run.probe.node.get_topic_names_and_types())
    panels = layout['configById']
    scene = panels['3D!live_view']
    assert scene['followTf'] == 'world'
    asked = [*scene['topics'], *(layer['topic'] for layer in scene['layers'].values())]
    assert set(asked) == set(TOPICS) - {'/tf', '/tf_static'}
    assert set(scene['topics']['/live_view/markers']['namespaces']) == set(NAMESPACES)
    for panel in panels.values():
        for path in panel.get('paths', []):
            topic, _, name = path['value'].partition('.')
            assert there[topic] == ['ebm_concept_ros/msg/ControllerStatus']
            assert name in Status.get_fields_and_field_types()
    assert panels['DiagnosticSummary!all']['topicToRender'] in there

    def places(node):
        return [node] if isinstance(node, str) else places(node['first']) + places(node['second'])

    assert sorted(places(layout['layout'])) == sorted(panels)


def test_the_bag_has_it_and_is_drawn(run, capsys):
    run.end()
    assert run.live_view.end()[0] == 0 and 'Traceback' not in run.live_view.log
    bag = run.folder / 'bags' / 'run_0001'
    with AnyReader([bag], default_typestore=get_typestore(Stores.EMPTY)) as reader:
        found = {c.topic: c for c in reader.connections}
        assert {t: found[t].msgtype for t in TOPICS} == TOPICS
        for topic in TOPICS:
            *_, (connection, _, raw) = reader.messages([found[topic]])
            last = reader.deserialize(raw, connection.msgtype)
            if topic == '/live_view/markers':
                namespaces = {marker.ns for marker in last.markers}
    assert {'table', 'entities', 'ids', 'effector', 'goal', 'plan', 'state'} <= namespaces
    with (bag / f'{bag.name}.mcap').open('rb') as file:
        of = make_reader(file, validate_crcs=True)
        assert set(TOPICS.values()) < {s.name for s in of.get_summary().schemas.values()}
        assert sum(1 for _ in of.iter_messages(topics=list(TOPICS))) > 50

    view = view_of(bag)
    assert view.place_of('end_effector')[:3, 3] == pytest.approx(
        [getattr(run.statuses[-1].effector_in_base, axis) for axis in 'xyz'], abs=0.1
    )
    picture = run.folder / 'picture.png'
    assert command.main([str(bag), '--out', str(picture)]) == 0
    assert capsys.readouterr().out == f'{picture}\n'
    pixels = np.asarray(Image.open(picture).convert('RGB'), int)
    # Green of the goal and orange of the plan are of nothing else.
    for rgb in ((26, 230, 51), (255, 115, 0)):
        assert (np.abs(pixels - rgb).sum(axis=-1) < 60).any(), rgb
    without = run.folder / 'without.mcap'
    assert command.main([str(without)]) == 1
    assert 'no such file or folder' in capsys.readouterr().err

    view.map = None  # as before anything is enacted
    draw(view, picture)
    assert not np.array_equal(np.asarray(Image.open(picture).convert('RGB'), int), pixels)
