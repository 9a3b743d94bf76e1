# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm from its configuration: names checked against the file, fingers welded, motors added."""

import mujoco
import numpy as np
import pytest
import yaml
from reaching import CONFIG, SHIPPED_ARMS, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.model import arm_spec, compile_arm
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.planning.plan_model import PlanModel

TWO_LINKS = """
<mujoco model="two_links">
  <worldbody>
    <body name="upper" pos="0 0 0.3">
      <joint name="shoulder" axis="0 0 1"/>
      <geom type="capsule" size="0.02" fromto="0 0 0 0.3 0 0"/>
      <body name="lower" pos="0.3 0 0">
        <joint name="elbow" axis="0 0 1" pos="0.1 0 0"/>
        <geom type="capsule" size="0.02" fromto="0 0 0 0.3 0 0"/>
        <site name="tip" pos="0.3 0 0"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def changed_jaco(tmp_path, **changes):
    content = yaml.safe_load((CONFIG / 'arms' / 'jaco.yaml').read_text())
    content.update(changes)
    path = tmp_path / 'arm.yaml'
    path.write_text(yaml.safe_dump(content))
    return path


def joint(name, **changes):
    values = {'effort_limit_nm': 5.0, 'velocity_limit_rad_s': 1.0, 'home_rad': 0.0}
    return {'name': name, **values, **changes}


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_a_shipped_arm_has_a_motor_per_joint_and_starts_over_the_table(name):
    arm, workspace = shipped_arm(name), shipped_workspace(name)
    model = arm_spec(arm).compile()
    assert tuple(model.joint(i).name for i in range(model.njnt)) == arm.joint_names
    assert model.nu == model.nv == len(arm.joints)
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home_rad
    mujoco.mj_forward(model, data)
    effector = data.site(arm.effector_site)
    assert effector.xpos[2] == pytest.approx(workspace.hover_height_in_base_m, abs=1e-3)
    assert effector.xmat[8] < -0.99, 'the hand points down'


@pytest.mark.parametrize(
    ('changes', 'names'),
    [
        ({'effector_site': 'thumb'}, ('effector_site', 'thumb', 'hand_pinchsite')),
        ({'joints': [joint('joint_9')]}, ('joints', 'joint_9', 'joint_1, joint_2')),
        ({'held_joints_rad': {}}, ('hand_finger_1', 'held_joints_rad')),
        ({'held_joints_rad': {'joint_1': 0.0}}, ('joints named twice', 'joint_1')),
        ({'model': 'nowhere.xml'}, ('model', 'nowhere.xml', 'no such file')),
        ({'joints': [joint('joint_1', effort_limit_nm=0.0)]}, ('joints.0.effort_limit_nm', '0.0')),
        (
            {
                'joints': [
                    joint(f'joint_{i}', effort_limit_nm=0.1, home_rad=1.0) for i in range(1, 7)
                ]
            },
            ('effort_limit_nm', '0.1', 'to carry the arm at home'),
        ),
        (
            {'joints': [joint(f'joint_{i}', effort_limit_nm=99.0) for i in range(1, 7)]},
            ('joints.1.home_rad', '0.0', 'joint_2', '0.82'),
        ),
        ({'base': {'position_m': [0, 0, 5.1]}}, ('base.position_m', 'from -5.0')),
        ({'base': {'position_m': [0, 0, float('nan')]}}, ('base.position_m.2', 'finite')),
        (
            {'flange': {'body': 'x', 'rpy_rad': [0, float('inf'), 0]}},
            ('flange.rpy_rad.1', 'finite'),
        ),
        ({'add_site': {'body': 'hand'}}, ('add_site', 'already', 'hand_pinchsite')),
        (
            {'effector_site': 'thumb', 'add_site': {'body': 'nail'}},
            ('add_site.body', 'nail', 'bodies are', 'world'),
        ),
        ({'colour': 'black'}, ('colour', 'unknown key')),
    ],
)
def test_wrong_names_and_values_are_refused_with_what_exists(tmp_path, changes, names):
    path = changed_jaco(tmp_path, **changes)
    with pytest.raises(ConfigError) as refusal:
        load_arm(path)
    for name in (str(path), *names):
        assert name in str(refusal.value)


def test_the_seven_joints_are_those_of_the_specification():
    arm = shipped_arm('iiwa7')
    model = arm_spec(arm).compile()
    np.testing.assert_allclose(
        np.degrees(model.jnt_range[:, 1]), [170, 120, 170, 120, 170, 120, 175]
    )
    assert model.body_mass.sum() == pytest.approx(23.9 + 0.2), 'the arm and its stylus'
    assert arm.effort_limits_nm.tolist() == [176, 176, 110, 110, 110, 40, 40]
    speeds = np.degrees(arm.velocity_limits_rad_s)
    np.testing.assert_allclose(speeds, [98, 98, 100, 130, 140, 180, 180], atol=0.05)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    flange = data.body('link_7').xpos[2] + 0.045
    assert flange - arm.base.position_m[2] == pytest.approx(0.34 + 0.4 + 0.4 + 0.126)


def test_a_users_mjcf_is_found_beside_its_configuration(tmp_path):
    (tmp_path / 'two_links.xml').write_text(TWO_LINKS)
    joints = [joint('shoulder'), joint('elbow')]
    path = changed_jaco(
        tmp_path, model='two_links.xml', effector_site='tip', joints=joints, held_joints_rad={}
    )
    assert load_arm(path).joint_names == ('shoulder', 'elbow')


def two_links_urdf(tmp_path):
    """Return the configuration of TWO_LINKS as a URDF, whose tip is a link on a fixed joint."""
    link = (
        '<link name="{}"><inertial><mass value="1"/><origin xyz="0.15 0 0"/>'
        '<inertia ixx="0.02" iyy="0.01" izz="0.02" ixy="0.003" ixz="0" iyz="0"/></inertial></link>'
    )
    turn = (
        '<joint name="{}" type="revolute"><parent link="{}"/><child link="{}"/>'
        '<origin xyz="{}"/><axis xyz="0 0 1"/>'
        '<limit lower="-3" upper="3" effort="5" velocity="1"/></joint>'
    )
    (tmp_path / 'two_links.urdf').write_text(
        '<robot name="two_links"><link name="base_link"/>'
        + ''.join(link.format(name) for name in ('upper', 'lower'))
        + '<link name="tool0"/>'
        + turn.format('shoulder', 'base_link', 'upper', '0 0 0.3')
        + turn.format('elbow', 'upper', 'lower', '0.3 0 0')
        + '<joint name="flange" type="fixed"><parent link="lower"/><child link="tool0"/>'
        '<origin xyz="0.25 0 0" rpy="0 1.5707963 0"/></joint></robot>'
    )
    return changed_jaco(
        tmp_path,
        model='two_links.urdf',
        effector_site='tip',
        add_site={'body': 'tool0', 'position_m': [0.0, 0.0, 0.05]},
        joints=[joint('shoulder'), joint('elbow')],
        held_joints_rad={},
    )


def test_a_urdf_works_with_a_site_on_one_of_its_links(tmp_path):
    arm = load_arm(two_links_urdf(tmp_path))
    model = PlanModel(arm, 0.02)
    assert model.num_joints == 2
    # Steiner: about the shoulder both links, about the elbow the second; the rods' own 0.02 each.
    full = compile_arm(arm)
    inertia = np.zeros((2, 2))
    for compiled in (full, model.model):
        data = mujoco.MjData(compiled)
        mujoco.mj_forward(compiled, data)
        mujoco.mj_fullM(compiled, data, inertia)
        np.testing.assert_allclose(
            np.diag(inertia), [0.04 + 0.15**2 + 0.45**2, 0.02 + 0.15**2], atol=1e-6
        )
    # The stripped model has fused what is fixed; the site is still where it was.
    np.testing.assert_allclose(model.effector_in_base_m(np.zeros(2)), (0.6, 0.0, 0.3), atol=1e-6)
    elbow = model.effector_in_base_m(np.array([0.0, np.pi / 2]))
    np.testing.assert_allclose(elbow, (0.3, 0.3, 0.3), atol=1e-6)


@pytest.mark.parametrize('make', [two_links_urdf, None], ids=['urdf', 'mjcf'])
def test_the_base_stands_where_it_is_put(tmp_path, make):
    path = make(tmp_path) if make else changed_jaco(tmp_path)
    arm = load_arm(path)
    before = PlanModel(arm, 0.02).effector_in_base_m(arm.home_rad)
    content = yaml.safe_load(path.read_text())
    content['base'] = {'position_m': [0.5, -0.25, 0.125], 'yaw_rad': np.pi / 2}
    path.write_text(yaml.safe_dump(content))
    after = PlanModel(load_arm(path), 0.02).effector_in_base_m(arm.home_rad)
    turned = np.array([-before[1], before[0], before[2]])
    np.testing.assert_allclose(after, turned + np.array([0.5, -0.25, 0.125]), atol=1e-6)


def test_a_model_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    (tmp_path / 'two_links.xml').write_text('<mujoco>\n<worldbody>')
    with pytest.raises(ConfigError, match=r'two_links\.xml cannot be loaded') as refusal:
        load_arm(changed_jaco(tmp_path, model='two_links.xml'))
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize('angle_rad', [0.0, 0.7, -2.0])
def test_a_held_joint_leaves_its_body_where_the_joint_would_put_it(tmp_path, angle_rad):
    (tmp_path / 'two_links.xml').write_text(TWO_LINKS)
    path = changed_jaco(
        tmp_path,
        model='two_links.xml',
        effector_site='tip',
        joints=[joint('shoulder')],
        held_joints_rad={'elbow': angle_rad},
    )
    free = mujoco.MjModel.from_xml_string(TWO_LINKS)
    held = arm_spec(load_arm(path)).compile()
    tips = []
    for model, angles in ((free, [0.3, angle_rad]), (held, [0.3])):
        data = mujoco.MjData(model)
        data.qpos[:] = angles
        mujoco.mj_forward(model, data)
        tips.append(data.site('tip').xpos.copy())
    np.testing.assert_allclose(*tips, atol=1e-12)
