# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Goals without ROS: when they are reached, how else they end, and what the arm does then."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from ebm_concept_ros.control.contact_reflex import Contact
from ebm_concept_ros.control.control_law import Decision, Mode
from ebm_concept_ros.control.enactment import Code, Enactment, Observation
from ebm_concept_ros.control.enactor import PAUSED, STOPPED, Enactor
from ebm_concept_ros.control.measured import Measured
from ebm_concept_ros.types import ConceptCodes, Goal


def concept(name='x'):
    return ConceptCodes(name, np.zeros(8), np.zeros(8), 'hash')


X = concept()


def known(distance_m, of=X):
    return Measured(SimpleNamespace(concept=of), distance_m=distance_m)


def seen(time_s, distance_m=0.0, mode=Mode.TRACKING, of=X, **others):
    return Observation(time_s, mode, 'a reason', known(distance_m, of), **others)


def result_of(*observations, goal=None):
    enactment = Enactment(X, goal or Goal())
    for observation in observations:
        enactment.observe(observation)
    return enactment.result


def test_it_is_reached_once_the_effector_has_stayed():
    assert result_of(seen(1.0), seen(1.4)) is None
    reached = result_of(seen(1.0, 0.1), seen(1.2, 0.01), seen(1.7, 0.01))
    assert reached.code is Code.REACHED and reached.message == 'x: reached'
    assert reached.distance_m == 0.01 and reached.duration_s == pytest.approx(0.7)
    assert result_of(seen(1.0), seen(1.3, 0.03), seen(1.6)) is None, 'it was not there all the time'
    assert result_of(seen(1.0), seen(0.2), seen(0.6)) is None, 'time began anew'
    assert result_of(seen(1.0), seen(1.2, mode=Mode.HOLDING), seen(1.6)) is None
    assert result_of(seen(1.0, of=concept()), seen(2.0, of=concept())) is None, 'of another target'
    assert result_of(seen(1.0), seen(1.1), goal=Goal(hold_time_s=0.1)).code is Code.REACHED
    assert result_of(seen(1.0, math.nan), seen(2.0, math.nan)) is None


def test_time_out_counts_the_time_but_for_pauses_and_before_the_first_state():
    goal = Goal(timeout_s=1.0)
    assert result_of(seen(math.nan, 1.0), seen(5.0, 1.0), seen(5.9, 1.0), goal=goal) is None
    assert result_of(seen(0.0, 1.0), seen(9.0, 1.0, is_paused=True), goal=goal) is None
    late = result_of(seen(0.0, 1.0), seen(0.9, 0.5), seen(1.1, 0.4), goal=goal)
    assert late.code is Code.TIMED_OUT and late.message == 'not within 1 s: a reason'
    assert late.distance_m == 0.4
    assert result_of(seen(0.0, 1.0), seen(1e5, 1.0)) is None, 'no time-out was asked for'


def test_it_ends_where_no_target_can_be_made_of_it():
    refused = result_of(seen(0.0, refusal='x in this scene: so it is'))
    assert refused.code is Code.REFUSED and refused.message == 'x in this scene: so it is'


class Controller:
    """What an enactor asks of a tracking controller."""

    held = ''
    contact = None
    awaited = None

    def hold(self, reason):
        self.held, self.contact, self.awaited = reason, None, None

    def go_on(self):
        self.held, self.contact = '', None

    def await_target_of(self, concept):
        self.awaited, self.contact = concept, None

    def strike(self, reason):
        self.held, self.contact = reason, Contact(0.0, reason)


class Targeting:
    """What it asks of targeting."""

    concept = None
    rejected = ''

    def set_concept(self, concept):
        self.concept = concept

    def why_rejected(self, concept):
        return self.rejected


class Setting:
    def __init__(self):
        self.controller, self.targeting = Controller(), Targeting()
        self.now_s = 0.0
        self.enactor = Enactor(self.controller, self.targeting, lambda: self.now_s)
        self.results = []

    def begin(self, concept=X, **goal):
        self.enactor.begin(concept, Goal(**goal), self.results.append)

    def observe(self, now_s, distance_m, of=X):
        self.now_s = now_s
        self.enactor.observe(Decision(Mode.TRACKING, 'enacting'), known(distance_m, of))

    def codes(self):
        return [result.code for result in self.results]


@pytest.fixture
def setting():
    return Setting()


def test_after_it_was_reached_the_arm_stays_there(setting):
    setting.begin()
    setting.observe(0.0, 0.0)
    setting.observe(0.6, 0.0)
    setting.observe(0.7, 0.0)
    assert setting.codes() == [Code.REACHED] and setting.controller.held == ''
    assert setting.enactor.active is None


def test_another_concept_on_the_topic_takes_a_goals_place_and_its_own_does_not(setting):
    setting.begin()
    setting.enactor.follow(concept())
    setting.observe(0.0, 0.0)
    setting.observe(0.6, 0.0)
    assert setting.codes() == [Code.REACHED] and setting.targeting.concept is X
    setting.begin()
    setting.enactor.follow(ConceptCodes('x', np.ones(8), np.zeros(8), 'hash'))
    assert setting.codes()[1:] == [Code.PREEMPTED], 'it was taught anew'
    setting.begin()
    setting.enactor.follow(concept('y'))
    assert setting.codes()[2:] == [Code.PREEMPTED] and setting.targeting.concept.name == 'y'


def test_after_cancel_time_out_or_refusal_it_holds_until_something_else_comes(setting):
    def rejected():
        setting.targeting.rejected = 'no'
        setting.observe(9.0, 1.0)
        setting.targeting.rejected = ''

    for end, code, words in (
        (setting.enactor.cancel, Code.CANCELLED, 'cancelled: holds'),
        (lambda: (setting.observe(10.0, 1.0), setting.observe(12.0, 1.0)), Code.TIMED_OUT, 'timed'),
        (rejected, Code.REFUSED, 'refused: holds'),
        (setting.enactor.stop, Code.STOPPED, STOPPED),
    ):
        setting.begin(timeout_s=1.0)
        end()
        assert setting.codes()[-1] is code and setting.controller.held.startswith(words)
        assert setting.enactor.resume() == (False, setting.controller.held)
        assert setting.enactor.pause() == setting.controller.held, 'a pause would be resumed'
        other = concept('y')
        setting.enactor.follow(other)
        assert setting.targeting.concept is other and setting.controller.awaited is other


def test_the_newest_takes_the_place_of_the_one_before(setting):
    setting.begin()
    setting.begin(concept('y'))
    assert setting.codes() == [Code.PREEMPTED] and setting.controller.held == ''
    assert setting.results[0].message == 'another goal, y, took its place'
    setting.enactor.follow(concept('z'))
    assert setting.codes() == [Code.PREEMPTED] * 2 and 'topic' in setting.results[1].message
    setting.enactor.cancel()
    assert len(setting.results) == 2 and setting.controller.held == '', 'there was no goal'


def test_a_pause_is_kept_by_a_goal_and_ended_by_resume(setting):
    assert setting.enactor.resume() == (False, 'it is not paused')
    assert setting.enactor.pause() == PAUSED
    setting.begin(timeout_s=1.0)
    assert setting.controller.held == PAUSED and setting.controller.awaited is None
    setting.observe(0.0, 1.0)
    setting.observe(9.0, 1.0)
    assert setting.results == []
    assert setting.enactor.resume()[0] and setting.controller.held == ''


def test_a_blow_ends_the_goal_and_holds_until_it_is_resumed_or_something_else_comes(setting):
    setting.begin()
    setting.controller.strike('struck something: joint_1')
    setting.observe(1.0, 0.5)
    assert setting.codes() == [Code.STRUCK] and setting.enactor.active is None
    assert setting.results[0].message == setting.controller.held == 'struck something: joint_1'
    assert setting.enactor.pause() == setting.controller.held
    assert setting.enactor.resume() == (True, 'goes on from the measured state')
    assert setting.controller.held == ''
    setting.controller.strike('struck something: joint_2')
    setting.begin(concept('y'))
    assert setting.controller.awaited is setting.enactor.active.concept
    setting.observe(2.0, 0.5)
    assert setting.codes() == [Code.STRUCK], 'it was not the new goal that struck something'
    setting.controller.strike('struck something: joint_3')
    setting.enactor.stop()
    assert setting.enactor.resume()[0] is False, 'a stop outlasts it'


def test_when_the_controller_ends_so_does_the_goal(setting):
    setting.begin()
    setting.enactor.give_up('deactivated')
    assert setting.codes() == [Code.STOPPED] and setting.controller.held == ''
