# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What does not fit is refused when the controller is configured; the node says what, and stays."""

import hashlib
import json

import pytest
import yaml
from harness import Probe, claim_domain, running, untrained_weights
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.parameter import Parameter
from reaching import CONFIG
from safetensors.torch import load_file, save_file

from ebm_concept_ros.nodes.controller_setup import ControllerParameters
from ebm_concept_ros.nodes.live_parameters import on_change
from ebm_core.world.scene import NUM_FEATURES


@pytest.fixture
def probe(monkeypatch):
    """A probe in a domain where no other node is."""
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    probe = Probe()
    yield probe
    probe.close()
    lock.close()


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return untrained_weights(tmp_path_factory.mktemp('weights'))


def changed_jaco(folder, **changes):
    content = yaml.safe_load((CONFIG / 'arms' / 'jaco.yaml').read_text())
    content.update(changes)
    path = folder / 'arm.yaml'
    path.write_text(yaml.safe_dump(content))
    return path


def jaco_joints(**changes):
    joints = yaml.safe_load((CONFIG / 'arms' / 'jaco.yaml').read_text())['joints']
    return [{**joint, **changes} for joint in joints]


def other_layout(folder):
    """Write weights whose entities have a feature less than ours."""
    untrained_weights(folder)
    path, card = folder / 'model.safetensors', folder / 'model.json'
    tensors = load_file(path)
    hidden = json.loads(card.read_text())['model']['hidden']
    by_feature = [n for n, t in tensors.items() if t.ndim == 2 and NUM_FEATURES <= len(t) < hidden]
    assert by_feature, 'some weights have a row for each feature of an entity'
    save_file({n: t[1:].clone() if n in by_feature else t for n, t in tensors.items()}, path)
    content = json.loads(card.read_text())
    content['sha256'] = hashlib.sha256(path.read_bytes()).hexdigest()
    card.write_text(json.dumps(content))
    return len(tensors[by_feature[0]])


def state_of(probe):
    return probe.call(GetState, 'controller/get_state', GetState.Request()).current_state.id


def change(probe, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    return probe.call(ChangeState, 'controller/change_state', request).success


def refused(probe, folder, *texts, **parameters):
    """Check that a controller stays unconfigured and says why in one line, in log and report."""
    with running('controller', folder, **parameters) as node:
        report = probe.wait_for_report('controller: state', 'unconfigured', *texts)
        assert len(report.splitlines()) == 1
        assert state_of(probe) == State.PRIMARY_STATE_UNCONFIGURED
        for text in texts:
            assert text in node.wait_for_log('unconfigured: ')
        assert 'Traceback' not in node.log
        assert node.is_running()


def test_torque_limits_of_zero(probe, tmp_path, weights):
    arm = changed_jaco(tmp_path, joints=jaco_joints(effort_limit_nm=0.0))
    texts = ('parameter arm', str(arm), 'joints.0.effort_limit_nm: 0.0', 'greater than 0')
    refused(probe, tmp_path, *texts, arm=arm, model_dir=weights)


def test_an_effector_site_that_does_not_exist(probe, tmp_path, weights):
    arm = changed_jaco(tmp_path, effector_site='thumb')
    texts = ('parameter arm', "effector_site: no 'thumb'", 'hand_pinchsite')
    refused(probe, tmp_path, *texts, arm=arm, model_dir=weights)


@pytest.mark.parametrize(('control', 'state'), [(300.0, 500.0), (500.0, 250.0)])
def test_a_control_rate_that_does_not_divide_the_simulations(
    probe, tmp_path, weights, control, state
):
    texts = (f'parameter control_rate: {control:g} Hz', f'which is {state:g} Hz', '(state_rate)')
    rates = {'control_rate': control, 'state_rate': state}
    refused(probe, tmp_path, *texts, **rates, model_dir=weights)


def test_a_horizon_that_is_not_a_multiple_of_its_step(probe, tmp_path, weights):
    texts = ('parameter planning: horizon_s 0.51', 'not a multiple of step_s 0.02')
    times = {'planning.step_s': 0.02, 'planning.horizon_s': 0.51}
    refused(probe, tmp_path, *texts, **times, model_dir=weights)


def test_more_elites_than_samples(probe, tmp_path, weights):
    texts = ('parameter planning: elites 6 are more than samples 4',)
    refused(probe, tmp_path, *texts, planner='cem', **{'planning.samples': 4}, model_dir=weights)


def test_weights_for_another_entity_layout(probe, tmp_path):
    ours = other_layout(tmp_path / 'other')
    texts = ('parameter model_dir', str(tmp_path / 'other'), f'[{ours - 1}, ', f'[{ours}, ')
    refused(probe, tmp_path, *texts, model_dir=tmp_path / 'other')


def test_what_was_refused_can_be_mended_and_configured(probe, tmp_path, weights):
    arm = changed_jaco(tmp_path, effector_site='thumb')
    with running('controller', tmp_path, arm=arm, model_dir=weights):
        probe.wait_for_report('controller: state', 'unconfigured', 'thumb')
        assert not change(probe, Transition.TRANSITION_CONFIGURE)
        assert state_of(probe) == State.PRIMARY_STATE_UNCONFIGURED
        changed_jaco(tmp_path)
        assert change(probe, Transition.TRANSITION_CONFIGURE)
        probe.wait_for_report('controller: state', 'inactive, weights')
        assert change(probe, Transition.TRANSITION_ACTIVATE)
        assert state_of(probe) == State.PRIMARY_STATE_ACTIVE


def test_what_keeps_it_from_being_activated_is_said_and_it_stays_configured(
    probe, tmp_path, weights
):
    given = {'record_dir': '~nobody-of-this-name/runs', 'model_dir': weights}
    with running('controller', tmp_path, **given):
        probe.wait_for_report('controller: state', 'inactive: ', 'knows whose home that is')
        assert state_of(probe) == State.PRIMARY_STATE_INACTIVE
        assert not change(probe, Transition.TRANSITION_ACTIVATE)
        assert state_of(probe) == State.PRIMARY_STATE_INACTIVE


def test_the_arm_is_made_anew_for_a_parameter_of_its_own_alone():
    """rclpy asks about each quality of service that is declared, two dozen while it configures."""
    asked, taken = [], []

    class Node:
        add_on_set_parameters_callback = asked.append

    parameters = ControllerParameters()
    on_change(Node(), lambda: (parameters, {}), lambda values, _: taken.append(values.speed_scale))
    (ask,) = asked
    for name, value in (
        ('qos_overrides./scene.subscription.depth', 7),
        ('use_sim_time', True),
        ('speed_scale', 0.5),
    ):
        assert ask([Parameter(name, value=value)]).successful
    assert taken == [0.5]
