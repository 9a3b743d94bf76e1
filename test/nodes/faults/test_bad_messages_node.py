# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bad messages over DDS while the arm moves: each is refused with its reason, or does no harm."""

import bad_messages
import numpy as np
import pytest
from faults import BAD_NM, Status, concept_message, joint_message, send_until
from harness import ARM, JOINTS, WORKSPACE, running, wait_until
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.runtime import qos
from ebm_core.concepts import get_concept


@pytest.fixture
def run(lasting_run):
    """Return what the tests before have come through."""
    return lasting_run


def stamp_ns(message):
    return cv.stamp_to_ns(message.header.stamp)


def test_the_controller_refuses_every_bad_message_and_goes_on_as_before(run):
    """Bad joint states, scenes and concepts, each until it is refused with the reason."""
    scenes = run.probe.listen(ros.Scene, 'scene', qos.LATCHED)
    send = {
        topic: run.probe.publisher(kind, topic, profile).publish
        for kind, topic, profile in (
            (JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED),
            (ros.Scene, 'scene', qos.LATCHED),
            (ros.Concept, 'concept', qos.LATCHED),
        )
    }
    wait_until(lambda: scenes, 'a scene')
    good, ids = scenes[0], [entity.id for entity in scenes[0].entities]
    rng = np.random.default_rng(0)
    for topic, bad in (
        ('joint_states', bad_messages.bad_joint_states(rng)),
        ('scene', bad_messages.bad_scenes(rng, good)),
        ('concept', bad_messages.bad_concepts(rng, run.model)),
    ):
        in_force = run.set_in_motion()
        before = run.wait_for_status(Status.TRACKING, concept=in_force)
        seen, count = len(run.statuses), 0
        for message, reason in bad:
            run.send_until_refused(send[topic], message, f'controller: {topic}', reason)
            count += 1
        after = run.wait_for_status(Status.TRACKING)
        assert after.refused_inputs >= before.refused_inputs + count
        for status in run.statuses[seen:]:
            assert status.concept == in_force and list(status.entity_ids) == ids
            assert status.state in (Status.TRACKING, Status.HOLDING)
        run.check_torques()
    run.set_in_motion()
    run.check_torques()


def test_simulator_and_learner_refuse_every_bad_message_and_go_on_as_before(run, tmp_path):
    """Bad torques, demonstrations and compositions, each until it is refused with the reason."""
    with running(
        'concept_learner', tmp_path, model_dir=run.weights, min_demonstrations=2
    ) as learner:
        heard = run.probe.listen(ros.Concept, 'concept', qos.LATCHED)
        send = {
            topic: run.probe.publisher(kind, topic, profile).publish
            for kind, topic, profile in (
                (JointState, 'joint_effort_commands', qos.COMMANDS),
                (ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS),
                (ros.Composition, 'composition', qos.LATCHED),
            )
        }
        learner.wait_for_log('ready')
        rng = np.random.default_rng(0)
        names = ('one', 'other')
        shown = get_concept('between').demonstrations(rng, 4)
        shown = [
            cv.demonstration_to_message(names[i % 2], d, WORKSPACE) for i, d in enumerate(shown)
        ]
        send['composition'](ros.Composition(concepts=list(names), weights=[1.0, 0.5]))
        run.probe.wait_for_report('concept_learner: composition', 'waits for one, other')
        for message in shown:
            send['demonstrations'](message)
        the_sum = '1 one + 0.5 other'
        wait_until(lambda: heard and heard[-1].name == the_sum, 'the sum')
        run.wait_for_status(Status.TRACKING, concept=the_sum)

        for node, topic, part, bad in (
            (
                *('simulator', 'joint_effort_commands', 'commands'),
                bad_messages.bad_commands(rng, lambda: run.states[-1].header.stamp),
            ),
            (
                *('concept_learner', 'demonstrations', 'demonstrations'),
                bad_messages.bad_demonstrations(rng, shown[0]),
            ),
            (
                *('concept_learner', 'composition', 'composition'),
                bad_messages.bad_compositions(rng, names),
            ),
        ):
            in_force = run.set_in_motion()
            run.wait_for_status(Status.TRACKING, concept=in_force)
            seen, states, concepts = len(run.statuses), len(run.states), len(heard)
            for message, reason in bad:
                run.send_until_refused(send[topic], message, f'{node}: {part}', reason)
            run.wait_for_status(Status.TRACKING)
            assert {status.concept for status in run.statuses[seen:]} == {in_force}
            assert the_sum not in {concept.name for concept in heard[concepts:]}
            applied = np.array([state.effort for state in run.states[states:]])
            assert (np.abs(applied) <= ARM.effort_limits_nm).all() and not (applied == BAD_NM).any()
            run.check_torques()
        # No bad demonstration was counted, and the composition asked for is that of before.
        run.probe.diagnostics.clear()
        send['demonstrations'](shown[0])
        run.probe.wait_for_report('concept_learner: demonstrations', 'one: 1 of 2')
        concepts = len(heard)
        send['demonstrations'](shown[2])

        def sums():
            return [concept for concept in heard[concepts:] if concept.name == the_sum]

        wait_until(sums, 'the sum again')
        assert [term.weight for term in sums()[0].terms] == [1.0, 0.5]
        run.wait_for_status(Status.TRACKING, concept=the_sum)
    run.check_torques()


ABSURD = (0.0, -0.0, 5e-324, 1.0, 1e3, -1e6, 1e6)


def test_whatever_else_comes_in_every_torque_is_good_and_it_goes_on(run):
    """Joint states and concepts as absurd as they may be; whether they are refused is open."""
    send_state, send_concept = (
        run.probe.publisher(kind, topic, profile).publish
        for kind, topic, profile in (
            (JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED),
            (ros.Concept, 'concept', qos.LATCHED),
        )
    )
    rng = np.random.default_rng(0)
    run.set_in_motion()
    for number in range(20):
        values = {
            field: rng.choice(absurd, len(JOINTS)) if rng.integers(2) else former
            for field, absurd, former in (
                ('position', ABSURD, ARM.home_rad),
                ('velocity', np.clip(ABSURD, -100.0, 100.0), rng.normal(size=len(JOINTS))),
            )
        }
        sent = set()

        def send(values=values, sent=sent):
            """Send them as of now, so that they are the newest; a stamp of their own tells."""
            message = joint_message(JOINTS, **values)
            message.header.stamp = cv.ns_to_stamp(run.now_ns() + 1)
            sent.add(stamp_ns(message))
            send_state(message)

        def answered(sent=sent):
            return sent & {stamp_ns(message) for _, message in list(run.efforts)}

        send_until(answered, send, f'a torque for state {number}')
        run.check_torques()
    run.wait_for_status(Status.TRACKING)
    run.set_in_motion()
    absurd = (*ABSURD, 1e20, -1e20, 1e154, 1e308, -1e308)
    for number in range(15):
        name = f'absurd_{number}'
        concept = concept_message(run.model, name, number)
        term = concept.terms[0]
        term.weight = float(rng.choice((5e-324, 1.0, 1e6)))
        for code in (term.action_code, term.argument_code):
            for index in rng.integers(run.model.code_size, size=rng.integers(run.model.code_size)):
                code[index] = rng.choice(absurd)
        scores = rng.choice((np.nan, np.inf, -np.inf, 0.5, 1e308), 2)
        term.understanding, term.understanding_threshold = map(float, scores)
        seen = len(run.statuses)

        def taken_or_refused(name=name, seen=seen):
            return any(s.concept == name for s in run.statuses[seen:]) or any(
                name in report
                for part in ('target', 'concept')
                for report in run.probe.reports(f'controller: {part}: refused')
            )

        send_until(taken_or_refused, lambda concept=concept: send_concept(concept), name)
    run.publish_concept(99)
    run.wait_for_status(Status.TRACKING, concept='concept_99')
    run.set_in_motion()
    run.check_torques()
