"""A thread of the controller that fails has the last word: no torque, and a fault that stays."""

import threading

import pytest
from harness import wait_until

from ebm_concept_ros.control.decision import Decision, Mode
from ebm_concept_ros.nodes.control_threads import ControlThreads
from ebm_concept_ros.nodes.controller_setup import ControllerParameters


class Targeting:
    """Has nothing to do, until it is told to fail."""

    def __init__(self):
        self.fails = threading.Event()

    def wait(self, timeout_s):
        self.fails.wait(timeout_s)

    def update(self):
        if self.fails.is_set():
            raise RuntimeError('the targeting is spoiled')


class Enactor:
    """Tracks, always."""

    state = plan = None

    def replan(self):
        return False

    def decide(self, now_s):
        return Decision(Mode.TRACKING, 'enacting')


@pytest.mark.parametrize('attempt', range(5))
def test_after_a_failure_nothing_is_decided_any_more(attempt):
    story, targeting = [], Targeting()
    threads = ControlThreads(
        ControllerParameters(),
        Enactor(),
        targeting,
        lambda decision: story.append(decision.reason),
        lambda name, error: story.append(f'{name}: {error}'),
    )
    threads.start()
    wait_until(lambda: len(story) > 5 + attempt, 'decisions')
    targeting.fails.set()
    wait_until(lambda: 'targeting: the targeting is spoiled' in story, 'the failure')
    assert threads.stop()
    assert story[-1] == 'targeting: the targeting is spoiled'
    assert story.count(story[-1]) == 1
