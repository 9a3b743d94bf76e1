# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Hands as configuration: what is refused, and whether they are what their models are."""

import mujoco
import numpy as np
import pytest
import yaml
from grasping_setup import ARM, HAND, HAND_FILE, HANDS, arm_and_hand, block

from ebm_concept_ros.arm.config import FlangeConfig
from ebm_concept_ros.arm.geometry import outline
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.grasping.hand import (
    GRASP_SITE,
    HandConfig,
    load_hand,
    with_grasp_site,
    with_live_fingers,
)
from ebm_concept_ros.package_files import arm_file, hand_file

TIP_M = 0.012  # of a finger's length is its tip
PANDA, PANDAS = arm_and_hand('panda')


@pytest.fixture(scope='module', params=HANDS)
def hand_and_tips(request) -> tuple[HandConfig, dict[float, list[np.ndarray]]]:
    """Return a hand and the corners (M, 3) of its finger tips in the grasp's frame, by opening."""
    arm, hand = arm_and_hand(request.param)
    model = compile_arm(with_live_fingers(with_grasp_site(arm, hand), hand))
    data, site = mujoco.MjData(model), model.site(GRASP_SITE).id
    found = {}
    for opening in hand.openings:
        data.qpos[:] = [*arm.home_rad, *[opening.joint] * len(hand.fingers)]
        mujoco.mj_kinematics(model, data)
        turn = data.site_xmat[site].reshape(3, 3)
        found[opening.joint] = [
            np.concatenate(
                [
                    outline(model, geom) @ data.geom_xmat[geom].reshape(3, 3).T
                    + data.geom_xpos[geom]
                    - data.site_xpos[site]
                    for geom in geoms_of_tip(model, finger.name)
                ]
            )
            @ turn
            for finger in hand.fingers
        ]
    return hand, found


def geoms_of_tip(model: mujoco.MjModel, finger: str) -> list[int]:
    """Return the geoms of the last body of a finger, which has one link or several in a row."""
    body = int(model.joint(finger).bodyid[0])
    while (below := np.flatnonzero(model.body_parentid == body)).size:
        body = int(below[0])
    first, number = model.body_geomadr[body], model.body_geomnum[body]
    return [geom for geom in range(first, first + number) if model.geom_contype[geom]]


def test_the_openings_are_those_of_the_meshes(hand_and_tips):
    hand, tips = hand_and_tips
    for opening in hand.openings:
        for finger, points in zip(hand.fingers, tips[opening.joint], strict=True):
            inner = np.abs(points[points[:, 2] > points[:, 2].max() - TIP_M, 0]).min()
            assert inner == pytest.approx(opening.inner_m, abs=0.0012)
            # The thumb is at +x, as the configuration says.
            assert np.sign(points[:, 0].mean()) == (1 if finger.name == hand.thumb else -1)


def test_the_fingers_are_within_the_room_that_is_kept_for_them(hand_and_tips):
    hand, tips = hand_and_tips
    room, slack = hand.room, hand.room.clearance_m
    used = [o for o in hand.openings if 0.03 <= 2 * (o.inner_m - room.opening_m) <= room.widest_m]
    assert len(used) >= 2
    for opening in used:
        for finger, points in zip(hand.fingers, tips[opening.joint], strict=True):
            is_thumb = finger.name == hand.thumb
            assert any(
                low - slack <= points[:, 1].min() and points[:, 1].max() <= high + slack
                for low, high in ([room.thumb_sideways_m] if is_thumb else room.opposed_sideways_m)
            )
            assert np.abs(points[:, 0]).max() <= opening.inner_m + room.finger_m + slack


def test_openings_are_read_both_ways():
    for hand in (HAND, PANDAS):
        for half_width in np.linspace(0.0, 0.99 * hand.openings[0].inner_m, 5):
            joint = hand.opening_joint(half_width)
            assert hand.half_width_m(joint) == pytest.approx(half_width, abs=1e-9)
        assert hand.opening_joint(0.2) == hand.openings[0].joint


def test_the_grasp_site_is_where_it_is_said_to_be():
    turned = HAND.model_copy(update={'closing_yaw_rad': 0.7})
    model = compile_arm(with_grasp_site(ARM, turned))
    plain = compile_arm(ARM)
    data, of_file = mujoco.MjData(model), mujoco.MjData(plain)
    data.qpos[:] = of_file.qpos[:] = ARM.home_rad + 0.1
    mujoco.mj_kinematics(model, data)
    mujoco.mj_kinematics(plain, of_file)
    site, effector = model.site(GRASP_SITE).id, plain.site(ARM.effector_site).id
    frame = of_file.site_xmat[effector].reshape(3, 3)
    expected = of_file.site_xpos[effector] + frame @ HAND.grasp_centre_m
    np.testing.assert_allclose(data.site_xpos[site], expected, atol=1e-9)
    c, s = np.cos(0.7), np.sin(0.7)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    np.testing.assert_allclose(data.site_xmat[site].reshape(3, 3), frame @ about_z, atol=1e-9)


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        ({'thumb': 'hand_finger_9'}, "thumb: 'hand_finger_9' is none of the fingers"),
        ({'grip': {'first_nm': 2.0}}, 'first_nm 2 is more than full_nm 1'),
        ({'grip': {'full_nm': 1.6}}, 'the thumb needs 3.2, of which it has 3'),
        ({'grip': {'full_nm': -1}}, 'grip.full_nm: -1 refused'),
        ({'grips': {}}, 'grips: unknown key'),
        ({'openings': [{'joint_rad': 0.2, 'inner_m': 0.05}]}, 'openings'),
        ({'openings': [{'joint_m': 0.2, 'inner_m': 0.05}] * 2}, 'openings.0.joint_m: unknown key'),
        ({'finger_joints': 'ball'}, "finger_joints: 'ball' refused"),
        ({'finger_joints': 'slide'}, 'fingers.0.effort_limit_n: missing'),
        ({'room': {'opposed_sideways_m': [[-0.01, 0.01]]}}, '1 intervals refused, 2 fingers are'),
        ({'room': {'widest_m': 0.2}}, 'room.widest_m: 0.2 refused'),
        ({'least_height_m': float('nan')}, 'least_height_m: nan refused'),
        ({'grasp_centre_m': [0, 0, float('nan')]}, 'grasp_centre_m.2: nan refused'),
        ({'room': {'thumb_sideways_m': [0.02, -0.01]}}, 'must rise, within ± 0.3'),
        ({'room': {'opposed_sideways_m': [[0.008, float('nan')]]}}, 'sideways_m.0.1: nan refused'),
    ],
)
def test_a_hand_that_cannot_be_is_refused(tmp_path, change, says):
    content = yaml.safe_load(HAND_FILE.read_text()) | change
    (tmp_path / 'hand.yaml').write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as refusal:
        load_hand(tmp_path / 'hand.yaml')
    assert says in str(refusal.value) and 'hand.yaml' in str(refusal.value)


def test_openings_in_the_wrong_order_are_refused(tmp_path):
    content = yaml.safe_load(HAND_FILE.read_text())
    content['openings'][1:3] = content['openings'][2:0:-1]
    (tmp_path / 'hand.yaml').write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match='inner_m must decrease, and joint change one way'):
        load_hand(tmp_path / 'hand.yaml')


def test_a_hand_of_another_arm_is_refused():
    fingers = tuple(
        finger.model_copy(update={'name': f'other_{index}'})
        for index, finger in enumerate(HAND.fingers)
    )
    other = HandConfig(**HAND.model_dump(by_alias=True) | {'fingers': fingers, 'thumb': 'other_0'})
    with pytest.raises(ConfigError, match='other_0, other_1, other_2 not among'):
        with_live_fingers(ARM, other)


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        ({'full_n': 71}, 'grip.full_n: 71 refused, against 1 opposing fingers the thumb needs 71'),
        ({'first_n': 20}, 'first_n 20 is more than full_n 19'),
        ({'first_nm': 1}, 'grip.first_nm: unknown key'),
        ({'opening_m_s': 0.0}, 'grip.opening_m_s: 0.0 refused'),
    ],
)
def test_a_grip_of_slides_is_refused_in_their_units(tmp_path, change, says):
    content = yaml.safe_load(hand_file('panda').read_text())
    content['grip'] |= change
    (tmp_path / 'hand.yaml').write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as refusal:
        load_hand(tmp_path / 'hand.yaml')
    assert says in str(refusal.value)


@pytest.mark.parametrize(('name', 'tool_kg'), [('panda', 0.2), ('iiwa7', 0.2), ('ur5e', 0.1)])
def test_a_mounted_hand_takes_the_place_of_the_tool(name, tool_kg):
    arm = load_arm(arm_file(name))
    plain, mounted = compile_arm(arm), compile_arm(with_grasp_site(arm, PANDAS))
    names = [[m.geom(i).name for i in range(m.ngeom)] for m in (plain, mounted)]
    assert 'stylus' in names[0] and 'pad_left_lower' not in names[0]
    assert 'stylus' not in names[1] and 'pad_left_lower' in names[1]
    hand_kg = 0.73
    assert mounted.body_mass.sum() - plain.body_mass.sum() == pytest.approx(hand_kg - tool_kg)
    live = with_live_fingers(arm, PANDAS)
    assert live.joint_names == (*arm.joint_names, 'finger_left', 'finger_right')
    data = mujoco.MjData(mounted)
    data.qpos[:] = arm.home_rad
    mujoco.mj_kinematics(mounted, data)
    grasp = data.site(GRASP_SITE)
    assert grasp.xmat[8] < -0.999 and 0.05 < grasp.xpos[2] < 0.13, 'it points down at the table'


COUPLED = """<mujoco>
  <worldbody>
    <geom name="palm" size="0.03" mass="0.5"/>
    <body name="a"><joint name="finger_left" type="slide"/><geom size="0.01"/></body>
    <body name="b"><joint name="finger_right" type="slide"/><geom size="0.01"/></body>
  </worldbody>
  <tendon>
    <fixed name="both">
      <joint joint="finger_left" coef="1"/><joint joint="finger_right" coef="1"/>
    </fixed>
  </tendon>
  <actuator><position tendon="both"/></actuator>
  <equality><joint joint1="finger_right" joint2="finger_left"/></equality>
</mujoco>"""


def test_a_hand_keeps_the_names_of_its_file_and_fingers_that_are_coupled_are_refused(tmp_path):
    (tmp_path / 'hand.xml').write_text(COUPLED)
    hand = PANDAS.model_copy(update={'model': str(tmp_path / 'hand.xml')})
    model = compile_arm(with_grasp_site(PANDA, hand))
    for name in ('a', 'b'):
        assert model.body_weldid[model.body(name).id] == model.body('link_7').id
    assert model.geom('palm').bodyid == model.body('link_7').id
    with pytest.raises(ConfigError, match=r'couples finger_right and finger_left, which plans'):
        with_live_fingers(PANDA, hand)
    hand = hand.model_copy(update={'model': str(tmp_path / 'none.xml')})
    with pytest.raises(ConfigError, match=r'none\.xml: no such file'):
        with_grasp_site(PANDA, hand)


def test_a_hand_with_names_of_the_arm_or_motors_too_weak_is_refused(tmp_path):
    file = tmp_path / 'hand.xml'
    hand = PANDAS.model_copy(update={'model': str(file)})
    file.write_text(COUPLED.replace('name="a"', 'name="link_7"'))
    with pytest.raises(ConfigError, match=r'hand\.xml and the file of panda have a name in common'):
        with_grasp_site(PANDA, hand)
    weak = '<motor name="weak" joint="finger_left" forcerange="-1 1" forcelimited="true"/>'
    uncoupled = COUPLED.replace('<equality>', '<!--').replace('</equality>', '-->')
    file.write_text(uncoupled.replace('<position tendon="both"/>', weak))
    with pytest.raises(ConfigError, match='the model file allows finger_left 1'):
        with_live_fingers(PANDA, hand)


def test_half_a_turn_makes_a_parallel_gripper_the_same_hand():
    assert PANDAS.is_symmetric and not HAND.is_symmetric


def test_fingers_whose_units_are_those_of_other_joints_are_refused(tmp_path):
    content = yaml.safe_load(HAND_FILE.read_text()) | {'finger_joints': 'slide'}
    grip = dict.fromkeys(('centring_n_per_m', 'opening_n_per_m', 'opening_ns_per_m'), 1.0)
    content['grip'] = grip | {'first_n': 0.1, 'full_n': 1.0, 'opening_m_s': 0.1}
    for finger in content['fingers']:
        finger |= {'effort_limit_n': 3, 'velocity_limit_m_s': 2, 'effort_rate_limit_n_s': 20}
        finger['home_m'] = finger.pop('home_rad')
        for name in ('effort_limit_nm', 'velocity_limit_rad_s', 'effort_rate_limit_nm_s'):
            del finger[name]
    content['openings'] = [{'joint_m': 0.1, 'inner_m': 0.07}, {'joint_m': 0.9, 'inner_m': 0.0}]
    content['room'] |= {'widest_m': 0.07}
    (tmp_path / 'hand.yaml').write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="'slide' refused, hand_finger_1 is a hinge"):
        with_live_fingers(ARM, load_hand(tmp_path / 'hand.yaml'))


def test_a_hand_is_mounted_only_where_there_is_a_flange():
    with pytest.raises(ConfigError, match='flange: jaco has none, on which panda'):
        with_grasp_site(ARM, PANDAS)
    flange = PANDA.flange.model_copy(update={'tool': ('pencil',)})
    with pytest.raises(
        ConfigError, match=r"flange\.tool: no 'pencil' in the model file, which has"
    ):
        with_grasp_site(PANDA.model_copy(update={'flange': flange}), PANDAS)
    with pytest.raises(ValueError, match='tool: named twice: stylus'):
        FlangeConfig(**PANDA.flange.model_dump() | {'tool': ('stylus', 'stylus')})
    flange = PANDA.flange.model_copy(update={'body': 'link_8'})
    with pytest.raises(
        ConfigError, match=r"flange\.body: no 'link_8' in the model file, which has"
    ):
        with_grasp_site(PANDA.model_copy(update={'flange': flange}), PANDAS)


@pytest.mark.parametrize(
    'wrong',
    [
        *({'width_m': 0.001}, {'mass_kg': 0.0}, {'friction': -1.0}, {'shape': 'ball'}),
        *({'shape': 'prism', 'depth_m': 0.04}, {'colour': 'teal'}),
        {'position_in_base_m': (float('inf'), 0.0)},
    ],
)
def test_a_block_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).split('.')[0].replace('shape', '.')):
        block('red_0', 0.4, 0.0, **wrong)
