# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The compiled planner against the readable one, and that against MuJoCo."""

import threading
import time
from pathlib import Path

import mujoco
import numpy as np
import pytest
import yaml
from reaching import SHIPPED_ARMS, field_around, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.planning import kernel_arm
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.planner import PlannerConfig

WORKSPACE = shipped_workspace()
FIELD = field_around(np.array([0.4, 0.3]))
SADDLES = field_around(np.array([-1.2, 0.9]), lambda r: np.sin(5.0 * r) + 0.1 * r)
AROUND = FIELD.with_cost(
    SADDLES.energies, Circles(np.array([[0.1, 0.1], [0.5, -0.2]]), np.array([0.6, 0.3]), 0.15)
)

# Hinges and a slide, two in one body, one that is no part of the way to the effector, anchors off
# the bodies' origins, zeros that are not 0, springs, armature, and a body without a joint.
MADE_UP = """
<mujoco model="made_up">
  <worldbody>
    <body name="column" pos="0.1 0 0.4" euler="0 20 0">
      <joint name="lift" type="slide" axis="0 0.2 1" damping="8" stiffness="30" springref="0.1"/>
      <joint name="turn" axis="0 0 1" pos="0.05 0.02 0" damping="0.4" armature="0.05"/>
      <geom type="capsule" size="0.04" fromto="0 0 0 0.3 0 0.1" mass="2"/>
      <body name="side" pos="0 0.2 0">
        <joint name="flag" axis="1 0 0" damping="0.1" pos="0 0.02 0.01"/>
        <geom type="box" size="0.02 0.1 0.03" mass="0.4"/>
      </body>
      <body name="lower" pos="0.3 0 0.1" euler="30 0 10">
        <joint name="elbow" axis="0.3 1 0" pos="0.1 0 0" ref="20" damping="0.3" stiffness="2"/>
        <geom type="capsule" size="0.02" fromto="0 0 0 0.3 0.1 0" mass="1"/>
        <body name="hand" pos="0.3 0.1 0" euler="0 90 5">
          <geom type="box" size="0.02 0.03 0.05" pos="0.01 0 0.03" mass="0.3"/>
          <site name="tip" pos="0.02 0 0.1"/>
        </body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def made_up(tmp_path: Path, model: str = MADE_UP) -> ArmConfig:
    (tmp_path / 'made_up.xml').write_text(model)
    joints = [
        {'name': name, 'effort_limit_nm': limit, 'velocity_limit_rad_s': 1.5, 'home_rad': home}
        for name, limit, home in (
            *(('lift', 80.0, 0.0), ('turn', 30.0, 0.1)),
            *(('flag', 4.0, 0.2), ('elbow', 20.0, 0.4)),
        )
    ]
    arm = {'name': 'made_up', 'model': 'made_up.xml', 'effector_site': 'tip', 'joints': joints}
    (tmp_path / 'arm.yaml').write_text(yaml.safe_dump(arm))
    return load_arm(tmp_path / 'arm.yaml')


@pytest.fixture(params=[*SHIPPED_ARMS, 'made_up'])
def arm(request, tmp_path) -> ArmConfig:
    return made_up(tmp_path) if request.param == 'made_up' else shipped_arm(request.param)


def test_derivatives_in_closed_form_are_those_of_mujocos_step(arm):
    plan_model = PlanModel(arm, 0.02)
    model, data, n = plan_model.model, plan_model.data, plan_model.num_joints

    def after(x: np.ndarray) -> np.ndarray:
        data.qpos[:], data.qvel[:], data.ctrl[:] = np.split(x, 3)
        mujoco.mj_step(model, data)
        return np.concatenate([data.qpos, data.qvel])

    rng, h = np.random.default_rng(0), 1e-5
    for _ in range(5):
        state = np.concatenate([arm.home_rad, np.zeros(n)]) + rng.normal(0, 0.7, 2 * n)
        effort = plan_model.bias_nm(state[:n], state[n:]) + rng.normal(0, 3, n)
        x = np.concatenate([state, effort])
        expected = np.stack([after(x + d) - after(x - d) for d in h * np.eye(3 * n)], 1) / (2 * h)
        accelerations = (after(x)[n:] - state[n:]) / plan_model.step_s
        found = plan_model.dynamics.linearise(state[None, :n], state[None, n:], accelerations[None])
        np.testing.assert_allclose(found[0], expected, atol=2e-8 * np.abs(expected).max())


@pytest.mark.parametrize('field', [FIELD, AROUND], ids=['free', 'obstacles'])
def test_compiled_plans_are_the_readable_ones(arm, field):
    config = PlannerConfig(horizon_s=0.3, cold_iterations=3)
    compiled, readable = (IlqgPlanner(arm, WORKSPACE, config, kind) for kind in (True, False))
    assert compiled.why_not_compiled == ''
    rng, n = np.random.default_rng(3), len(arm.joints)
    for _ in range(2):
        position, speed = arm.home_rad + rng.normal(0, 0.2, n), rng.normal(0, 0.5, n)
        former, time_s = None, 0.0
        for _ in range(3):
            one, other = (
                planner.plan(time_s, position, speed, field, former)
                for planner in (compiled, readable)
            )
            assert one.iterations == other.iterations
            assert one.cost == pytest.approx(other.cost, rel=1e-9)
            scale = arm.effort_limits_nm.max()
            np.testing.assert_allclose(one.efforts, other.efforts, atol=1e-9 * scale)
            np.testing.assert_allclose(one.states, other.states, atol=1e-9)
            np.testing.assert_allclose(
                one.gains, other.gains, atol=1e-9 * np.abs(other.gains).max()
            )
            former = one
            # Somewhere between two knots, and off the plan.
            time_s += 0.0137
            position = one.states[1, :n] + rng.normal(0, 0.03, n)
            speed = one.states[1, n:] + rng.normal(0, 0.3, n)


def test_torques_at_their_limits_are_the_readable_ones_too():
    arm = shipped_arm()
    joints = [
        joint.model_copy(update={'effort_limit_nm': 0.25 * joint.effort_limit_nm})
        for joint in arm.joints
    ]
    weak = arm.model_copy(update={'joints': tuple(joints)})
    start = arm.home_rad + 0.2, np.full(6, 0.8)
    one, other = (
        IlqgPlanner(weak, WORKSPACE, compiled=compiled).plan(0.0, *start, FIELD)
        for compiled in (True, False)
    )
    limited = np.abs(other.efforts) == weak.effort_limits_nm
    assert 0.05 < limited.mean() < 0.9
    np.testing.assert_allclose(one.efforts, other.efforts, atol=1e-8)
    np.testing.assert_allclose(one.gains, other.gains, atol=1e-9 * np.abs(other.gains).max())


@pytest.mark.parametrize(
    'old, new',
    [
        ('<body name="lower"', '<body name="lower" gravcomp="0.5"'),
        ('<worldbody>', '<option density="50" wind="3 0 0"/><worldbody>'),
        (
            '</worldbody>',
            '</worldbody><tendon><fixed stiffness="30"><joint joint="elbow" coef="1"/>'
            '<joint joint="turn" coef="-1"/></fixed></tendon>',
        ),
    ],
    ids=['counterweight', 'wind', 'tendon'],
)
def test_an_arm_on_which_other_forces_act_is_planned_for_with_mujocos_own(tmp_path, old, new):
    arm = made_up(tmp_path, MADE_UP.replace(old, new, 1))
    planner = IlqgPlanner(arm, WORKSPACE)
    assert 'moves by more than' in planner.why_not_compiled
    plan = planner.plan(0.0, arm.home_rad, np.zeros(4), FIELD)
    carrying = planner.model.bias_nm(arm.home_rad, np.zeros(4))
    assert np.isfinite(plan.gains).all() and np.abs(plan.efforts[0] - carrying).max() < 80


def test_without_the_kernel_plans_are_made_all_the_same(monkeypatch):
    def missing():
        raise kernel_arm.NoKernel('not built')

    compiled = IlqgPlanner(shipped_arm(), WORKSPACE)
    monkeypatch.setattr(kernel_arm, 'kernel_library', missing)
    planner = IlqgPlanner(shipped_arm(), WORKSPACE)
    assert planner.why_not_compiled == 'not built'
    home, rest = shipped_arm().home_rad, np.zeros(6)
    one, other = (p.plan(0.0, home, rest, FIELD) for p in (planner, compiled))
    # Finite differences, of every second step, lead to nearly the same plan.
    assert one.cost == pytest.approx(other.cost, rel=1e-2)


def test_a_plan_of_another_arm_is_refused():
    other = IlqgPlanner(shipped_arm('panda'), WORKSPACE)
    plan = other.plan(0.0, shipped_arm('panda').home_rad, np.zeros(7), FIELD)
    with pytest.raises(ValueError, match='of 7 joints, not 6'):
        IlqgPlanner(shipped_arm(), WORKSPACE).plan(
            0.01, shipped_arm().home_rad, np.zeros(6), FIELD, plan
        )


def test_other_threads_go_on_while_a_plan_is_made():
    config = PlannerConfig(step_s=0.002, horizon_s=5.0, cold_iterations=3)
    planner = IlqgPlanner(shipped_arm(), WORKSPACE, config)
    ticks, done = [], threading.Event()

    def count() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())

    def ticks_in_the_middle() -> int:
        began = time.perf_counter()
        planner._kernel.solve(0.0, start, FIELD, None)
        took = time.perf_counter() - began
        assert took > 0.02, 'too short to tell'
        return sum(began + 0.2 * took < t < began + 0.8 * took for t in list(ticks))

    start = np.concatenate([shipped_arm().home_rad, np.zeros(6)])
    thread = threading.Thread(target=count)
    thread.start()
    try:
        # Held by the planner, the interpreter would be the other thread's at the very ends alone.
        # Once is enough: on a busy machine that thread may have no core while a plan is made.
        assert any(ticks_in_the_middle() > 100 for _ in range(50))
    finally:
        done.set()
        thread.join()
