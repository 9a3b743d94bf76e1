# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faults injected over DDS while the arm moves: torques stay good, and it goes on afterwards."""

import signal
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from faults import RATE_HZ, Run, Status, joint_message, send_until
from harness import (
    ARM,
    WORKSPACE,
    largest_speed,
    running,
    wait_until,
)
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.runtime import qos
from ebm_core.concepts import get_concept

SHIPPED = Path(__file__).parents[3] / 'models' / 'placement'


@pytest.fixture
def run(lasting_run):
    """Return what the tests before have come through."""
    return lasting_run


def stamp_ns(message):
    return cv.stamp_to_ns(message.header.stamp)


def test_a_planner_that_stalls_for_200_ms_leaves_the_torques_coming(run):
    run.set_in_motion()
    done = run.fault.with_suffix('.done')
    torques = [0]
    # A tenth of the rate is enough, and once, on a machine that is busy with other things: had the
    # torques waited for the planner, there would never be any.
    for _ in range(20):
        if max(torques) >= 0.1 * 0.2 * RATE_HZ:
            break
        done.unlink(missing_ok=True)
        run.fault.write_text('stall_once 0.2')
        wait_until(lambda: done.exists() and done.read_text().count(' ') == 1, 'the stall')
        run.wait_for_status(Status.TRACKING)
        began, ended = map(float, done.read_text().split())
        # Torques are heard later than they are published, on a busy machine by a second and more.
        wait_until(lambda end=ended: run.efforts and run.efforts[-1][0] > end, 'a later torque')
        torques.append(sum(began < at < ended for at, _ in run.efforts))
    assert max(torques) >= 0.1 * 0.2 * RATE_HZ
    run.check_torques()


def test_a_planner_that_stays_away_or_fails_ends_in_a_hold_that_says_why(run):
    for fault, state, reason in (
        ('stall 4', Status.HOLDING, 'plan expired'),
        ('raise', Status.FAULT, 'plan expired: ZeroDivisionError: injected'),
    ):
        run.set_in_motion()
        run.fault.write_text(fault)
        run.wait_for_status(state, reason)
        run.probe.wait_for_report('controller: state', reason)
        run.check_torques()
        wait_until(lambda: len(run.efforts) > 20, 'the torques of the hold')
        run.wait_for_status(state, reason)
        if fault == 'raise':
            wait_until(lambda: run.speed() < 0.02, 'rest')
        run.fault.unlink()
        run.wait_for_status(Status.TRACKING)
        run.check_torques()


def test_when_the_simulator_is_reset_in_motion_it_begins_anew(run):
    def reset_in_motion():
        """Return whether the arm moved in the last state before the reset."""
        assert run.probe.call(Trigger, 'simulator/reset', Trigger.Request()).success

        def last():
            for before, after in pairwise(run.states[states:]):
                if stamp_ns(after) < stamp_ns(before):
                    return before
            return None

        wait_until(lambda: last() is not None, 'time to start again')
        return largest_speed([last()]) > 0.1

    for _ in range(10):  # the arm may come to rest while the service is called
        run.wait_ns(200_000_000)
        run.set_in_motion()
        before_ns, seen, states = run.now_ns(), len(run.statuses), len(run.states) - 1
        moved = reset_in_motion()
        if moved:
            break
    assert moved

    def tracks_anew():
        # Statuses from before the reset may still be under way.
        stamps = [stamp_ns(status) for status in run.statuses[seen:]]
        anew = next((i for i, stamp in enumerate(stamps) if stamp < before_ns - 100_000_000), None)
        return anew is not None and any(
            status.state == Status.TRACKING for status in run.statuses[seen + anew :]
        )

    wait_until(tracks_anew, 'a plan of the new time')
    run.wait_ns(200_000_000)
    run.check_torques()


@pytest.mark.parametrize('jump_ns', [60_000_000_000, -1_500_000_000], ids=['forward', 'back'])
def test_when_the_clock_jumps_in_motion_and_back_again_it_goes_on(run, jump_ns):
    publish = run.probe.publisher(JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED).publish
    wait_until(lambda: run.now_ns() > 2_000_000_000, 'a time from which it can jump back')
    run.set_in_motion()
    run.check_torques()
    speeds = []  # in the states that were answered
    for _ in range(3):
        run.set_in_motion()
        jumped = {}

        def jump(jumped=jumped):
            """Publish the state that the arm is in, of another time."""
            last = run.states[-1]
            stamp = stamp_ns(last) + jump_ns + 1
            message = joint_message(last.name, position=last.position, velocity=last.velocity)
            message.header.stamp = cv.ns_to_stamp(stamp)
            jumped[stamp] = largest_speed([last])
            publish(message)

        def answered(jumped=jumped):
            return jumped.keys() & {stamp_ns(message) for _, message in list(run.efforts)}

        send_until(answered, jump, 'a torque of the other time')
        speeds += [jumped[stamp] for stamp in answered()]
        run.wait_for_status(Status.TRACKING)
        run.check_torques()
    assert max(speeds) > 0.1
    # The simulator's own time is followed afterwards.
    run.wait_ns(200_000_000)
    wait_until(
        lambda: abs(stamp_ns(run.statuses[-1]) - run.now_ns()) < 1_000_000_000, 'its own time'
    )
    run.wait_for_status(Status.TRACKING)
    run.check_torques()


def test_overruns_are_skipped_and_counted_and_not_caught_up(run, lasting):
    _, controller = lasting
    for _ in range(3):
        run.set_in_motion()
        missed = run.wait_for_status(Status.TRACKING).missed_deadlines
        controller.send(signal.SIGSTOP)
        time.sleep(0.2)
        went_on_s = time.time()
        controller.send(signal.SIGCONT)
        wait_until(
            lambda missed=missed: run.statuses[-1].missed_deadlines >= missed + 0.1 * RATE_HZ,
            'the overruns to be counted',
        )
        run.wait_for_status(Status.TRACKING)
        wait_until(lambda since=went_on_s: run.efforts[-1][0] > since + 0.1, 'torques')
        came_s = np.array([at for at, _ in run.efforts])
        # What is caught up would come at once, 0.2 s of it.
        soon = np.count_nonzero((came_s >= went_on_s) & (came_s < went_on_s + 0.1))
        assert soon <= 1.5 * 0.1 * RATE_HZ + 20
        run.check_torques()


def test_a_concept_that_changes_in_motion_is_followed_without_a_stop(run):
    run.set_in_motion()
    for seed in range(20, 25):
        run.statuses.clear()
        name = run.publish_concept(seed)
        run.wait_for_status(Status.TRACKING, concept=name)
        assert Status.FAULT not in {s.state for s in run.statuses}
        assert Status.WAITING not in {s.state for s in run.statuses}
        run.wait_ns(100_000_000)
    run.check_torques()


def test_a_concept_below_its_threshold_is_held_on_until_another_comes(run):
    run.publish_concept(1, understanding=(0.4, 0.5))
    reason = "'concept_1' is not understood: its demonstrations score 0.4, understood are those"
    run.wait_for_status(Status.FAULT, reason)
    run.probe.wait_for_report('controller: concept: refused', reason)
    wait_until(lambda: run.speed() < 0.01, 'rest')
    run.wait_ns(100_000_000)
    assert run.speed() < 0.01
    run.check_torques()
    for seed, score in ((2, (0.5, 0.5)), (3, (np.nan, np.nan))):
        name = run.publish_concept(seed, understanding=score)
        run.wait_for_status(Status.TRACKING, concept=name)
    # What was enacted before is not what is wanted any more.
    run.publish_concept(4, understanding=(np.nan, 0.5))
    assert run.wait_for_status(Status.FAULT, "'concept_4' is not understood").concept == ''
    run.check_torques()


def test_contradictory_demonstrations_do_not_move_the_arm_and_good_ones_do(tmp_path):
    """The weights that are shipped, and the score and threshold that come with them."""
    rng = np.random.default_rng(1)
    good, contradictory = (
        [
            get_concept(name).demonstrations(rng, 1, reference_colour='blue')[0]
            for name in ('north', *others)
        ]
        for others in (['north'] * 4, ['south', 'east', 'west', 'south'])
    )
    with ExitStack() as nodes:
        run = Run(nodes, tmp_path, SHIPPED, concept='north')
        run.start_controller()
        learner = nodes.enter_context(running('concept_learner', tmp_path, model_dir=SHIPPED))
        learner.wait_for_log('ready')
        heard = run.probe.listen(ros.Concept, 'concept', qos.LATCHED)
        send = run.probe.publisher(ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS).publish

        def show(name, demonstrations):
            for demonstration in demonstrations:
                send(cv.demonstration_to_message(name, demonstration, WORKSPACE))
            wait_until(lambda: [c for c in list(heard) if c.name == name], f'the concept {name}')
            return next(c for c in list(heard) if c.name == name)

        concept = show('confused', contradictory)
        term = concept.terms[0]
        assert term.understanding < term.understanding_threshold
        assert term.understanding_threshold == run.model.understanding_threshold
        run.probe.wait_for_report('concept_learner: inference', "'confused' is not understood")
        run.wait_for_status(Status.FAULT, "'confused' is not understood")
        run.wait_ns(500_000_000)
        at_home = np.array([state.position for state in list(run.states)])
        assert np.abs(at_home - ARM.home_rad).max() < 0.02
        run.check_torques()

        began = len(run.states)
        concept = show('clear', good)
        assert concept.terms[0].understanding >= concept.terms[0].understanding_threshold
        run.wait_for_status(Status.TRACKING, concept='clear')
        wait_until(lambda: largest_speed(run.states, began) > 0.1, 'motion')

        show('confused_again', contradictory)
        run.wait_for_status(Status.FAULT, "'confused_again' is not understood")
        wait_until(lambda: run.speed() < 0.02, 'rest')
        run.wait_ns(300_000_000)
        assert run.speed() < 0.02
        run.check_torques()
