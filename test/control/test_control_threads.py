# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A thread of the controller that fails has the last word: no torque, and a fault that stays."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from waiting import wait_until

from ebm_concept_ros.control.control_law import Decision, Mode
from ebm_concept_ros.control.control_threads import ControlThreads

SCHEDULE = {
    'control_rate': 500.0,
    'plan_rate': 125.0,
    'control_priority': 50,
    'record_limit_s': 10.0,
    'lockstep': False,
    'lockstep_plan_ticks': 5,
}


class Targeting:
    """Has nothing to do, until it is told to fail."""

    def __init__(self):
        self.fails = threading.Event()

    def wait(self, timeout_s):
        self.fails.wait(timeout_s)

    def update(self):
        if self.fails.is_set():
            raise RuntimeError('the targeting is spoiled')


class TrackingController:
    """Tracks, always."""

    state = plan = None

    def replan(self):
        return False

    def decide(self, now_s):
        return Decision(Mode.TRACKING, 'enacting')


def start(story, targeting=None, **changes):
    """Return threads at work that tell what they do."""
    threads = ControlThreads(
        SimpleNamespace(**SCHEDULE | changes),
        TrackingController(),
        targeting or Targeting(),
        lambda: None,
        lambda decision: story.append(decision.reason),
        lambda name, error: story.append(f'{name}: {error}'),
        lambda how: story.append((how, os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)),
    )
    threads.start()
    return threads


@pytest.mark.parametrize('attempt', range(5))
def test_after_a_failure_nothing_is_decided_any_more(attempt):
    story, targeting = [], Targeting()
    threads = start(story, targeting)
    wait_until(lambda: len(story) > 5 + attempt, 'decisions')
    targeting.fails.set()
    wait_until(lambda: 'targeting: the targeting is spoiled' in story, 'the failure')
    assert threads.stop()
    assert story[-1] == 'targeting: the targeting is spoiled'
    assert story.count(story[-1]) == 1


def test_the_control_thread_goes_before_those_it_waits_for_and_these_before_all_others():
    story = []
    threads = start(story)
    wait_until(lambda: 'enacting' in story, 'decisions')
    policies = {
        thread.name: (policy_of(thread), os.sched_getparam(thread.native_id).sched_priority)
        for thread in threading.enumerate()
    }
    asked = [sys.executable, '-Sc', 'import os; print(os.sched_getscheduler(0))']
    child = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert threads.stop()
    how = story[0][0]
    if how != 'SCHED_FIFO 50':
        assert how.startswith('as any thread, not with SCHED_FIFO 50: ')
        assert {each[0] for each in policies.values()} == {os.SCHED_OTHER}
        return
    assert policies.pop('control') == (os.SCHED_FIFO, 50)
    assert len(policies) > 2 and set(policies.values()) == {(os.SCHED_FIFO, 49)}
    assert int(child.stdout) == os.SCHED_OTHER, 'what is started meanwhile runs as any'
    assert {policy_of(thread) for thread in threading.enumerate()} == {os.SCHED_OTHER}


def test_without_the_right_to_a_priority_it_controls_all_the_same(monkeypatch):
    def refuse(*_):
        raise PermissionError(1, 'Operation not permitted')

    monkeypatch.setattr(os, 'sched_setscheduler', refuse)
    story = []
    threads = start(story, control_priority=7)
    wait_until(lambda: 'enacting' in story, 'decisions')
    assert threads.stop()
    how, policy = story[0]
    assert 'SCHED_FIFO 7' in how and 'Operation not permitted' in how
    assert policy == os.SCHED_OTHER


def test_no_priority_is_asked_for_where_none_is_wanted():
    story = []
    threads = start(story, control_priority=0)
    wait_until(lambda: len(story) > 3, 'decisions')
    assert threads.stop()
    assert set(story) == {'enacting'}


def policy_of(thread):
    return os.sched_getscheduler(thread.native_id) & ~os.SCHED_RESET_ON_FORK
