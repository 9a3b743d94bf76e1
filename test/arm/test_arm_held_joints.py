# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Held joints: whatever way the file writes them, the arm is where the joints would put it."""

import mujoco
import numpy as np
import pytest
import yaml

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.config_files import ConfigError

BODY = """
<mujoco><compiler angle="{angle}" autolimits="true"/>
<worldbody><body name="upper" pos="0 0 .3"><joint name="shoulder" axis="0 0 1"/>
<geom size=".02" mass="1"/>
<body name="lower" pos=".3 0 0"><joint name="elbow" axis="0 1 0"/><geom size=".02" mass=".1"/>
{finger}
</body></body></worldbody></mujoco>
"""
END = '<geom size=".01" mass=".01" pos="0 .05 0"/><site name="tip" pos=".01 .05 .02"/></body>'
SHAPES = {
    'plain': '<body name="f"><joint name="a" axis="0 0 1" pos=".01 0 0"/>',
    'axis not unit': '<body name="f"><joint name="a" axis="0 3 4" pos=".01 0 0"/>',
    'euler': '<body name="f" euler=".5 -.3 .2"><joint name="a" axis="0 0 1" pos=".01 0 0"/>',
    'axis-angle': '<body name="f" axisangle="1 1 0 .4"><joint name="a" axis="0 0 1"/>',
    'quaternion not unit': '<body name="f" quat="2 0 1 0"><joint name="a" axis="1 0 0"/>',
    'ref': '<body name="f"><joint name="a" axis="0 0 1" ref=".25" pos="0 .01 0"/>',
    'slide': '<body name="f" zaxis="0 1 1"><joint name="a" type="slide" axis="0 2 1" ref=".1"/>',
    'frame': '<frame pos=".1 0 0" euler=".3 0 .2"><body name="f" euler="0 .4 0" pos="0 .1 0">'
    '<joint name="a" axis="0 0 1" pos=".01 .02 0"/>',
    'nested frames': '<frame euler="0 0 .7"><frame pos="0 0 .1"><body name="f">'
    '<joint name="a" axis="1 0 0"/>',
    'two': '<body name="f"><joint name="a" axis="0 0 1" pos=".01 0 0"/>'
    '<joint name="b" axis="1 0 0" pos="0 .02 0"/>',
    'slide and hinge': '<body name="f" euler="0 0 1"><joint name="a" type="slide" axis="0 1 0"/>'
    '<joint name="b" axis="1 0 0" pos="0 .02 0"/>',
    'three': '<body name="f" quat="1 1 0 0"><joint name="a" axis="0 0 1" pos=".01 0 0"/>'
    '<joint name="b" axis="1 0 0" pos="0 .02 0"/><joint name="c" axis="0 1 0"/>',
    'unnamed': '<body><joint axis="0 0 1" pos=".01 0 0"/>',
}
HELD = {
    'two': [['a'], ['b'], ['a', 'b']],
    'slide and hinge': [['a'], ['b'], ['a', 'b']],
    'three': [['a'], ['b'], ['c'], ['a', 'c'], ['b', 'c']],
    'unnamed': [['lower_body_joint']],
}
VALUES = {'a': 0.35, 'b': -0.6, 'c': 1.1, 'lower_body_joint': 0.35}


def write(tmp_path, finger, held, moving=('shoulder', 'elbow'), angle='radian'):
    closing = '</frame>' * finger.count('<frame')
    text = BODY.format(finger=finger + END + closing, angle=angle)
    (tmp_path / 'arm.xml').write_text(text)
    joint = {'effort_limit_nm': 50.0, 'velocity_limit_rad_s': 1.0, 'home_rad': 0.0}
    path = tmp_path / 'arm.yaml'
    content = {'name': 'arm', 'model': 'arm.xml', 'effector_site': 'tip'}
    content['joints'] = [{'name': name, **joint} for name in moving]
    path.write_text(yaml.safe_dump({**content, 'held_joints_rad': held}))
    return path, text


def tip(model, angles):
    data = mujoco.MjData(model)
    data.qpos[:] = angles
    mujoco.mj_forward(model, data)
    return np.concatenate([data.site('tip').xpos, data.site('tip').xmat, [model.body_mass.sum()]])


@pytest.mark.parametrize(
    ('shape', 'held'), [(shape, held) for shape in SHAPES for held in HELD.get(shape, [['a']])]
)
def test_the_arm_is_where_the_joints_at_their_values_would_put_it(tmp_path, shape, held):
    angle = 'radian'
    names = [name for name in ('a', 'b', 'c') if f'"{name}"' in SHAPES[shape]] or held
    moving = ('shoulder', 'elbow', *(name for name in names if name not in held))
    values = {name: VALUES[name] for name in held}
    path, text = write(tmp_path, SHAPES[shape], values, moving, angle)
    model = compile_arm(load_arm(path))
    free = mujoco.MjModel.from_xml_string(text)
    assert model.njnt == free.njnt - len(held)
    rng = np.random.default_rng(0)
    for _ in range(5):
        angles = rng.uniform(-1.0, 1.0, 2 + len(names))
        is_held = np.array([False, False, *(name in held for name in names)])
        angles[is_held] = [VALUES[name] for name in held]
        np.testing.assert_allclose(tip(model, angles[~is_held]), tip(free, angles), atol=1e-9)


def test_a_file_in_degrees_is_held_in_radians_all_the_same(tmp_path):
    finger = '<body name="f" euler="30 0 0"><joint name="a" axis="0 0 1" range="-90 90"/>'
    path, text = write(tmp_path, finger, {'a': 0.35}, angle='degree')
    free = mujoco.MjModel.from_xml_string(text)
    held = compile_arm(load_arm(path))
    np.testing.assert_allclose(tip(held, [0.3, 0.2]), tip(free, [0.3, 0.2, 0.35]), atol=1e-9)


@pytest.mark.parametrize(
    ('joint', 'value', 'words'),
    [
        ('range="-1 1"', 20.0, ('held_joints_rad.a: 20.0', '-1 to 1 rad', '20 degrees', '0.34907')),
        ('range="-1 1"', 1.01, ('held_joints_rad.a: 1.01', '-1 to 1 rad')),
        ('range="-1 1"', float('nan'), ('held_joints_rad.a: nan', 'a finite number')),
        ('type="slide" range="0 .04"', 20.0, ('held_joints_rad.a: 20.0', '0 to 0.04 m')),
        ('type="ball"', 0.5, ('held_joints_rad.a: 0.5', 'ball')),
    ],
)
def test_a_value_out_of_range_is_refused(tmp_path, joint, value, words):
    path, _ = write(tmp_path, f'<body name="f"><joint name="a" {joint}/>', {'a': value})
    with pytest.raises(ConfigError) as refusal:
        load_arm(path)
    for word in words:
        assert word in str(refusal.value)


def test_joints_that_follow_a_held_one_are_held_where_it_takes_them(tmp_path):
    fingers = (
        '<body name="g"><joint name="b" axis="0 0 1" ref=".1"/><geom size=".01" mass=".01"/></body>'
        '<body name="f"><joint name="a" axis="0 0 1"/>'
    )
    path, text = write(tmp_path, fingers, {'b': 0.5})
    follow = '<equality><joint joint1="a" joint2="b" polycoef=".2 -2 0 0 0"/></equality></mujoco>'
    (tmp_path / 'arm.xml').write_text(text.replace('</mujoco>', follow))
    free = mujoco.MjModel.from_xml_string(text)
    held = compile_arm(load_arm(path))
    assert held.neq == 0
    expected = tip(free, [0.0, 0.0, 0.5, 0.2 - 2 * 0.4])
    np.testing.assert_allclose(tip(held, [0.0, 0.0]), expected, atol=1e-9)
