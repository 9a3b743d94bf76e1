# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Hands as configuration: what is refused, and whether the Jaco's is what its meshes are."""

import mujoco
import numpy as np
import pytest
import yaml
from grasping_setup import ARM, HAND, HAND_FILE, block

from ebm_concept_ros.arm.geometry import outline
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.grasping.hand import (
    GRASP_SITE,
    HandConfig,
    load_hand,
    with_grasp_site,
    with_live_fingers,
)

TIP_M = 0.012  # of a finger's length is its tip


@pytest.fixture(scope='module')
def tips() -> dict[float, list[np.ndarray]]:
    """Return the corners (M, 3) of the three finger tips in the grasp's frame, by opening."""
    model = compile_arm(with_live_fingers(with_grasp_site(ARM, HAND), HAND))
    data, site = mujoco.MjData(model), model.site(GRASP_SITE).id
    found = {}
    for opening in HAND.openings:
        data.qpos[:6], data.qpos[6:] = ARM.home_rad, opening.joint
        mujoco.mj_kinematics(model, data)
        turn = data.site_xmat[site].reshape(3, 3)
        found[opening.joint] = [
            (
                outline(model, tip) @ data.geom_xmat[tip].reshape(3, 3).T
                + data.geom_xpos[tip]
                - data.site_xpos[site]
            )
            @ turn
            for tip in (model.geom(f'hand_finger_tip_{number}').id for number in (1, 2, 3))
        ]
    return found


def test_the_openings_are_those_of_the_meshes(tips):
    for opening in HAND.openings:
        for number, points in enumerate(tips[opening.joint]):
            inner = np.abs(points[points[:, 2] > points[:, 2].max() - TIP_M, 0]).min()
            assert inner == pytest.approx(opening.inner_m, abs=0.0012)
            # The thumb is at +x, as the configuration says.
            assert np.sign(points[:, 0].mean()) == (1 if number == 0 else -1)


def test_the_fingers_are_within_the_room_that_is_kept_for_them(tips):
    room, slack = HAND.room, HAND.room.clearance_m
    used = [o for o in HAND.openings if 0.03 <= 2 * (o.inner_m - room.opening_m) <= room.widest_m]
    assert len(used) >= 2
    for opening in used:
        thumb, *pair = tips[opening.joint]
        low, high = room.thumb_sideways_m
        assert low - slack <= thumb[:, 1].min() and thumb[:, 1].max() <= high + slack
        near, far = room.pair_sideways_m
        for points in pair:
            sideways = np.abs(points[:, 1])
            assert near - slack <= sideways.min() and sideways.max() <= far + slack
        for points in (thumb, *pair):
            assert np.abs(points[:, 0]).max() <= opening.inner_m + room.finger_m + slack


def test_openings_are_read_both_ways():
    for half_width in (0.0, 0.015, 0.03, 0.05, 0.07):
        joint = HAND.opening_joint(half_width)
        assert HAND.half_width_m(joint) == pytest.approx(half_width, abs=1e-9)
    assert HAND.opening_joint(0.2) == HAND.openings[0].joint


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
        ({'openings': [{'joint': 0.2, 'inner_m': 0.05}]}, 'openings'),
        ({'room': {'widest_m': 0.2}}, 'room.widest_m: 0.2 refused'),
        ({'least_height_m': float('nan')}, 'least_height_m: nan refused'),
        ({'grasp_centre_m': [0, 0, float('nan')]}, 'grasp_centre_m: (0.0, 0.0, nan) refused'),
        ({'room': {'thumb_sideways_m': [0.02, -0.01]}}, 'must rise, within ± 0.3'),
        ({'room': {'pair_sideways_m': [0.008, float('nan')]}}, 'must rise, within ± 0.3'),
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
    other = HandConfig(**HAND.model_dump() | {'fingers': fingers, 'thumb': 'other_0'})
    with pytest.raises(ConfigError, match='other_0, other_1, other_2 not among'):
        with_live_fingers(ARM, other)


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
