# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `arranger` over DDS, in real time: paused, killed, reset and robbed while it carries.

What does not depend on time and messages is tried in test/grasping/test_arranging_arm.py.
"""

import signal
from contextlib import ExitStack

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from harness import ARM, PATIENCE_S, Probe, running, time_standing_still, wait_until
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.action import ArrangeConcept
from ebm_concept_ros.grasping.hand import load_hand, with_live_fingers
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.ros_compat import send_goal
from ebm_concept_ros.oracle.arrangements import ARRANGEMENTS, demonstrations
from ebm_concept_ros.package_files import hand_file
from ebm_core.library.library import ConceptLibrary

Result, Status = ArrangeConcept.Result, ros.ControllerStatus
TABLE = """blocks:
- {id: red_0, width_m: 0.04, height_m: 0.04, position_in_base_m: [0.42, -0.05], mass_kg: 0.15}
- {id: blue_0, width_m: 0.04, height_m: 0.04, position_in_base_m: [0.42, 0.22], colour: blue}
- {id: blue_1, width_m: 0.04, height_m: 0.04, position_in_base_m: [0.55, 0.02], colour: blue}
"""
LIFTED_M = 0.05
LIVE = with_live_fingers(ARM, load_hand(hand_file('jaco')))
# A tick may find two torques that are each within the rates, or more where somebody had to wait.
PUBLISHED_WITHIN_S = 0.015


class System:
    """A simulator, a learner with a library, and an arranger that may be started anew."""

    def __init__(self, nodes, folder):
        self._nodes, self._folder = nodes, folder
        shown = demonstrations(ARRANGEMENTS['between'], np.random.default_rng(0), 5, 'blue')
        library = ConceptLibrary(folder / 'library')
        library.save('middle', shown)
        shown = demonstrations(ARRANGEMENTS['north'], np.random.default_rng(0), 5, 'yellow')
        library.save('north_of_yellow', shown)
        (folder / 'table.yaml').write_text(TABLE)
        self.probe = Probe()
        nodes.callback(self.probe.close)
        self.scenes = self.probe.listen(ros.Scene, 'scene', qos.LATCHED)
        self.statuses = self.probe.listen(Status, 'controller/status', qos.STATUS)
        self.states = self.probe.listen(JointState, 'joint_states', 5000)
        self.client = self.probe.action_client(ArrangeConcept, 'arranger/arrange')
        given = {'hand': 'jaco', 'scene_rate': 50.0, 'scene_file': folder / 'table.yaml'}
        self.simulator = nodes.enter_context(running('simulator', folder, **given))
        library = folder / 'library'
        nodes.enter_context(running('concept_learner', folder, library_dir=library))
        self.start()

    def start(self):
        self.arranger = self._nodes.enter_context(running('arranger', self._folder))
        self.arranger.wait_for_log('state: active')
        assert self.client.wait_for_server(PATIENCE_S)

    def ask(self, *concepts):
        """Return the future of the result."""
        self.probe.meet('arranger')
        sent = send_goal(self.probe.node, self.client, ArrangeConcept.Goal(concepts=concepts))
        wait_until(sent.done, 'an answer to a goal')
        self.goal = sent.result()
        return self.goal.get_result_async()

    def call(self, name):
        return self.probe.call(Trigger, f'arranger/{name}', Trigger.Request())

    def simulator_does(self, kind, service, **fields):
        answer = self.probe.call(kind, f'simulator/{service}', kind.Request(**fields))
        assert answer.result.result == ros.Result.RESULT_OK, answer.result.error_message

    def wait_for_status(self, state, text):
        self.statuses.clear()
        wait_until(
            lambda: any(s.state == state and text in s.reason for s in list(self.statuses)),
            f'status {state} {text!r}, last {self.statuses[-1:]}',
        )

    def heights_m(self, duration_s):
        """Return how high the red block is, over so long a simulated time from now on."""
        begin_s = cv.stamp_to_ns(self.scenes[-1].header.stamp) / 1e9
        wait_until(
            lambda: cv.stamp_to_ns(self.scenes[-1].header.stamp) / 1e9 > begin_s + duration_s,
            'simulated time to pass',
        )
        return [
            next(e for e in scene.entities if e.id == 'red_0').pose.position.z
            for scene in list(self.scenes)
            if cv.stamp_to_ns(scene.header.stamp) / 1e9 > begin_s
        ]


@pytest.fixture(scope='module')
def system(tmp_path_factory):
    with ExitStack() as nodes:
        yield System(nodes, tmp_path_factory.mktemp('arranging'))


def test_what_cannot_be_arranged_is_refused_and_nothing_is_commanded(system):
    for concepts, code, says in (
        ([], Result.INVALID_GOAL, 'concepts: 0'),
        ([''], Result.INVALID_GOAL, 'concepts[0]: empty'),
        (['nowhere'], Result.UNKNOWN_CONCEPT, "'nowhere' is not in"),
        (['middle', 'nowhere'], Result.UNKNOWN_CONCEPT, "'nowhere' is not in"),
    ):
        asked = system.ask(*concepts)
        wait_until(asked.done, 'an end')
        assert asked.result().status == GoalStatus.STATUS_ABORTED
        assert asked.result().result.code == code and says in asked.result().result.message
    assert system.call('resume').success is False
    assert system.statuses[-1].state == Status.WAITING
    assert 'commands are fresh' not in system.simulator.log


def test_with_a_block_in_its_hand_it_is_paused_killed_reset_and_robbed(system):
    asked = system.ask('middle', 'north_of_yellow')
    wait_until(asked.done, 'an end')
    assert asked.result().result.code == Result.REFUSED
    assert "'north_of_yellow' refers to 1 that stay, 0 are" in asked.result().result.message
    asked = system.ask('middle')
    system.wait_for_status(Status.TRACKING, 'carry red_0, move 1 of 1')
    status = system.statuses[-1]
    taking_part = dict(zip(status.entity_ids, status.attention, strict=True))
    assert taking_part == dict.fromkeys(('red_0', 'blue_0', 'blue_1'), 1.0)
    assert system.call('pause').success
    system.wait_for_status(Status.HOLDING, 'paused')
    assert min(system.heights_m(0.5)) > LIFTED_M
    assert system.call('resume').success
    system.wait_for_status(Status.TRACKING, 'red_0')
    system.arranger.send(signal.SIGKILL)
    system.arranger.end()
    system.simulator.wait_for_log('holding: no command for 50 ms')
    held_m = system.heights_m(1.0)
    assert min(held_m) > LIFTED_M and np.ptp(held_m) < 0.01, 'it was dropped'
    assert not asked.done()
    system.start()
    asked = system.ask('middle')
    system.wait_for_status(Status.TRACKING, 'red_0, to put it down')
    with time_standing_still(system.probe):
        system.wait_for_status(Status.WAITING, 'waits for joint states')
        system.goal.cancel_goal_async()
        wait_until(asked.done, 'an end, though no joint state comes')
        assert asked.result().result.code == Result.CANCELLED
    asked = system.ask('middle')
    system.wait_for_status(Status.TRACKING, 'place red_0, to put it down')
    system.wait_for_status(Status.TRACKING, 'lift red_0, move 1 of 1')
    system.simulator_does(srv.ResetSimulation, 'reset_simulation')
    system.wait_for_status(Status.TRACKING, 'lift red_0, move 2 of 2')
    system.simulator_does(srv.DeleteEntity, 'delete_entity', entity='red_0')
    wait_until(asked.done, 'an end')
    result = asked.result().result
    assert result.code == Result.FAILED and 'missing: red_0 to be moved' in result.message
    assert list(result.troubles) == ['time began anew', 'red_0 is on the table no more']
    states = list(system.states)
    passed_s = np.diff([cv.stamp_to_ns(state.header.stamp) / 1e9 for state in states])[:, None]
    steps = np.abs(np.diff([state.effort for state in states], axis=0))
    assert len(steps) > 1000 and (passed_s < 0.0).sum() == 1
    goes_on = passed_s[:, 0] > 0.0
    steps, passed_s = steps[goes_on], passed_s[goes_on]
    assert (steps <= LIVE.effort_rate_limits_nm_s * (passed_s + PUBLISHED_WITHIN_S)).all()
