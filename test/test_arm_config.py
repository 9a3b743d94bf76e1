"""An arm from its configuration: names checked against the MJCF, fingers welded, motors added."""

import mujoco
import numpy as np
import pytest
import yaml
from reaching import CONFIG, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.config import load_arm
from ebm_concept_ros.arm.model import arm_spec
from ebm_concept_ros.config_files import ConfigError

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


def test_the_shipped_arm_has_a_motor_per_joint_and_starts_over_the_table():
    arm, workspace = shipped_arm(), shipped_workspace()
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
        ({'mjcf': 'nowhere.xml'}, ('mjcf', 'nowhere.xml')),
        ({'joints': [joint('joint_1', effort_limit_nm=0.0)]}, ('joints.0.effort_limit_nm', '0.0')),
        ({'colour': 'black'}, ('colour', 'unknown key')),
    ],
)
def test_wrong_names_and_values_are_refused_with_what_exists(tmp_path, changes, names):
    path = changed_jaco(tmp_path, **changes)
    with pytest.raises(ConfigError) as refusal:
        load_arm(path)
    for name in (str(path), *names):
        assert name in str(refusal.value)


def test_a_users_mjcf_is_found_beside_its_configuration(tmp_path):
    (tmp_path / 'two_links.xml').write_text(TWO_LINKS)
    joints = [joint('shoulder'), joint('elbow')]
    path = changed_jaco(
        tmp_path, mjcf='two_links.xml', effector_site='tip', joints=joints, held_joints_rad={}
    )
    assert load_arm(path).joint_names == ('shoulder', 'elbow')


@pytest.mark.parametrize('angle_rad', [0.0, 0.7, -2.0])
def test_a_held_joint_leaves_its_body_where_the_joint_would_put_it(tmp_path, angle_rad):
    (tmp_path / 'two_links.xml').write_text(TWO_LINKS)
    path = changed_jaco(
        tmp_path,
        mjcf='two_links.xml',
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
