# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Joint speeds have a hard limit, whatever torque a plan asks for."""

import mujoco
import numpy as np
import pytest
from reaching import SHIPPED_ARMS, shipped_arm

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.effort_rate import EffortRateLimit
from ebm_concept_ros.control.speed_limit import APPROACH_S, SpeedLimit
from ebm_concept_ros.planning.plan_model import PlanModel

PERIOD_S = 0.002  # of torques


def driven(arm, efforts_nm, limited):
    """Return the highest share of a speed limit that an arm gets to under torques (T, n).

    As they go out, within their rates: as in the controller, the limit is told of what can.
    """
    model = PlanModel(arm, PERIOD_S)
    limit = SpeedLimit(PlanModel(arm, PERIOD_S), arm)
    rate = EffortRateLimit(arm.effort_rate_limits_nm_s, PERIOD_S)
    data = mujoco.MjData(model.model)
    data.qpos[:] = arm.home_rad
    data.ctrl[:] = model.bias_nm(arm.home_rad, np.zeros(len(arm.joints)))
    highest = 0.0
    for effort in efforts_nm:
        former = data.ctrl.copy()
        if limited:
            effort = rate.limited(effort, former, PERIOD_S)
            effort = limit.limited(effort, data.qpos, data.qvel)
            effort = np.clip(effort, -arm.effort_limits_nm, arm.effort_limits_nm)
        data.ctrl[:] = rate.limited(effort, former, PERIOD_S)
        mujoco.mj_step(model.model, data)
        highest = max(highest, (np.abs(data.qvel) / arm.velocity_limits_rad_s).max())
    return highest


@pytest.mark.parametrize('name', SHIPPED_ARMS)
def test_no_torque_takes_a_joint_beyond_its_speed_limit(name):
    arm = shipped_arm(name)
    rng = np.random.default_rng(0)
    # The small servos take their time.
    ticks, without = (150, 1.1) if name == 'so101' else (25, 2.0)
    efforts = np.repeat(rng.uniform(-1.0, 1.0, (20, len(arm.joints))), ticks, axis=0)
    efforts *= arm.effort_limits_nm
    assert driven(arm, efforts, limited=False) > without, 'without it they are broken'
    assert driven(arm, efforts, limited=True) <= 1.0


@pytest.mark.parametrize('joint', [0, 3])
def test_what_may_be_had_ceases_within_its_rate_before_the_limit(setting, joint):
    arm, model, limit = setting
    velocities = np.zeros(6)
    push = np.zeros(6)
    push[joint] = arm.effort_limits_nm[joint]
    limited = limit.limited(push, arm.home_rad, velocities)
    acceleration = accelerations(model, limited, arm.home_rad, velocities)[joint]
    inertia = np.zeros((6, 6))
    data = mujoco.MjData(model.model)
    data.qpos[:] = arm.home_rad
    mujoco.mj_forward(model.model, data)
    mujoco.mj_fullM(model.model, data, inertia)
    jerk = arm.effort_rate_limits_nm_s[joint] / inertia[joint, joint]
    # v + a² / 2j, where a ceases at the jerk j.
    assert 0.0 < acceleration**2 / (2.0 * jerk) <= arm.velocity_limits_rad_s[joint]


@pytest.fixture
def setting():
    arm = shipped_arm()
    model = PlanModel(arm, 0.002)
    return arm, model, SpeedLimit(model, arm)


def accelerations(model, effort_nm, positions, velocities):
    data = mujoco.MjData(model.model)
    data.qpos[:], data.qvel[:], data.ctrl[:] = positions, velocities, effort_nm
    mujoco.mj_forward(model.model, data)
    return data.qacc.copy()


def test_a_torque_is_left_as_it_is_where_no_limit_is_near(setting):
    arm, model, limit = setting
    still = np.zeros(6)
    effort = model.bias_nm(arm.home_rad, still) + 0.5
    assert limit.limited(effort, arm.home_rad, still) is effort


def speeds_after(arm, effort_nm, positions, velocities):
    """Return what a torque makes of the speeds (n,) in the time constant of the limit, rad/s."""
    model = PlanModel(arm, APPROACH_S).model
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:], data.ctrl[:] = positions, velocities, effort_nm
    mujoco.mj_step(model, data)
    return data.qvel.copy()


def test_only_the_joint_at_its_limit_is_held_back(setting):
    arm, model, limit = setting
    velocities = np.zeros(6)
    velocities[3] = 0.94 * arm.velocity_limits_rad_s[3]
    effort = model.bias_nm(arm.home_rad, velocities) + np.array([0.2, 0, 0, 3.0, 0, 0])
    limited = limit.limited(effort, arm.home_rad, velocities)
    others = [0, 1, 2, 4, 5]
    np.testing.assert_allclose(limited[others], effort[others], atol=1e-9)
    assert limited[3] < effort[3]
    used = 0.95 * arm.velocity_limits_rad_s[3]
    assert speeds_after(arm, effort, arm.home_rad, velocities)[3] > used + 0.01
    after = speeds_after(arm, limited, arm.home_rad, velocities)
    assert after[3] == pytest.approx(used)


@pytest.mark.parametrize('sign', [-1.0, 1.0])
def test_a_joint_that_is_too_fast_is_braked(setting, sign):
    arm, model, limit = setting
    velocities = np.zeros(6)
    velocities[0] = sign * 1.3 * arm.velocity_limits_rad_s[0]
    effort = limit.limited(model.bias_nm(arm.home_rad, velocities), arm.home_rad, velocities)
    after = speeds_after(arm, effort, arm.home_rad, velocities)
    assert after[0] == pytest.approx(sign * 0.95 * arm.velocity_limits_rad_s[0])


# Two joints in a line, of which the outer moves next to nothing, and gears that damp: an arm whose
# speeds follow its torques within milliseconds, as many have that come without armature.
LIGHT = """
<mujoco>
  <worldbody>
    <body name="a">
      <joint name="one" axis="0 0 1" damping="10"/>
      <geom type="sphere" size="0.05" mass="1" contype="0" conaffinity="0"/>
      <body name="b">
        <joint name="two" axis="0 0 1" damping="5"/>
        <geom type="capsule" size="0.02" fromto="0.1 0 0 0.5 0 0" mass="2" contype="0"
              conaffinity="0"/>
        <site name="tip" pos="0.5 0 0"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


@pytest.fixture(scope='module')
def light(tmp_path_factory):
    model = tmp_path_factory.mktemp('light') / 'light.xml'
    model.write_text(LIGHT)
    joints = [
        {'name': name, 'effort_limit_nm': 50.0, 'velocity_limit_rad_s': 3.0, 'home_rad': 0.0}
        for name in ('one', 'two')
    ]
    return ArmConfig(name='light', model=str(model), effector_site='tip', joints=joints)


def test_torques_that_damping_answers_are_left_as_they_are(light):
    # One turns against two: by their inertia alone they would be at the limit in 2 ms.
    effort, still = np.array([4.0, -2.0]), np.zeros(2)
    model = PlanModel(light, PERIOD_S)
    assert np.abs(accelerations(model, effort, still, still)).max() > 1500.0
    assert SpeedLimit(model, light).limited(effort, still, still) is effort
    lasting = driven(light, np.repeat([effort], 500, axis=0), limited=False)
    assert lasting < 0.2, 'nor do they come near the limit'


@pytest.mark.parametrize('push_nm', [(50.0, 50.0), (50.0, -50.0), (-50.0, 20.0)])
def test_an_arm_that_is_light_and_damped_keeps_its_limits(light, push_nm):
    efforts = np.repeat([push_nm], 500, axis=0)
    assert driven(light, efforts, limited=False) > 1.2
    assert driven(light, efforts, limited=True) <= 1.0
