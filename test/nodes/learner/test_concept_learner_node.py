# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Demonstrator and concept learner over DDS: five demonstrations become one latched concept."""

import math
import signal
from array import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from harness import (
    WORKSPACE,
    NodeProcess,
    Probe,
    claim_domain,
    running,
    untrained_weights,
    wait_until,
)
from rosgraph_msgs.msg import Clock

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.runtime import qos
from ebm_core.concepts import get_concept
from ebm_core.relational.model import load_model

REFUSED = 'concept_learner: demonstrations: refused'


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return untrained_weights(tmp_path_factory.mktemp('weights'))


@pytest.fixture(scope='module')
def probe():
    probe = Probe()
    yield probe
    probe.close()


@pytest.fixture(scope='module')
def learner(weights, tmp_path_factory):
    """One learner for all tests: it must come through all of them."""
    with running('concept_learner', tmp_path_factory.mktemp('log'), model_dir=weights) as node:
        node.wait_for_log('ready')
        yield node
        assert node.is_running()


@pytest.fixture(scope='module')
def demonstrations(probe, learner):
    return probe.publisher(ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS)


@pytest.fixture(scope='module')
def concepts(probe, learner):
    return probe.listen(ros.Concept, 'concept', qos.LATCHED)


def messages(name, count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        cv.demonstration_to_message(name, demonstration, WORKSPACE)
        for demonstration in get_concept('between').demonstrations(rng, count)
    ]


def places(message):
    return [(e.pose.position.x, e.pose.position.y) for s in message.states for e in s.entities]


def named(concepts, name):
    return [c for c in list(concepts) if c.name == name]


def test_five_demonstrations_make_the_concept_that_the_library_infers(
    demonstrations, concepts, weights
):
    sent = messages('five', 5)
    for message in sent:
        demonstrations.publish(message)
    wait_until(lambda: named(concepts, 'five'), 'the concept')
    got = named(concepts, 'five')[0]
    model = load_model(weights)
    shown = [cv.demonstration_from_message(m, WORKSPACE).demonstration for m in sent]
    expected = model.infer(shown, seed=0)
    assert got.model_sha256 == model.sha256 and len(got.terms) == 1
    got = got.terms[0]
    assert got.name == 'five' and got.weight == 1.0 and got.demonstrations == 5
    np.testing.assert_allclose(got.action_code, expected.action_code, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.argument_code, expected.argument_code, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.action_energies, expected.action_energies, rtol=1e-3)
    score = model.understanding(shown, seed=0)
    assert got.understanding == pytest.approx(score, rel=1e-3, abs=1e-3)
    assert math.isnan(got.understanding_threshold), 'these weights come without one'


def test_the_concept_reaches_who_comes_late(probe, demonstrations, concepts):
    for message in messages('late', 5):
        demonstrations.publish(message)
    wait_until(lambda: named(concepts, 'late'), 'the concept')
    heard = probe.listen(ros.Concept, 'concept', qos.LATCHED)
    wait_until(lambda: heard, 'the latched concept')
    assert heard[0].name == 'late'


def test_names_are_collected_apart_and_the_next_five_replace_the_concept(demonstrations, concepts):
    for a, b in zip(messages('this', 5), messages('that', 4, seed=1), strict=False):
        demonstrations.publish(a)
        demonstrations.publish(b)
    demonstrations.publish(messages('this', 5)[4])
    wait_until(lambda: named(concepts, 'this'), 'the concept of five')
    for message in messages('this', 5, seed=2):
        demonstrations.publish(message)
    wait_until(lambda: len(named(concepts, 'this')) == 2, 'the next concept')
    first, second = named(concepts, 'this')
    assert list(first.terms[0].action_code) != list(second.terms[0].action_code)
    assert not named(concepts, 'that')


def spoil_position(message):
    message.states[0].entities[0].pose.position.x = math.nan


def spoil_count(message):
    message.states[1].entities = message.states[1].entities[:-1]


def spoil_attention(message):
    message.attention = array('d', [1.0])


def spoil_entities(message):
    for state in message.states:
        state.entities = []


def spoil_workspace(message):
    message.states[1].entities[0].pose.position.y = 3.0


def spoil_frame(message):
    message.states[0].header.frame_id = 'camera'


@pytest.mark.parametrize(
    ('spoil', 'texts'),
    [
        (spoil_position, ('demonstration.states[0].entities[0].pose.position.x', 'nan')),
        (spoil_count, ('demonstration.states[1].entities', 'state 0 has')),
        (spoil_attention, ('demonstration.attention', '1 values')),
        (spoil_entities, ('demonstration.states[0].entities', 'no entities')),
        (spoil_workspace, ('demonstration.states[1].entities', 'out of the workspace')),
        (spoil_frame, ('demonstration.states[0].header.frame_id', "'camera'")),
    ],
)
def test_a_bad_demonstration_is_refused_and_counts_for_nothing(
    probe, learner, demonstrations, concepts, spoil, texts
):
    name = f'refusal {spoil.__name__}'
    good = messages(name, 5)
    bad = messages(name, 1, seed=9)[0]
    spoil(bad)
    before = len(learner.log)
    for message in (*good[:4], bad):
        demonstrations.publish(message)
    probe.wait_for_report(REFUSED, *texts)
    wait_until(lambda: texts[0] in learner.log[before:], 'the refusal in the log')
    # Four good ones and a bad one are not five; the fifth good one is.
    assert not named(concepts, name)
    demonstrations.publish(good[4])
    wait_until(lambda: named(concepts, name), 'the concept')
    assert named(concepts, name)[0].terms[0].demonstrations == 5


def test_a_complaint_ends_with_the_next_good_demonstration(probe, demonstrations):
    demonstrations.publish(ros.Demonstration(concept='without states'))
    probe.wait_for_report(REFUSED, 'demonstration.states', '0 given')
    probe.diagnostics.clear()
    demonstrations.publish(messages('after a refusal', 1)[0])
    probe.wait_for_report(REFUSED, 'accepted again')


def composition(*weights, names=('base', 'other')):
    return ros.Composition(concepts=list(names), weights=list(map(float, weights)))


@pytest.fixture(scope='module')
def compositions(probe, learner):
    return probe.publisher(ros.Composition, 'composition', qos.LATCHED)


def test_a_composition_is_one_concept_whose_weights_are_changed_by_publishing_again(
    probe, demonstrations, concepts, compositions
):
    for message in messages('base', 5):
        demonstrations.publish(message)
    wait_until(lambda: named(concepts, 'base'), 'the first concept')
    compositions.publish(composition(1, 0.5))
    probe.wait_for_report('concept_learner: composition', 'waits for other', 'base')
    for message in messages('other', 5, seed=1):
        demonstrations.publish(message)
    wait_until(lambda: named(concepts, '1 base + 0.5 other'), 'the sum')
    first = named(concepts, '1 base + 0.5 other')[0]
    assert [(t.name, t.weight, t.demonstrations) for t in first.terms] == [
        ('base', 1.0, 5),
        ('other', 0.5, 5),
    ]
    # It was waited for: by itself the second is not what was asked for.
    assert not named(concepts, 'other')
    assert first.terms[0].action_code == named(concepts, 'base')[0].terms[0].action_code

    compositions.publish(composition(0, 2))
    wait_until(lambda: named(concepts, '0 base + 2 other'), 'the other weights')
    again = named(concepts, '0 base + 2 other')[0]
    assert [t.action_code for t in again.terms] == [t.action_code for t in first.terms]


@pytest.mark.parametrize(
    ('message', 'texts'),
    [
        (composition(1, math.nan), ('composition.weights[1]', 'nan')),
        (composition(math.inf, 1), ('composition.weights[0]', 'inf')),
        (composition(-1, 1), ('composition.weights[0]', '-1')),
        (composition(0, 0), ('composition.weights', 'all are 0')),
        (composition(1), ('composition.weights', '1 values for 2 concepts')),
        (composition(names=()), ('composition.concepts', '0 given')),
        (composition(1, 1, names=('base', 'base')), ('composition.concepts[1]', "'base'")),
        (composition(1, 1, names=('base', '')), ('composition.concepts[1]', 'empty')),
    ],
)
def test_a_composition_that_makes_no_sense_is_refused_and_the_former_stays(
    probe, concepts, compositions, message, texts
):
    probe.diagnostics.clear()
    before = len(concepts)
    compositions.publish(message)
    probe.wait_for_report('concept_learner: composition: refused', *texts)
    assert len(concepts) == before


def test_the_first_composition_may_come_from_parameters(weights, tmp_path, monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    own = Probe()
    heard = own.listen(ros.Concept, 'concept', qos.LATCHED)
    asked = {'composition_concepts': '[base, other]', 'composition_weights': '[1.0, 0.5]'}
    try:
        with lock, running('concept_learner', tmp_path, model_dir=weights, **asked):
            shown = own.publisher(ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS)
            compositions = own.publisher(ros.Composition, 'composition', qos.LATCHED)
            for message in messages('base', 5) + messages('other', 5, seed=1):
                shown.publish(message)
            wait_until(lambda: heard, 'the sum')
            compositions.publish(composition(0, 2))
            wait_until(lambda: named(heard, '0 base + 2 other'), 'the other weights')
        assert [c.name for c in heard] == ['1 base + 0.5 other', '0 base + 2 other']
    finally:
        own.close()


def test_a_first_composition_that_makes_no_sense_is_refused(weights, tmp_path):
    asked = {'composition_concepts': '[base, other]', 'composition_weights': '[1.0]'}
    node = NodeProcess('concept_learner', tmp_path / 'log', model_dir=weights, **asked)
    assert node.end()[0] == 2 and 'Traceback' not in node.log
    assert 'parameter composition_weights: composition.weights: 1 values for 2' in node.log


def test_demonstrator_shows_the_named_concept_and_ends(probe, concepts, tmp_path):
    shown = probe.listen(ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS)
    for number, seed in enumerate((7, 7, 8), start=1):
        node = NodeProcess(
            'demonstrator',
            tmp_path / 'log',
            concept='north',
            seed=seed,
            reference_colour='red',
            subscribers=2,
        )
        status, out = node.end()
        assert status == 0 and out == ''
        # Concepts are latched: the next one would take the place of one that was not heard yet.
        wait_until(lambda n=number: len(named(concepts, 'north')) == n, f'concept {number}')
    wait_until(lambda: len(shown) == 15, 'fifteen demonstrations')
    north = get_concept('north')
    for message in shown:
        got = cv.demonstration_from_message(message, WORKSPACE)
        assert got.concept == 'north'
        demonstration = got.demonstration
        assert north.holds(demonstration.after, demonstration.attention)
        references = (demonstration.attention > 0.5) & ~demonstration.after.movable
        assert (demonstration.after.colours[references].argmax(1) == 0).all()  # red
    assert places(shown[0]) == places(shown[5]) != places(shown[10])


@pytest.mark.parametrize(
    ('parameters', 'texts'),
    [
        ({'concept': 'betwixt'}, ("'betwixt' is unknown", 'between')),
        ({'reference_colour': 'pink'}, ("'pink' is unknown", 'blue')),
        ({'count': 0}, ('parameter count', '0')),
    ],
)
def test_demonstrator_refuses_what_it_does_not_know(tmp_path, parameters, texts):
    node = NodeProcess('demonstrator', tmp_path / 'log', **parameters)
    status, _ = node.end()
    assert status == 2 and 'Traceback' not in node.log
    for text in texts:
        assert text in node.log


def test_demonstrator_waits_for_a_subscriber_and_a_signal_ends_it(tmp_path, monkeypatch):
    domain, lock = claim_domain()  # where nobody listens
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    with lock, running('demonstrator', tmp_path, fresh=True) as node:
        node.wait_for_log('waiting for a subscriber')
        node.send(signal.SIGTERM)
        assert node.end()[0] == 0


def test_stamps_are_simulated_time_where_a_node_uses_it(weights, tmp_path, monkeypatch):
    domain, lock = claim_domain()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    own = Probe()
    clock = own.publisher(Clock, '/clock', 10, matched=False)
    heard = own.listen(ros.Concept, 'concept', qos.LATCHED)
    names = {'concept_learner', 'demonstrator'}

    def have_the_time():
        clock.publish(Clock(clock=Time(sec=42)))
        told = [a for a in list(own.diagnostics) if a.header.stamp.sec == 42]
        return {status.hardware_id for array in told for status in array.status} == names

    try:
        with (
            lock,
            running('concept_learner', tmp_path, model_dir=weights, use_sim_time=True),
            running('demonstrator', tmp_path, subscribers=2, use_sim_time=True),
        ):
            wait_until(have_the_time, 'both nodes to have the time')
            shown = own.listen(ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS)
            wait_until(lambda: heard, 'the concept')
        assert {message.header.stamp.sec for message in (*shown, *heard)} == {42}
    finally:
        own.close()


def test_learner_refuses_weights_that_are_not_there(tmp_path):
    node = NodeProcess('concept_learner', tmp_path / 'log', model_dir=tmp_path)
    status, _ = node.end()
    assert status == 2
    assert 'model_dir' in node.log and 'Traceback' not in node.log


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_learner_cleanly(weights, tmp_path, number):
    with running('concept_learner', tmp_path, fresh=True, model_dir=weights) as node:
        node.wait_for_log('ready')
        node.send(number)
        assert node.end()[0] == 0
        assert 'Traceback' not in node.log
