# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A configuration is proposed for a model file: it loads as it is, and says what it guessed."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from ebm_concept_ros.arm.__main__ import main
from ebm_concept_ros.arm.config import ModelSource
from ebm_concept_ros.arm.contacts import touching_pairs
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.model import arm_spec
from ebm_concept_ros.arm.model_file import read_model
from ebm_concept_ros.arm.names import name_everything, own
from ebm_concept_ros.arm.proposal.chain import find_chain
from ebm_concept_ros.arm.proposal.kinematics import HandDown
from ebm_concept_ros.arm.scene_model import bare_table_spec
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.workspace import load_workspace

CASES = Path(__file__).parent / 'cases'
# A small arm of which the file knows no speeds, with a jaw that moves and a base that floats.
SMALL = """
<mujoco><compiler angle="radian" autolimits="true"/>
<default><joint damping=".02" armature=".01" range="-2 2" actuatorfrcrange="-3 3"/></default>
<worldbody><body name="foot" pos="0 0 .05"><freejoint/><geom type="box" size=".03 .03 .03"/>
<body name="turret" pos="0 0 .03"><joint name="pan" axis="0 0 1"/>
<geom type="cylinder" size=".02 .02" mass=".1"/>
<body name="upper" pos="0 0 .03"><joint name="lift" axis="0 1 0"/>
<geom type="capsule" size=".012" fromto="0 0 .02 0 0 .14" mass=".1"/>
<body name="fore" pos="0 0 .16"><joint name="elbow" axis="0 1 0" range="-.2 3"/>
<geom type="capsule" size=".01" fromto="0 0 .02 0 0 .12" mass=".1"/>
<body name="wrist" pos="0 0 .14"><joint name="flex" axis="0 1 0"/>
<geom type="capsule" size=".01" fromto="0 0 .01 0 0 .03" mass=".05"/>
<body name="palm" pos="0 0 .04"><joint name="roll" axis="0 0 1"/>
<geom type="box" size=".015 .005 .02" pos="0 0 .03" mass=".05"/>
<body name="jaw" pos=".01 0 .05"><joint name="gripper" axis="0 1 0" range="0 1"/>
<geom type="box" size=".003 .005 .02" pos="0 0 .02" mass=".01"/></body>
</body></body></body></body></body></body></worldbody></mujoco>
"""


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    """Return the folder in which files for the small arm were proposed."""
    folder = tmp_path_factory.mktemp('small')
    (folder / 'small.xml').write_text(SMALL)
    assert main(['propose', str(folder / 'small.xml'), '--out', str(folder / 'out')]) == 0
    return folder / 'out'


def test_what_was_proposed_loads_and_stands_over_its_table(small):
    arm, workspace = load_arm(small / 'small.yaml'), load_workspace(small / 'small_workspace.yaml')
    simulation = ArmSimulation(arm, workspace, random_table_scene(1, 2, 'blue', workspace))
    x, y, z = simulation.effector_in_base_m
    assert z == pytest.approx(workspace.hover_height_in_base_m, abs=3e-3)
    assert np.abs(workspace.to_plane(np.array([x, y]))).max() < 1.0
    hand = HandDown(simulation.model, arm.effector_site)
    _, axis = hand.place(arm.home_rad)
    assert axis[2] < -0.95, 'the hand points down'
    home = simulation.joint_positions_rad
    for _ in range(200):
        simulation.apply(simulation.hold_effort())
        simulation.step()
    np.testing.assert_allclose(simulation.joint_positions_rad, home, atol=1e-3)


def test_the_hand_is_held_the_base_welded_and_the_arm_is_the_rest(small):
    arm = load_arm(small / 'small.yaml')
    assert arm.joint_names == ('pan', 'lift', 'elbow', 'flex', 'roll')
    assert arm.held_joints_rad == {'gripper': 0.0}
    assert arm.weld_base
    assert arm.add_site.body == 'palm'
    np.testing.assert_allclose(arm.add_site.position_m, (0, 0, 0.09), atol=0.01)


def test_limits_are_the_files_and_gaps_are_marked(small):
    arm, text = load_arm(small / 'small.yaml'), (small / 'small.yaml').read_text()
    assert arm.effort_limits_nm.tolist() == [3.0] * 5
    assert text.count('ASSUMED: velocity_limit_rad_s') == 5
    assert 'ASSUMED: effort' not in text


def test_a_small_arm_gets_a_small_workspace_that_it_reaches_all_over(small):
    workspace = load_workspace(small / 'small_workspace.yaml')
    assert 0.02 < workspace.metres_per_unit < 0.15
    assert '9 of 9 places' in (small / 'small_workspace.yaml').read_text()
    table = random_table_scene(1, 2, 'blue', workspace)
    assert max(entity.radius_m for entity in table.entities) < 0.02, 'things in proportion'
    assert (small / 'small.png').read_bytes().startswith(b'\x89PNG')


def test_the_limits_of_a_urdf_are_taken(tmp_path):
    assert main(['propose', str(CASES / 'u00_good.urdf'), '--out', str(tmp_path)]) == 0
    content = yaml.safe_load((tmp_path / 'u00_good.yaml').read_text())
    limits = [(j['effort_limit_nm'], j['velocity_limit_rad_s']) for j in content['joints']]
    assert limits == [(40, 2), (40, 2), (30, 2), (10, 3)]
    assert 'ASSUMED:' not in (tmp_path / 'u00_good.yaml').read_text().split('joints:')[1]


def chain_of(tmp_path, **names):
    (tmp_path / 'small.xml').write_text(SMALL)
    spec, _ = read_model(ModelSource(model=str(tmp_path / 'small.xml')))
    name_everything(spec)
    return find_chain(spec, spec.compile(), **names)


def test_the_arm_may_begin_and_end_elsewhere(tmp_path):
    chain = chain_of(tmp_path, effector='fore', first='lift')
    assert chain.joints == ('lift', 'elbow') and chain.body == 'fore'
    assert set(chain.held) == {'pan', 'flex', 'roll', 'gripper'} and chain.free == ('foot',)


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['nowhere.urdf'], ('nowhere.urdf', 'no such file')),
        ([str(CASES / 'u00_good.urdf'), '--effector', 'nail'], ('--effector', 'nail', 'hand')),
        ([str(CASES / 'u00_good.urdf'), '--first', 'knee'], ('--first', 'knee', 'pitch')),
        ([str(CASES / 'u06_package.urdf')], ('my_arm_description', 'package_dirs')),
    ],
)
def test_what_cannot_be_proposed_is_refused_in_one_line(arguments, named, tmp_path, capsys):
    assert main(['propose', *arguments, '--out', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    for word in named:
        assert word in error


def test_check_says_what_load_says(capsys):
    assert main(['check', str(CASES / 'g00_good.yaml')]) == 0
    workspace = str(Path(__file__).parents[2] / 'config' / 'workspace.yaml')
    table = ['--workspace', workspace]
    assert main(['check', str(CASES / '21b_hand_in_table.yaml'), *table]) == 1
    assert 'in the table at home' in capsys.readouterr().err
    arm = load_arm(CASES / 'g00_good.yaml')
    assert arm_spec(arm).compile().nu == 4


@pytest.mark.parametrize(('aside_m', 'on_a_column'), [(0.13, True), (0.09, False)])
def test_what_hangs_from_the_arm_stays_out_of_table_and_column(aside_m, on_a_column, tmp_path):
    tail = f'<geom type="capsule" size=".008" fromto="0 {aside_m} 0 0 {aside_m} -.12" mass=".01"/>'
    lift = '<body name="upper"'
    assert lift in SMALL
    (tmp_path / 'tailed.xml').write_text(SMALL.replace(lift, tail + lift))
    assert main(['propose', str(tmp_path / 'tailed.xml'), '--out', str(tmp_path)]) == 0
    arm = load_arm(tmp_path / 'tailed.yaml')
    assert (arm.base.position_m[2] > 0.02) is on_a_column
    workspace = load_workspace(tmp_path / 'tailed_workspace.yaml')
    model = bare_table_spec(arm, workspace, 0.002).compile()
    assert (own('column') in {model.body(body).name for body in range(model.nbody)}) is on_a_column
    for pan in np.linspace(-2, 2, 21):
        assert not touching_pairs(model, np.array([pan, *arm.home_rad[1:]]))


def test_an_arm_too_small_for_any_table_is_refused(tmp_path, capsys):
    low = SMALL.replace('range="-2 2"', 'range="-.3 .3"').replace('range="-.2 3"', 'range="1 1.4"')
    (tmp_path / 'stiff.xml').write_text(low)
    assert main(['propose', str(tmp_path / 'stiff.xml'), '--out', str(tmp_path)]) == 1
    assert 'or to hardly any' in capsys.readouterr().err
