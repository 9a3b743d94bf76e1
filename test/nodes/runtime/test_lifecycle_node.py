# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The lifecycle manager over DDS with the nodes that it brings up, down and back."""

import signal
import threading
from contextlib import ExitStack

import pytest
import yaml
from harness import (
    PATIENCE_S,
    Probe,
    claim_domain,
    forgetful_server,
    keeping,
    running,
    untrained_weights,
    wait_until,
)
from lifecycle_msgs.msg import State, Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetState
from reaching import CONFIG
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.managed_peer import (
    ACTIVE,
    FINALIZED,
    INACTIVE,
    UNCONFIGURED,
    ManagedPeer,
    NotBrought,
    next_transition,
)
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.srv import ManageLifecycleNodes

Command = ManageLifecycleNodes.Request
NAMES = ('simulator', 'concept_learner', 'controller')
PERIOD_NS = 2_000_000
# On a busy machine a node that is well may be silent for seconds.
HEARTBEAT_TIMEOUT_S = 8.0


@pytest.mark.parametrize(
    ('state', 'goal', 'upwards', 'label'),
    [
        (UNCONFIGURED, ACTIVE, True, 'configure'),
        (INACTIVE, ACTIVE, True, 'activate'),
        (ACTIVE, INACTIVE, True, None),
        (ACTIVE, UNCONFIGURED, False, 'deactivate'),
        (INACTIVE, FINALIZED, False, 'cleanup'),
        (UNCONFIGURED, FINALIZED, False, 'shutdown'),
        (UNCONFIGURED, INACTIVE, False, None),
        (FINALIZED, INACTIVE, False, None),
    ],
)
def test_the_next_transition_leads_towards_the_goal_and_never_the_other_way(
    state, goal, upwards, label
):
    found = next_transition(state, goal, upwards)
    assert (found and found[1]) == label


def test_from_no_primary_state_and_from_the_end_no_way_leads_up():
    with pytest.raises(NotBrought, match='finalized'):
        next_transition(FINALIZED, ACTIVE, upwards=True)
    with pytest.raises(NotBrought, match='in between'):
        next_transition(Transition.TRANSITION_CONFIGURE + 10, ACTIVE, upwards=True)


def test_who_does_not_answer_is_asked_again(monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    probe = Probe()
    active = GetState.Response(current_state=State(id=ACTIVE))
    try:
        with lock, forgetful_server(GetState, 'peer/get_state', active) as asked:
            ManagedPeer(probe.node, 'peer', PATIENCE_S, threading.Event()).raise_to(ACTIVE)
        assert len(asked) >= 2
    finally:
        probe.close()


class Managed:
    """The nodes, the manager, and when each of them entered which state."""

    def __init__(self, nodes, folder):
        self._nodes, self._folder = nodes, folder
        self.weights = untrained_weights(folder / 'weights')
        self.probe = Probe()
        nodes.callback(self.probe.close)
        self.entered = []  # (when it was published, node, label)
        for name in NAMES:
            self.probe.listen_with_times(
                TransitionEvent,
                f'{name}/transition_event',
                50,
                lambda at_s, event, name=name: self.entered.append(
                    (at_s, name, event.goal_state.label)
                ),
            )
        self.states = self.probe.listen(JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED)
        self.processes = {name: self.start(name) for name in NAMES}
        self.start(
            'lifecycle_manager', heartbeat_period_s=0.2, heartbeat_timeout_s=HEARTBEAT_TIMEOUT_S
        )
        for name in NAMES:  # who is to see what they enter must have met them before
            self.probe.meet(name)

    def start(self, name, **parameters):
        if name in NAMES[1:]:
            parameters['model_dir'] = self.weights
        elif name == 'simulator':
            parameters |= keeping('joint_states')
        return self._nodes.enter_context(running(name, self._folder, autostart=False, **parameters))

    def ask(self, command):
        answer = self.probe.call(
            ManageLifecycleNodes, 'lifecycle_manager/manage_nodes', Command(command=command)
        )
        return answer.success, answer.message

    def is_active(self):
        return self.probe.call(Trigger, 'lifecycle_manager/is_active', Trigger.Request())

    def order(self, label):
        """Return the nodes in the order in which they entered a state, once all have; forget."""
        wait_until(
            lambda: {name for _, name, found in list(self.entered) if found == label} == set(NAMES),
            f'all {label}: {self.entered}',
        )
        return [name for _, name, found in sorted(self.entered) if found == label]


@pytest.fixture(scope='module')
def managed(tmp_path_factory):
    with ExitStack() as nodes:
        domain, lock = claim_domain()
        nodes.callback(lock.close)
        nodes.enter_context(pytest.MonkeyPatch.context()).setenv('ROS_DOMAIN_ID', str(domain))
        yield Managed(nodes, tmp_path_factory.mktemp('managed'))


def test_they_wait_until_the_manager_brings_them_up_in_order(managed):
    for name in NAMES:
        managed.probe.wait_for_report(f'{name}: state', 'unconfigured')
    assert not managed.states
    before = managed.is_active()
    assert not before.success and 'simulator' in before.message
    assert managed.ask(Command.STARTUP) == (True, 'active: simulator, concept_learner, controller')
    assert managed.order('active') == list(NAMES)
    wait_until(lambda: managed.states, 'joint states')
    wait_until(lambda: managed.is_active().success, 'the manager to have heard them')
    assert managed.ask(Command.STARTUP)[0], 'what is active stays so'
    assert managed.ask(9) == (False, 'command: 9 is unknown; known are 0 to 4')


def test_every_name_on_diagnostics_has_its_group_and_what_is_expected_comes(managed):
    content = yaml.safe_load((CONFIG / 'diagnostic_aggregator.yaml').read_text())
    groups = {
        name: group
        for name, group in content['analyzers']['ros__parameters'].items()
        if isinstance(group, dict)
    }
    expected = {name for group in groups.values() for name in group.get('expected', [])}
    assert len(expected) == 4

    def names():
        return {status.name for array in list(managed.probe.diagnostics) for status in array.status}

    wait_until(lambda: expected <= names(), f'{expected} on /diagnostics')
    for name in names():
        found = [
            key
            for key, group in groups.items()
            if name.startswith(
                tuple(group.get('find_and_remove_prefix', group.get('startswith', ())))
            )
        ]
        assert len(found) == 1, (name, found)
    ours = {
        'demonstrator',
        'referee',
        'bag_recorder',
        'live_view',
        'arranger',
        'arrangement_referee',
    }  # whose names are their executables'
    prefixes = [
        p
        for group in groups.values()
        for p in group.get('find_and_remove_prefix', group.get('startswith', ()))
    ]
    assert {p.removesuffix(': ') for p in prefixes} == ours | set(NAMES) | {'lifecycle_manager'}


def test_paused_simulated_time_stands_still_and_resumed_it_goes_on(managed):
    managed.entered.clear()
    assert managed.ask(Command.PAUSE)[0]
    assert managed.order('inactive') == list(NAMES[::-1])
    last = managed.states[-1]
    managed.states.clear()
    assert not managed.is_active().success
    assert managed.ask(Command.RESUME)[0]
    wait_until(lambda: managed.states, 'a joint state')
    passed_ns = cv.stamp_to_ns(managed.states[0].header.stamp) - cv.stamp_to_ns(last.header.stamp)
    # Discovery: the simulator's publishers stayed, so no state is lost to who listened before.
    assert 0 <= passed_ns <= 5 * PERIOD_NS
    assert managed.states[0].position == pytest.approx(last.position, abs=1e-3)


def test_one_that_was_killed_is_reported_and_brought_back(managed):
    managed.processes['simulator'].send(signal.SIGKILL)
    managed.processes['simulator'].end()
    managed.probe.diagnostics.clear()
    silent = f'no answer for {HEARTBEAT_TIMEOUT_S:g} s'
    managed.probe.wait_for_report('lifecycle_manager: simulator', silent)
    assert f'simulator {silent}' in managed.is_active().message
    managed.states.clear()
    managed.processes['simulator'] = managed.start('simulator')
    managed.probe.wait_for_report('lifecycle_manager: nodes', 'simulator came back, and is active')
    wait_until(lambda: managed.states, 'joint states')


def test_a_node_that_cannot_be_configured_is_named_and_can_be_mended(managed):
    card = managed.weights / 'model.json'
    content = card.read_bytes()
    assert managed.ask(Command.RESET)[0]
    card.write_text('{')
    success, message = managed.ask(Command.STARTUP)
    assert not success
    assert message in [
        f'{name}: configure failed; why, it says on its log and /diagnostics' for name in NAMES[1:]
    ]
    managed.probe.wait_for_report('lifecycle_manager: nodes', 'configure failed')
    managed.probe.wait_for_report('concept_learner: state', 'unconfigured: ', 'model.json')
    card.write_bytes(content)
    assert managed.ask(Command.STARTUP)[0]


def test_who_deactivates_a_node_by_hand_is_not_overruled(managed):
    report = 'lifecycle_manager: concept_learner'
    # What was before, it may hear of only now.
    wait_until(lambda: managed.probe.reports(report)[-1:] == ['active'], 'it heard to be active')
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
    assert managed.probe.call(ChangeState, 'concept_learner/change_state', request).success
    wait_until(lambda: managed.probe.reports(report)[-1:] == ['inactive'], 'it inactive')
    managed.probe.diagnostics.clear()
    wait_until(lambda: len(managed.probe.reports(report)) >= 3, 'reports')
    assert set(managed.probe.reports(report)) == {'inactive'}
    assert managed.ask(Command.RESUME)[0]


def test_shut_down_it_ends_in_reverse_order_for_good(managed):
    managed.entered.clear()
    assert managed.ask(Command.SHUTDOWN)[0]
    for label in ('inactive', 'unconfigured', 'finalized'):
        assert managed.order(label) == list(NAMES[::-1])
    success, message = managed.ask(Command.STARTUP)
    assert not success and 'is finalized, and must be started anew' in message
    for process in managed.processes.values():
        process.send(signal.SIGTERM)
        assert process.end()[0] == 0


def test_names_that_are_empty_or_there_twice_are_refused(tmp_path):
    with running('lifecycle_manager', tmp_path, node_names="['a', 'a']") as manager:
        assert manager.end()[0] == 2
        assert "parameter node_names: 'a' is empty or there twice" in manager.log
