# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Small arms as people write them: each works, or is refused with what to do."""

import shutil
from pathlib import Path

import mujoco
import numpy as np
import pytest
import yaml
from closed_loop import reach
from reaching import field_around, shipped_workspace

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.planning.ilqg import IlqgPlanner

CASES = Path(__file__).parent / 'cases'
WORKSPACE = shipped_workspace()
TABLE = random_table_scene(3, 2, 'blue', WORKSPACE)

WORK = (
    *('g00_good', 'u00_good', 'g01_base_touches_link1', 'g01b_base_touches_excluded'),
    *('g02a_default_position_ctrlrange', 'g02b_default_motor_gear'),
    *('g02c_default_general_forcerange', '03a_held_slide', '04a_held_equality'),
    *('04b_held_tendon', 'u04_mimic_hinge', 'g10a_held_euler', 'g10b_held_axis_not_unit'),
    *('g12_gravcomp', 'g13_spring', '08a_unnamed_body', '14_contact_pair', '15a_name_table'),
)
# Two hinges that stand upright cannot reach the goal with the hand down and at that height alone.
REFUSED = {
    'g18_actfrcrange': ('joints.1.effort_limit_nm: 40', 'pitch 3', 'actuatorfrcrange'),
    'g10f_held_degrees': ('held_joints_rad.finger: 90', '-6.283 to 6.283', '1.5708'),
    '09a_free_base': ('root', 'base', 'weld_base: true'),
    '21_site_on_base': ('effector_site: tip', 'base', 'upper, lower'),
    'u06_package': ('link turret', 'package my_arm_description', 'package_dirs'),
    'u07_dae': ('link turret', 'link.dae', 'there is no'),
    'u32_xacro': ('u32_xacro.urdf.xacro', 'xacro', 'u32_xacro.urdf'),
}


def changed(tmp_path, case, **changes):
    """Return a copy of a case's YAML with other values, beside a copy of its model."""
    content = yaml.safe_load((CASES / f'{case}.yaml').read_text())
    shutil.copy(CASES / content['model'], tmp_path)
    path = tmp_path / f'{case}.yaml'
    path.write_text(yaml.safe_dump(content | changes))
    return path


@pytest.mark.parametrize('case', WORK)
def test_it_holds_and_reaches(case):
    arm = load_arm(CASES / f'{case}.yaml')
    simulation = ArmSimulation(arm, WORKSPACE, TABLE)
    home = simulation.joint_positions_rad
    for _ in range(500):
        simulation.apply(simulation.hold_effort())
        simulation.step()
    np.testing.assert_allclose(simulation.joint_positions_rad, home, atol=2e-3)
    simulation.reset()
    goal_m = np.array([0.44, 0.06])
    field = field_around(WORKSPACE.to_plane(goal_m))
    trace = reach(simulation, IlqgPlanner(arm, WORKSPACE), field, duration_s=1.2, replan_s=0.02)
    assert trace.distances_m(goal_m)[-1] < 1e-3
    assert (np.abs(trace.efforts_nm) <= arm.effort_limits_nm).all()
    assert (np.abs(trace.velocities_rad_s) <= arm.velocity_limits_rad_s).all()


@pytest.mark.parametrize('case', REFUSED)
def test_it_is_refused_with_file_element_and_remedy(case, monkeypatch):
    monkeypatch.setattr(shutil, 'which', lambda name: None)  # of xacro
    path = CASES / f'{case}.yaml'
    with pytest.raises(ConfigError) as refusal:
        load_arm(path)
    for words in (str(path), *REFUSED[case]):
        assert words in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_hand_in_the_table_at_home_is_refused():
    arm = load_arm(CASES / '21b_hand_in_table.yaml')
    with pytest.raises(ConfigError, match=r'lower is 10\.0 mm deep in the table at home'):
        ArmSimulation(arm, WORKSPACE, TABLE)


def test_what_touches_at_home_is_said(caplog):
    arm = load_arm(CASES / 'g01_base_touches_link1.yaml')
    assert arm.ignore_contacts == (('base', 'turret'),)
    assert 'base and turret touch at home, 30.0 mm deep' in caplog.text


def test_pairs_to_ignore_are_silent_and_must_exist(tmp_path, caplog):
    case = 'g01_base_touches_link1'
    load_arm(changed(tmp_path, case, ignore_contacts=[['turret', 'base']]))
    assert not caplog.text
    with pytest.raises(ConfigError, match=r"ignore_contacts\.0: no 'tower' .* bodies are base"):
        load_arm(changed(tmp_path, case, ignore_contacts=[['tower', 'base']]))


def test_an_arm_folded_onto_itself_is_refused_unless_it_is_listed(tmp_path):
    path = changed(tmp_path, 'g00_good')
    content = yaml.safe_load(path.read_text())
    for joint, home in zip(content['joints'], (0.0, -0.5, 3.1416, 0.0), strict=True):
        joint['home_rad'] = home
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=r'ignore_contacts: \[\[turret, hand\]\]'):
        load_arm(path)
    path.write_text(yaml.safe_dump(content | {'ignore_contacts': [['turret', 'hand']]}))
    load_arm(path)


def test_a_welded_base_stays_where_the_file_has_it(tmp_path):
    arm = load_arm(changed(tmp_path, '09a_free_base', weld_base=True))
    fixed = load_arm(CASES / '08a_unnamed_body.yaml')
    places = [ArmSimulation(each, WORKSPACE, TABLE).effector_in_base_m for each in (arm, fixed)]
    np.testing.assert_allclose(*places, atol=1e-12)


def test_the_frame_of_the_file_is_kept_under_a_base_of_ours():
    arm = load_arm(CASES / '11_frame.yaml')
    plain = load_arm(CASES / '08a_unnamed_body.yaml')
    x, y, z = ArmSimulation(plain, WORKSPACE, TABLE).effector_in_base_m
    place = ArmSimulation(arm, WORKSPACE, TABLE).effector_in_base_m
    np.testing.assert_allclose(place, (-y, x, z + 0.1 + 0.05), atol=1e-5)


def test_a_floor_stays_where_it_is_and_must_not_lie_above_the_table(tmp_path):
    path = changed(tmp_path, 'g00_good', base={'position_m': [0.0, 0.0, 0.2]})
    model = tmp_path / 'g00_good.xml'
    text = model.read_text()
    model.write_text(text.replace('<worldbody>', '<worldbody><geom type="plane" size="1 1 1"/>'))
    simulation = ArmSimulation(load_arm(path), WORKSPACE, TABLE)
    planes = simulation.model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE
    np.testing.assert_array_equal(simulation.model.geom_pos[planes], [[0.0, 0.0, 0.0]])
    assert simulation.effector_in_base_m[2] == pytest.approx(0.32, abs=1e-4)
    lower = WORKSPACE.model_copy(update={'table_height_in_base_m': -0.1})
    with pytest.raises(ConfigError, match=r'floor .* lies at 0 m, above the table at -0\.1 m'):
        ArmSimulation(load_arm(path), lower, TABLE)


@pytest.mark.parametrize('flag', ['actuation', 'contact', 'constraint', 'limit'])
def test_what_the_file_switches_off_is_refused(tmp_path, flag):
    path = changed(tmp_path, 'g00_good')
    model = tmp_path / 'g00_good.xml'
    option = f'<option><flag {flag}="disable"/></option><worldbody>'
    model.write_text(model.read_text().replace('<worldbody>', option))
    with pytest.raises(ConfigError, match=f'the file disables {flag}'):
        load_arm(path)


@pytest.mark.parametrize(
    ('actuator', 'allowed'),
    [
        ('<motor joint="pitch" gear="10" ctrlrange="-2 2"/>', '20 (ctrlrange and gear'),
        ('<position name="servo" joint="pitch" kp="50" forcerange="-7 7"/>', '7 (forcerange of'),
    ],
)
def test_an_effort_above_the_files_own_actuator_is_refused(tmp_path, actuator, allowed):
    path = changed(tmp_path, 'g00_good')
    model = tmp_path / 'g00_good.xml'
    text = model.read_text()
    model.write_text(text.replace('</mujoco>', f'<actuator>{actuator}</actuator></mujoco>'))
    with pytest.raises(ConfigError) as refusal:
        load_arm(path)
    assert 'joints.1.effort_limit_nm: 40 refused' in str(refusal.value)
    assert f'allows pitch {allowed}' in str(refusal.value)


def test_a_speed_above_the_urdfs_own_is_refused(tmp_path):
    path = changed(tmp_path, 'u00_good')
    content = yaml.safe_load(path.read_text())
    content['joints'][3]['velocity_limit_rad_s'] = 3.5
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=r'velocity_limit_rad_s: 3\.5 refused.* wrist 3$'):
        load_arm(path)


@pytest.mark.parametrize('case', ['g02a_default_position_ctrlrange', 'g02b_default_motor_gear'])
def test_motors_inherit_nothing(case):
    model = compile_arm(load_arm(CASES / f'{case}.yaml'))
    assert not model.actuator_ctrllimited.any() and not model.actuator_forcelimited.any()
    np.testing.assert_array_equal(model.actuator_gear[:, 0], 1.0)


def test_moving_joints_that_are_coupled_are_refused(tmp_path):
    path = changed(tmp_path, 'g00_good')
    model = tmp_path / 'g00_good.xml'
    coupled = '<equality><joint name="belt" joint1="elbow" joint2="wrist"/></equality></mujoco>'
    model.write_text(model.read_text().replace('</mujoco>', coupled))
    with pytest.raises(ConfigError, match='the equality belt couples elbow and wrist'):
        load_arm(path)
