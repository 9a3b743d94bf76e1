# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Learned transitions of an arm: recorded by babbling, computed without torch, planned with."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from reaching import field_around, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.babbling import STEP_S, babble
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.planning.kinematics import Kinematics
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.planner import PlanningFailed
from ebm_concept_ros.planning.planners import make_planner
from ebm_concept_ros.planning.trajectory_energy import TrajectoryEnergyConfig
from ebm_concept_ros.planning.transition_networks import ArmEnergy, ArmInverse
from ebm_core.trajectory.energy import load_network
from ebm_core.trajectory.quality import auroc
from ebm_core.trajectory.recorded import read_recording

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
FOLDER = Path(__file__).parents[2] / 'config' / 'arms' / 'jaco_transitions'
REST = np.zeros(6)
# AUROC of accelerations three times as great. Seven of them at once are told apart less well.
_TOLD = {'jaco': 0.98, 'iiwa7': 0.92}


@pytest.fixture(scope='module')
def babbled():
    """Return transitions that no network was trained on."""
    return babble(ARM, WORKSPACE, 400, seed=11)


@pytest.fixture(scope='module', params=['jaco', 'iiwa7'])
def learned(request, babbled):
    """Return an arm that has shipped networks, their folder, and transitions unknown to them."""
    arm = shipped_arm(request.param)
    unknown = babbled if arm.name == ARM.name else babble(arm, WORKSPACE, 400, seed=11)
    return arm, FOLDER.with_name(f'{arm.name}_transitions'), unknown


def test_babbling_keeps_limits_and_repeats_itself(babbled):
    assert (np.abs(babbled.efforts) <= ARM.effort_limits_nm + 1e-9).all()
    np.testing.assert_array_equal(babble(ARM, WORKSPACE, 20, seed=11).nexts, babbled.nexts[:20])
    assert np.abs(babbled.states[:, 6:]).max(0).min() > 0.4, 'a joint hardly moved'
    with pytest.raises(ConfigError, match='transitions: 0 refused, at least 1'):
        babble(ARM, WORKSPACE, 0)


def test_what_is_written_is_read_as_a_recording(tmp_path, babbled):
    babbled.write(tmp_path / 'jaco.npz', ARM)
    recording = read_recording(tmp_path / 'jaco.npz')
    assert recording.names == ARM.joint_names and recording.step_s == STEP_S
    np.testing.assert_allclose(recording.transitions.states[:, :6], babbled.states[:, 6:], 1e-5)
    assert recording.transitions.actions.abs().max() <= 1


def test_numpy_computes_what_torch_was_trained_with(babbled):
    states, nexts = babbled.states[:50], babbled.nexts[:50] + 0.02
    pair = [torch.from_numpy(np.roll(x, 6, 1)).float() for x in (states, nexts)]
    energy = load_network(FOLDER / 'energy', 'energy', 'recorded').excess(*pair)
    inverse = load_network(FOLDER / 'inverse', 'inverse', 'recorded')(*pair)
    found = ArmEnergy(FOLDER / 'energy', ARM, STEP_S).excess(states, nexts)
    np.testing.assert_allclose(found, energy, rtol=2e-3, atol=2e-3)
    efforts = ArmInverse(FOLDER / 'inverse', ARM, STEP_S).effort_nm(states, nexts)
    np.testing.assert_allclose(efforts, inverse.numpy() * ARM.effort_limits_nm, atol=2e-3)


def test_accelerations_that_no_torque_gives_are_dear(learned):
    arm, folder, babbled = learned
    energy, n = ArmEnergy(folder / 'energy', arm, STEP_S), len(arm.joints)
    far = babbled.nexts.copy()
    far[:, n:] += 2 * (babbled.nexts - babbled.states)[:, n:]
    far[:, :n] = babbled.states[:, :n] + STEP_S / 2 * (babbled.states + far)[:, n:]
    ordinary = energy.excess(babbled.states, babbled.nexts)
    assert (ordinary == 0).mean() > 0.9
    assert auroc(ordinary, energy.excess(babbled.states, far)) > _TOLD[arm.name]


def test_inverse_dynamics_know_what_carries_the_arm(learned):
    arm, folder, _ = learned
    inverse, model = ArmInverse(folder / 'inverse', arm, STEP_S), PlanModel(arm, STEP_S)
    positions = arm.home_rad + np.random.default_rng(0).uniform(-0.4, 0.4, (100, len(arm.joints)))
    states = np.concatenate((positions, 0 * positions), 1)
    weight = np.array([model.bias_nm(q, 0 * q) for q in positions])
    error = np.abs(inverse.effort_nm(states, states) - weight)
    assert (error < 0.1 * arm.effort_limits_nm).all()
    assert np.abs(weight).max() > 5, 'nothing had to be carried'


@pytest.mark.parametrize('name', ['jaco', 'panda'])
def test_many_postures_are_where_the_model_has_them(name):
    arm = shipped_arm(name)
    model, n = PlanModel(arm, STEP_S), len(arm.joints)
    positions = arm.home_rad + np.random.default_rng(1).uniform(-1, 1, (2, 5, n))
    places, axes = Kinematics(model.model, arm.effector_site)(positions)
    for index in np.ndindex(2, 5):
        state, torques = np.concatenate((positions[index], 0 * positions[index])), np.zeros((1, n))
        rollout = model.rollout(state, torques, arm.effort_limits_nm)
        np.testing.assert_allclose(places[index], rollout.site_m[0], atol=1e-9)
        np.testing.assert_allclose(axes[index], rollout.approach[0], atol=1e-9)


def test_friction_is_in_the_torques_already_and_is_not_added_again():
    planner = make_planner('trajectory_energy', ARM, WORKSPACE)
    plan = planner.plan(0.0, ARM.home_rad, REST, field_around(np.zeros(2)))
    assert not plan.friction_nm.any()
    iterated = make_planner('ilqg', ARM, WORKSPACE)
    plan = iterated.plan(0.0, ARM.home_rad, REST, field_around(np.zeros(2)))
    assert (plan.friction_nm > 0).all()


def test_a_state_far_from_all_that_was_learned_gives_no_plan():
    planner = make_planner('trajectory_energy', ARM, WORKSPACE)
    with pytest.raises(PlanningFailed, match=r'state: 9 of number 6 is far from what the'):
        planner.plan(0.0, ARM.home_rad, REST + 9, field_around(np.zeros(2)))


def test_transitions_that_do_not_fit_are_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r'panda_transitions: no such .*; python -m .* babble'):
        make_planner('trajectory_energy', shipped_arm('panda'), WORKSPACE)
    with pytest.raises(ConfigError, match=r'step_s: 0.02 refused, plans have steps of 0.01 s'):
        config = TrajectoryEnergyConfig(step_s=0.01)
        make_planner('trajectory_energy', ARM, WORKSPACE, config)
    given = TrajectoryEnergyConfig(transitions=str(shutil.copytree(FOLDER, tmp_path / 'given')))
    with pytest.raises(ConfigError, match=r'names: .*joint_1.* refused, .*is needed'):
        make_planner('trajectory_energy', shipped_arm('panda'), WORKSPACE, given)
    card_file = tmp_path / 'given' / 'energy' / 'model.json'
    card = json.loads(card_file.read_text())
    card_file.write_text(json.dumps(card | {'sha256': 'else'}))
    with pytest.raises(ConfigError, match=r'model\.safetensors: its SHA-256 is not the one'):
        make_planner('trajectory_energy', ARM, WORKSPACE, given)
