# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The exchange of torques for states: which of them is waited for, and what is answered twice."""

import threading

import numpy as np
import pytest
from waiting import wait_until

from ebm_concept_ros.grasping.sensed import SeenBlocks
from ebm_concept_ros.grasping.tasks import Code, Ended, Interrupted
from ebm_concept_ros.nodes.arm_link import ArmLink
from ebm_concept_ros.types import JointSample

TORQUE = np.ones(2)


def state(tick):
    return JointSample(tick * 2_000_000, np.zeros(2), np.zeros(2))


def seen(tick):
    return SeenBlocks(tick * 2_000_000, None, {}, None)


class Asked:
    """An exchange in a thread of its own."""

    def __init__(self, link, *arguments):
        self.now = self.error = None
        self._thread = threading.Thread(target=self._ask, args=(link, *arguments), daemon=True)
        self._thread.start()

    def _ask(self, link, *arguments):
        try:
            self.now = link(*arguments)
        except Ended as error:
            self.error = error

    def end(self):
        wait_until(lambda: not self._thread.is_alive(), 'an answer')
        return self.now


def test_in_lockstep_a_scene_that_is_due_is_waited_for_and_an_answer_is_given_again():
    sent = []
    link = ArmLink(True, 500.0, 50.0, lambda: None, lambda *each: sent.append(each))
    assert link.missing() == 'joint states, scene'
    asked = Asked(link, None, None)
    link.take_state(state(0))
    link.take_seen(seen(0))
    assert asked.end().sample.stamp_ns == 0 and not sent
    for tick in range(1, 10):
        asked = Asked(link, state(tick - 1), TORQUE)
        wait_until(lambda tick=tick: len(sent) == tick, 'a torque')
        link.take_state(state(tick))
        assert asked.end().seen.stamp_ns == 0
    link.take_state(state(8))  # its answer was lost
    assert len(sent) == 10 and sent[-1][0].stamp_ns == state(8).stamp_ns
    asked = Asked(link, state(9), TORQUE)
    link.take_state(state(10))
    link.take_seen(seen(0))
    asked._thread.join(0.05)
    assert asked.now is None, 'the scene of tick 10 is due'
    link.take_seen(seen(10))
    assert asked.end().seen.stamp_ns == state(10).stamp_ns
    # Time begins anew, and a scene of before is none of then.
    asked = Asked(link, state(10), TORQUE)
    link.take_state(state(0))
    asked._thread.join(0.05)
    assert asked.now is None
    link.take_seen(seen(0))
    assert asked.end().sample.stamp_ns == 0


@pytest.mark.parametrize('lockstep', [True, False])
def test_whoever_waits_leaves_at_the_end_and_nothing_is_sent_any_more(lockstep):
    sent = []
    link = ArmLink(lockstep, 500.0, 50.0, lambda: None, lambda *each: sent.append(each))
    asked = Asked(link, None, None)
    link.end()
    asked.end()
    assert isinstance(asked.error, Ended)
    with pytest.raises(Ended):
        link(state(0), TORQUE)
    assert not sent


@pytest.mark.parametrize('lockstep', [True, False])
def test_whoever_waits_may_be_interrupted_and_the_next_waits_for_what_is_newer(lockstep):
    def interrupt(_):
        raise Interrupted(Code.CANCELLED, 'cancelled')

    sent = []
    link = ArmLink(lockstep, 500.0, 50.0, lambda: None, lambda *each: sent.append(each))
    link.take_state(state(0))
    link.take_seen(seen(0))
    link.while_waiting = interrupt
    with pytest.raises(Interrupted):
        link(state(0), TORQUE)
    link.while_waiting = lambda _: link.take_state(state(1))
    assert link(state(0), None).sample.stamp_ns == state(1).stamp_ns
    assert len(sent) == 1


def test_in_real_time_the_newest_counts_once_and_no_scene_of_a_time_before_a_reset():
    late = [state(100 + tick) for tick in range(5)]
    heard = iter([[], late[1:2], late[1:4], [], late[4:], [state(0)], []])
    scenes = {0: seen(100), 6: seen(0)}
    looks = 0

    def listen():
        nonlocal looks
        if looks in scenes:
            link.take_seen(scenes[looks])
        looks += 1
        for each in next(heard):
            link.take_state(each)

    link = ArmLink(False, 500.0, 50.0, listen, lambda *each: None)
    assert link(None, None).sample is late[1]
    assert link(late[1], TORQUE).sample is late[3]
    assert link(late[3], TORQUE).sample is late[4]
    now = link(late[4], TORQUE)
    assert now.sample.stamp_ns == now.seen.stamp_ns == 0 and looks == 7


def test_what_is_waited_for_is_said_after_a_while_and_no_more_once_it_has_come():
    said = []
    link = ArmLink(True, 500.0, 50.0, lambda: None, lambda *each: None)
    link.while_waiting = said.append
    link.take_state(state(0))
    link.take_seen(seen(0))
    asked = Asked(link, state(0), TORQUE)
    wait_until(lambda: said[-1:] == ['joint states'], 'what is missing')
    assert said[0] == '', 'at first it may just be late'
    link.take_state(state(1))
    assert asked.end().sample.stamp_ns == state(1).stamp_ns and said[-1] == ''


def test_in_lockstep_with_scenes_too_seldom_it_says_which_parameters_differ():
    said = []
    link = ArmLink(True, 500.0, 50.0, lambda: None, lambda *each: None)
    link.while_waiting = said.append
    link.take_state(state(9))
    link.take_seen(seen(0))
    asked = Asked(link, state(9), TORQUE)
    link.take_state(state(10))
    wait_until(lambda: said[-1:] and said[-1], 'what is missing')
    assert said[-1].startswith(
        'the scene of 0.020 s, the last one was of 0.000 s: scene_rate is 50'
    )
    link.end()
    asked.end()
