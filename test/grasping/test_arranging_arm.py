# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm that arranges what it sees, whatever happens while it has a block in its hand."""

import math

import numpy as np
import pytest
from grasping_setup import ARM, HAND, WORKSPACE, block

from ebm_concept_ros.arranging.arranger import Arranger
from ebm_concept_ros.control.control_law import Mode
from ebm_concept_ros.control.momentum_observer import impulse_at
from ebm_concept_ros.grasping.arranging_arm import PAUSED, ArrangingArm
from ebm_concept_ros.grasping.blocks import BlockTable
from ebm_concept_ros.grasping.contact import ContactWatch
from ebm_concept_ros.grasping.editable_blocks import EditableBlocks
from ebm_concept_ros.grasping.sensed import SeenBlocks, Sensed, SensedWorld
from ebm_concept_ros.grasping.tasks import Code, Task, Term
from ebm_concept_ros.oracle.arrangements import ARRANGEMENTS, demonstrations
from ebm_concept_ros.planning.planner import PlanningFailed
from ebm_concept_ros.types import JointSample
from ebm_core import COLOURS, SHAPES, Scene, load_model

LOOK_NS = 20_000_000  # from one look at the blocks to the next
BETWEEN = ARRANGEMENTS['between']
TABLE = BlockTable(
    blocks=(
        block('red_0', 0.35, -0.15),
        block('blue_0', 0.42, 0.2, colour='blue', shape='cylinder'),
        block('blue_1', 0.5, -0.02, colour='blue'),
        block('green_0', 0.3, 0.1, colour='green', shape='prism'),
    )
)
PUSHED, PUSH_N, PUSHED_FOR_S = 'hand_hand', 40.0, 0.1
NOTICED_WITHIN_S = 0.1
GOAL_M = np.array([0.46, 0.09])
STANDING_M = WORKSPACE.table_height_in_base_m + TABLE['red_0'].height_m / 2


@pytest.fixture(scope='module')
def model():
    return load_model('models/open')


@pytest.fixture(scope='module')
def shown():
    return tuple(demonstrations(BETWEEN, np.random.default_rng(0), 5, 'blue'))


class Loop:
    """A simulation, an arm that sees it now and then, and what is done to them on the way.

    does: by a stage, what is done once, at its first beginning. each_step: called after each.
    """

    def __init__(
        self,
        model,
        each_step=lambda loop: None,
        in_lockstep=True,
        missing=lambda: '',
        reports_efforts=True,
        **does,
    ):
        self.blocks = EditableBlocks(ARM, HAND, WORKSPACE, TABLE, 0.002)
        self.each_step, self.does, self.reports_efforts = each_step, does, reports_efforts
        self.torques, self.said, self.results = [], [], []
        self.seen = self.sample = self.impulse = None
        world = SensedWorld(ARM, HAND, WORKSPACE, 0.002, self.exchange)
        contact = ContactWatch(ARM, HAND)
        self.arm = ArrangingArm(
            *(world, Arranger(model, WORKSPACE), in_lockstep, self.hear, missing, contact)
        )

    @property
    def time_s(self):
        return self.blocks.sim.time_s

    def exchange(self, answered, effort_nm):
        if effort_nm is not None:
            self.torques.append((self.time_s, effort_nm))
            self.blocks.sim.apply(effort_nm)
            self.blocks.sim.step()
            self.each_step(self)
        sim, stamp_ns = self.blocks.sim, round(self.time_s * 1e9)
        if self.seen is None or not 0 <= stamp_ns - self.seen.stamp_ns < LOOK_NS:
            self.seen = seen_in(sim, stamp_ns)
        q, v, effort = (each.copy() for each in sim.joint_state)
        sample = JointSample(stamp_ns, q, v, effort if self.reports_efforts else None)
        self.impulse = impulse_at(sample, self.sample, self.impulse)
        self.sample = sample
        return Sensed(sample, self.seen, self.impulse)

    def hear(self, progress):
        self.said.append(progress)
        if does := self.does.pop(progress.stage, None):
            does(self)

    def ask(self, shown, timeout_s=math.inf, then=lambda loop: loop.arm.end()):
        """shown: demonstrations of 'between', or terms of a sum."""
        terms = shown if isinstance(shown[0], Term) else (Term('between', shown),)
        name = ' + '.join(term.concept for term in terms)

        def ended(result):
            self.results.append(result)
            then(self)

        self.arm.begin(Task(name, terms, timeout_s, ended))

    def run(self):
        self.arm.run()
        return self.results[-1]

    def away_m(self):
        return np.linalg.norm(self.blocks.sim.block_pose('red_0').position_m[:2] - GOAL_M)

    def lifted_m(self):
        return self.blocks.sim.block_pose('red_0').position_m[2] - STANDING_M

    def check_torques(self, least=1000):
        """Check limits and rates of all, but where time began anew."""
        live = self.blocks.sim.live
        torques = np.array([torque for _, torque in self.torques])
        assert (np.abs(torques) <= live.effort_limits_nm + 1e-9).all()
        passed_s = np.diff([time_s for time_s, _ in self.torques])
        steps = np.abs(np.diff(torques, axis=0))[passed_s > 0]
        assert len(steps) > least
        most = live.effort_rate_limits_nm_s * passed_s[passed_s > 0][:, None]
        assert (steps <= most + 1e-9).all()


def seen_in(sim, stamp_ns):
    table, poses = sim.table, sim.block_poses()
    scene = Scene(
        WORKSPACE.to_plane(np.array([poses[id_].position_m[:2] for id_ in table.ids])),
        [COLOURS[each.colour] for each in table.blocks],
        [SHAPES.index(each.seen_as) for each in table.blocks],
        [False] * len(table.ids),
    )
    return SeenBlocks(stamp_ns, table, poses, scene)


def cancel(loop):
    loop.arm.interrupt(Code.CANCELLED, 'cancelled')


@pytest.mark.parametrize('reports_efforts', [True, False])
def test_the_first_torque_goes_on_from_what_carries_the_arm(model, shown, reports_efforts):
    loop = Loop(model, reports_efforts=reports_efforts)
    n, held_nm = len(ARM.joints), loop.blocks.sim.applied_effort_nm
    loop.each_step = lambda loop: loop.arm.end()
    loop.ask(shown)
    loop.run()
    step_nm = np.abs(loop.torques[0][1] - held_nm)[:n]
    # The plan knows the fingers as they are at home.
    assert (step_nm <= ARM.effort_rate_limits_nm_s * 0.002 + 0.01).all()
    assert np.abs(held_nm[:n]).max() > 2 * ARM.effort_rate_limits_nm_s.max() * 0.002


def test_paused_while_it_carries_it_holds_and_then_goes_on(model, shown):
    paused_s, held_m = math.inf, []

    def pause(loop):
        nonlocal paused_s
        paused_s = loop.time_s
        assert loop.arm.pause() == PAUSED

    def each_step(loop):
        if paused_s + 0.5 < loop.time_s < paused_s + 2.0:
            held_m.append(loop.blocks.sim.block_pose('red_0').position_m)
        elif loop.time_s > paused_s + 2.0:
            loop.arm.resume()

    loop = Loop(model, each_step, carry=pause)
    loop.ask(shown)
    result = loop.run()
    assert result.code is Code.ARRANGED and result.moved == ('red_0',), result
    assert any(p.mode is Mode.HOLDING and PAUSED in p.reason for p in loop.said)
    assert len(held_m) > 700 and np.ptp(held_m, axis=0).max() < 0.003
    assert held_m[0][2] > STANDING_M + 0.05
    assert loop.away_m() < 0.01 and loop.lifted_m() < 1e-3
    assert result.duration_s < loop.time_s - 1.9
    loop.check_torques()
    assert loop.arm.resume() == (False, 'it is not paused')


def test_cancelled_with_a_block_in_its_hand_it_keeps_it_and_the_next_task_puts_it_down(
    model, shown
):
    held_s, lifted_m = math.inf, 0.0

    def holds(loop):
        nonlocal held_s
        held_s = loop.time_s
        assert loop.arm.progress.reason == "cancelled; holds 'red_0'"

    def each_step(loop):
        nonlocal lifted_m, held_s
        if loop.time_s > held_s + 1.0:
            held_s, lifted_m = math.inf, loop.lifted_m()
            loop.does['approach'] = cancel
            loop.ask(shown)

    loop = Loop(model, each_step, carry=cancel)
    loop.ask(shown, then=holds)
    assert loop.run().code is Code.CANCELLED and len(loop.results) == 2
    assert lifted_m > 0.05, 'it was dropped'
    assert any("puts 'red_0' down" in p.reason for p in loop.said)
    assert loop.lifted_m() < 1e-3
    loop.check_torques()


def test_a_reset_with_a_block_in_its_hand_begins_anew(model, shown):
    def reset(loop):
        loop.blocks.reset()
        loop.does['lift'] = cancel

    loop = Loop(model, carry=reset)
    loop.ask(shown)
    result = loop.run()
    assert result.troubles == ('time began anew',)
    assert max(p.move for p in loop.said) == 2
    loop.check_torques()


def test_what_is_taken_away_while_it_is_carried_is_missed_and_said(model, shown):
    loop = Loop(model, in_lockstep=False, carry=lambda loop: loop.blocks.delete('red_0'))
    loop.ask(shown)
    result = loop.run()
    assert loop.arm.progress.reason.endswith('; holds'), 'nothing is in the hand'
    assert result.code is Code.FAILED and 'missing: red_0 to be moved' in result.message
    assert result.troubles == ('red_0 is on the table no more',)
    loop.check_torques()


def test_what_somebody_moves_is_fetched_from_there_and_time_runs_out(model, shown):
    loop = Loop(model, approach=lambda loop: loop.blocks.move('red_0', (0.36, -0.25)))
    loop.ask(shown, timeout_s=2.0)
    result = loop.run()
    assert result.code is Code.TIMED_OUT and 'not within 2 s: between: approach' in result.message
    assert 2.0 <= result.duration_s < 2.01
    assert max(p.tries for p in loop.said) == 2


def test_of_a_sum_each_concept_has_its_own_references(model, shown):
    north = demonstrations(ARRANGEMENTS['north'], np.random.default_rng(0), 5, 'green')
    terms = (Term('between', shown), Term('north', tuple(north), 0.5))
    loop = Loop(model, approach=cancel)
    loop.ask(terms)
    assert loop.run().code is Code.CANCELLED
    assert loop.arm.progress.concept == 'between + north'
    progress = next(p for p in loop.said if p.stage == 'approach')
    assert progress.movers == ('red_0',)
    assert progress.references == ('blue_0', 'blue_1', 'green_0')


def test_of_two_tasks_that_have_not_begun_the_first_is_preempted_and_the_second_stopped(
    model, shown
):
    loop = Loop(model)
    loop.ask(shown, then=lambda loop: None)
    loop.ask(shown)
    loop.arm.interrupt(Code.STOPPED, 'stopped')
    assert [r.code for r in loop.results] == [Code.PREEMPTED, Code.STOPPED]
    assert not loop.torques


def test_an_error_that_nobody_foresaw_ends_all_torques_and_whoever_asks_is_told(model, shown):
    def each_step(loop):
        if loop.results:
            raise KeyError('unforeseen')

    loop = Loop(model, each_step, approach=cancel)
    loop.ask(shown, then=lambda loop: None)
    loop.run()
    assert loop.arm.progress.mode is Mode.FAULT and 'unforeseen' in loop.arm.progress.reason
    number = len(loop.torques)
    loop.ask(shown)
    assert [r.code for r in loop.results] == [Code.CANCELLED, Code.STOPPED]
    assert 'unforeseen' in loop.results[-1].message and len(loop.torques) == number


def test_a_task_may_be_cancelled_while_no_joint_state_comes(model, shown):
    cancelled_s = math.inf

    def waits(loop):
        nonlocal cancelled_s
        if loop.time_s > cancelled_s + 0.3:
            loop.arm.end()
        elif cancelled_s == math.inf and loop.arm.progress.stage == 'carry':
            cancelled_s = loop.time_s
            cancel(loop)
            loop.arm.raise_interruption()

    loop = Loop(model, waits)
    loop.ask(shown, then=lambda loop: None)
    assert loop.run().code is Code.CANCELLED
    assert loop.arm.progress.reason == "cancelled; holds 'red_0'" and loop.lifted_m() > 0.05
    times_s = [time_s for time_s, _ in loop.torques]
    assert cancelled_s + 0.2 < times_s[-1] and len(set(times_s)) == len(times_s)
    loop.check_torques()


def test_a_blow_while_it_carries_is_noticed_and_the_block_stays_in_the_hand(model, shown):
    def strikes(loop):
        is_pushed = began_s <= loop.time_s < began_s + PUSHED_FOR_S
        loop.blocks.sim.data.body(PUSHED).xfrc_applied[1] = is_pushed * PUSH_N
        if loop.time_s > loop.ended_s + 0.3:
            loop.arm.end()

    def struck(loop):
        nonlocal began_s
        began_s = loop.time_s

    def then(loop):
        loop.ended_s = loop.time_s

    began_s = math.inf
    loop = Loop(model, strikes, carry=struck)
    loop.ended_s = math.inf
    loop.ask(shown, then=then)
    result = loop.run()
    assert result.code is Code.STRUCK and 'struck something: joint_' in result.message
    assert 0.0 < loop.ended_s - began_s <= NOTICED_WITHIN_S
    assert loop.arm.progress.mode is Mode.HOLDING and "holds 'red_0'" in loop.arm.progress.reason
    assert loop.lifted_m() > 0.05
    loop.check_torques()


def test_that_the_world_is_waited_for_is_said_and_what_it_did_is_so_again(model, shown):
    def waits(loop):
        if loop.arm.progress.stage == 'lift' and not loop.results:
            doing = loop.arm.progress
            for missing in ('', 'joint states', 'joint states', ''):
                loop.arm.while_waiting(missing)
                heard.append(loop.arm.progress)
            assert heard[0] == heard[3] == doing
            cancel(loop)

    heard = []
    loop = Loop(model, waits)
    loop.ask(shown)
    assert loop.run().code is Code.CANCELLED
    assert {(p.mode, p.reason) for p in heard[1:3]} == {(Mode.WAITING, 'waits for joint states')}
    assert heard[1].entity == 'red_0' and heard[1].stage == 'lift'
    assert [p.mode for p in loop.said].count(Mode.WAITING) == 1, 'it is told once'


def test_what_cannot_be_planned_is_a_fault_until_it_holds_again(model, shown):
    def then(loop):
        effort_nm = loop.arm._mover.arm._motion.effort_nm
        fails = iter([True, False])

        def fails_once(*arguments):
            if next(fails, False):
                raise PlanningFailed('no way')
            if loop.time_s > ended_s + 0.2:
                loop.arm.end()
            return effort_nm(*arguments)

        ended_s = loop.time_s
        loop.arm._mover.arm._motion.effort_nm = fails_once

    loop = Loop(model, approach=cancel)
    loop.ask(shown, then=then)
    loop.run()
    assert [p.mode for p in loop.said[-3:]] == [Mode.HOLDING, Mode.FAULT, Mode.HOLDING]
    assert loop.said[-2].reason == 'no way' and loop.said[-1].reason == 'cancelled; holds'
    loop.check_torques(least=50)


def test_a_task_may_be_cancelled_while_nothing_is_to_be_seen(model, shown):
    def missing():
        cancel(loop)
        return 'scene'

    loop = Loop(model, missing=missing)
    loop.ask(shown)
    assert loop.run().code is Code.CANCELLED and not loop.torques
    assert [(p.mode, p.reason) for p in loop.said[-2:]] == [
        (Mode.WAITING, 'no scene yet'),
        (Mode.WAITING, 'cancelled'),
    ]
