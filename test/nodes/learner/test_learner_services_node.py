# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The learner's services over DDS: its library, what it collects, and what concepts mean."""

import math
import os
import signal
from copy import deepcopy

import numpy as np
import pytest
from faults import full_disk
from harness import WORKSPACE, Probe, running, untrained_weights, wait_until

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.nodes.runtime import qos
from ebm_core import get_concept, load_model
from ebm_core.library.library import DEMONSTRATIONS, ConceptLibrary


@pytest.fixture(scope='module')
def probe():
    probe = Probe()
    yield probe
    probe.close()


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return untrained_weights(tmp_path_factory.mktemp('weights'))


@pytest.fixture(scope='module')
def model(weights):
    return load_model(weights)


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    return ConceptLibrary(tmp_path_factory.mktemp('library'))


@pytest.fixture(scope='module')
def learner(probe, weights, library, tmp_path_factory):
    """One learner for all tests but those that restart it."""
    folder = tmp_path_factory.mktemp('log')
    with running('concept_learner', folder, model_dir=weights, library_dir=library.folder) as node:
        node.wait_for_log('ready')
        yield node
        assert node.is_running()


@pytest.fixture(scope='module')
def send(probe, learner):
    return probe.publisher(ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS).publish


def shown(number=5, seed=0):
    return get_concept('between').demonstrations(np.random.default_rng(seed), number)


def message(name, demonstration):
    return cv.demonstration_to_message(name, demonstration, WORKSPACE)


def ask(probe, kind, service, **fields):
    return probe.call(kind, f'concept_learner/{service}', kind.Request(**fields))


def by_name(probe, service, name):
    return ask(probe, srv.ConceptByName, service, name=name)


def collected(probe, name):
    listed = ask(probe, srv.ListDemonstrations, 'list_demonstrations', name='')
    return dict(zip(listed.names, listed.collected, strict=True)).get(name, 0)


def summary(probe, name):
    listed = ask(probe, srv.ListConcepts, 'list_concepts')
    assert listed.success
    return next((c for c in listed.concepts if c.name == name), None)


def teach(probe, send, name, demonstrations):
    for demonstration in demonstrations:
        send(message(name, demonstration))
    wait_until(lambda: getattr(summary(probe, name), 'is_known', False), f'the concept {name}')


def codes(probe, *names, weights=()):
    answer = ask(
        probe,
        srv.GetConcept,
        'get_concept',
        concepts=list(names),
        weights=list(map(float, weights)),
    )
    assert answer.success, answer.message
    return answer.concept


def test_what_is_taught_and_saved_survives_the_node_and_other_weights(
    probe, send, learner, library, model, weights, tmp_path
):
    demonstrations = shown(seed=1)
    teach(probe, send, 'kept', demonstrations)
    assert not summary(probe, 'kept').is_saved
    answer = by_name(probe, 'save_concept', 'kept')
    assert answer.success and str(library.folder) in answer.message
    kept = summary(probe, 'kept')
    assert kept.is_known and kept.is_saved and kept.demonstrations == 5
    assert kept.saved_at.sec > 1_700_000_000 and math.isnan(kept.understanding_threshold)
    before = codes(probe, 'kept')
    # Another learner on the same library, and one with other weights, that were never told of it.
    others = untrained_weights(tmp_path / 'others', seed=1)
    for folder, expected in ((weights, model), (others, load_model(others))):
        name = f'learner_{expected.sha256[:6]}'
        with running(
            'concept_learner',
            tmp_path,
            model_dir=folder,
            library_dir=library.folder,
            remap={'__node': name, 'concept': f'{name}/concept'},
        ) as other:
            other.wait_for_log('ready')
            found = probe.call(
                srv.GetConcept, f'{name}/get_concept', srv.GetConcept.Request(concepts=['kept'])
            )
            assert found.success, found.message
            assert found.concept.model_sha256 == expected.sha256
            inferred = expected.infer(demonstrations, in_time=False)
            got = found.concept.terms[0]
            np.testing.assert_allclose(got.action_code, inferred.action_code, rtol=1e-4, atol=1e-5)
            other.send(signal.SIGKILL)
            other.end()
    assert list(codes(probe, 'kept').terms[0].action_code) == list(before.terms[0].action_code)


def test_undo_replace_and_forget(probe, send, learner):
    first, second, third = shown(3, seed=2)
    for demonstration in (first, second):
        send(message('undone', demonstration))
    wait_until(lambda: collected(probe, 'undone') == 2, 'two')
    answer = by_name(probe, 'undo_demonstration', 'undone')
    assert answer.success and answer.message == 'undone: 1 of 5'
    replaced = ask(
        probe,
        srv.ReplaceDemonstration,
        'replace_demonstration',
        number=1,
        demonstration=message('undone', third),
    )
    assert replaced.success, replaced.message
    listed = ask(probe, srv.ListDemonstrations, 'list_demonstrations', name='undone')
    assert listed.success and listed.needed == 5 and list(listed.collected) == [1]
    (got,) = (
        cv.demonstration_from_message(m, WORKSPACE).demonstration for m in listed.demonstrations
    )
    np.testing.assert_array_equal(got.before.positions, third.before.positions)
    assert by_name(probe, 'forget_demonstrations', 'undone').success
    assert collected(probe, 'undone') == 0
    refused = by_name(probe, 'undo_demonstration', 'undone')
    assert not refused.success and "nothing was shown under 'undone'" in refused.message


def test_any_one_is_removed(probe, send, learner):
    demonstrations = shown(3, seed=6)
    for demonstration in demonstrations:
        send(message('fewer', demonstration))
    wait_until(lambda: collected(probe, 'fewer') == 3, 'three')

    def remove(number):
        kind = srv.RemoveDemonstration
        return ask(probe, kind, 'remove_demonstration', name='fewer', number=number)

    assert remove(2).message == 'fewer: 2 of 5'
    listed = ask(probe, srv.ListDemonstrations, 'list_demonstrations', name='fewer')
    got = [cv.demonstration_from_message(m, WORKSPACE) for m in listed.demonstrations]
    for one, kept in zip(got, (demonstrations[0], demonstrations[2]), strict=True):
        np.testing.assert_array_equal(one.demonstration.before.positions, kept.before.positions)
    refused = remove(3)
    assert not refused.success and refused.message.startswith('number: 3 refused')
    assert not remove(0).success
    assert remove(1).success and remove(1).message == 'fewer: 0 of 5'
    assert "nothing was shown under 'fewer'" in remove(1).message


def test_what_was_understood_is_told_from_the_first_demonstration_on(probe, send, learner, model):
    demonstrations = shown(5, seed=7)
    scene = message('told', shown(1, seed=8)[0]).states[0]
    scene.header.frame_id = WORKSPACE.particle_frame

    def told(**fields):
        return ask(probe, srv.Understood, 'understood', concepts=['told'], **fields)

    for number in (1, 2):
        send(message('told', demonstrations[number - 1]))
        wait_until(lambda n=number: told().demonstrations == n, f'{number}')
    answer = told(scene=scene)
    assert answer.success and len(answer.without) == 2 and answer.odd_one == 0
    assert list(answer.readings) == [1.0], 'weights without parts of codes know one'
    expected = model.understanding(demonstrations[:2], in_time=False)
    assert answer.understanding == pytest.approx(expected, abs=1e-4)
    assert len(answer.energies) == answer.size**2 and len(answer.attention) == len(scene.entities)
    axis = np.linspace(-answer.half_width, answer.half_width, answer.size)
    ix, iy = np.unravel_index(np.argmin(answer.energies), (answer.size, answer.size))
    lowest = np.array([axis[ix], axis[iy]])
    cell = axis[1] - axis[0]
    assert np.abs(lowest - [answer.lowest.x, answer.lowest.y]).max() <= cell

    for demonstration in demonstrations[2:]:
        send(message('told', demonstration))
    wait_until(lambda: told().demonstrations == 5, 'all five')
    assert told().size == 0, 'no scene, no energies'
    scene.entities[1].movable = True
    refused = told(scene=scene)
    assert not refused.success and 'expected just one, the end effector' in refused.message


def test_a_demonstration_of_a_concept_is_replaced_and_the_last_one_shown_again(
    probe, send, learner, model
):
    demonstrations = shown(6, seed=3)
    teach(probe, send, 'mended', demonstrations[:5])
    before = codes(probe, 'mended').terms[0]
    changed = [demonstrations[5], *demonstrations[1:5]]
    replaced = ask(
        probe,
        srv.ReplaceDemonstration,
        'replace_demonstration',
        number=1,
        demonstration=message('mended', changed[0]),
    )
    assert replaced.success and replaced.message.endswith('inferred anew')
    after = codes(probe, 'mended').terms[0]
    expected = model.infer(changed, in_time=False).action_code
    np.testing.assert_allclose(after.action_code, expected, rtol=1e-4, atol=1e-5)
    assert list(after.action_code) != list(before.action_code)
    # The last one is undone and shown anew: four were kept, the fifth makes the concept again.
    assert by_name(probe, 'undo_demonstration', 'mended').message == 'mended: 4 of 5'
    send(message('mended', demonstrations[0]))
    expected = model.infer([*changed[:4], demonstrations[0]], in_time=False).action_code

    def is_anew():
        return np.allclose(codes(probe, 'mended').terms[0].action_code, expected, rtol=1e-4)

    wait_until(is_anew, 'the concept anew')


def test_identify_and_generate_do_what_the_model_does_in_the_frame_of_the_scene(
    probe, send, learner, model
):
    teach(probe, send, 'meant', shown(seed=4))
    term = codes(probe, 'meant').terms[0]
    scene = shown(1, seed=5)[0].before
    request = message('meant', shown(1, seed=5)[0]).states[0]
    request.header.frame_id = WORKSPACE.particle_frame
    identified = ask(probe, srv.Identify, 'identify', concept='meant', scene=request)
    assert identified.success
    expected = model.identify(scene, np.array(term.argument_code))
    assert list(identified.attention) == expected.tolist()
    attention = np.ones(len(scene))
    in_base = message('meant', shown(1, seed=5)[0]).states[0]
    in_base.header.frame_id = WORKSPACE.base_frame
    for entity, place in zip(in_base.entities, WORKSPACE.to_base(scene.positions), strict=True):
        entity.pose.position.x, entity.pose.position.y = map(float, place)
    moved = model.generate(scene, attention, np.array(term.action_code)).positions
    for given, places in ((request, moved), (in_base, WORKSPACE.to_base(moved))):
        answer = ask(
            probe,
            srv.Generate,
            'generate',
            concept='meant',
            scene=given,
            attention=attention.tolist(),
        )
        assert answer.success, answer.message
        assert answer.scene.header.frame_id == given.header.frame_id
        got = [(e.pose.position.x, e.pose.position.y) for e in answer.scene.entities]
        np.testing.assert_allclose(got, places, atol=1e-4)


def test_requests_that_make_no_sense_are_refused_with_field_and_reason(probe, send, learner):
    teach(probe, send, 'known', shown(seed=6))
    scene = message('known', shown(1)[0]).states[0]
    scene.header.frame_id = WORKSPACE.particle_frame
    bad = message('known', shown(1)[0]).states[0]
    bad.header.frame_id = WORKSPACE.particle_frame
    bad.entities[0].pose.position.x = math.nan
    still = deepcopy(scene)
    for entity in still.entities:
        entity.movable = False
    far = message('known', shown(1)[0])
    far.attention = far.attention[:1]
    nan = math.nan
    for kind, service, fields, reason in (
        (srv.GetConcept, 'get_concept', {'concepts': []}, 'concepts: 0 given'),
        (srv.GetConcept, 'get_concept', {'concepts': ['nobody']}, "'nobody' is not in"),
        (srv.GetConcept, 'get_concept', {'concepts': ['known'] * 2}, 'is there already'),
        (
            srv.GetConcept,
            'get_concept',
            {'concepts': ['known'], 'weights': [nan]},
            'weights[0]: nan',
        ),
        (srv.GetConcept, 'get_concept', {'concepts': ['known'], 'weights': [0.0]}, 'all are 0'),
        (srv.ConceptByName, 'save_concept', {'name': 'nobody'}, "'nobody' has not been learned"),
        (srv.ConceptByName, 'save_concept', {'name': ''}, 'has not been learned'),
        (srv.ConceptByName, 'load_concept', {'name': '../../etc'}, 'is not in'),
        (srv.ConceptByName, 'delete_concept', {'name': 'nobody'}, "'nobody' is not in"),
        (
            srv.ReplaceDemonstration,
            'replace_demonstration',
            {'number': 6, 'demonstration': message('known', shown(1)[0])},
            "number: 6 refused, of 'known' there are 1 to 5",
        ),
        (
            srv.ReplaceDemonstration,
            'replace_demonstration',
            {'number': 1, 'demonstration': far},
            'demonstration.attention: 1 values',
        ),
        (srv.Identify, 'identify', {'concept': 'known', 'scene': bad}, 'position.x: nan'),
        (srv.Identify, 'identify', {'concept': 'nobody', 'scene': scene}, "'nobody' is not in"),
        (
            srv.Generate,
            'generate',
            {'concept': 'known', 'scene': scene, 'attention': [2.0] * len(scene.entities)},
            'attention[0]: 2.0 is not within [0, 1]',
        ),
        (
            srv.Generate,
            'generate',
            {'concept': 'known', 'scene': scene, 'attention': [0.0] * len(scene.entities)},
            'no movable entity is attended to',
        ),
        (
            srv.Satisfied,
            'satisfied',
            {'concept': 'known', 'scene': scene, 'tolerance_m': -0.1},
            'tolerance_m: -0.1 is not within [0, 1]',
        ),
        (srv.Satisfied, 'satisfied', {'concept': 'known', 'scene': still}, '0 are movable'),
    ):
        answer = ask(probe, kind, service, **fields)
        assert not answer.success and reason in answer.message, (service, answer.message)
        probe.wait_for_report(f'concept_learner: {service}: refused', reason)
    assert codes(probe, 'known').name == 'known'


def test_a_damaged_entry_is_named_and_the_others_are_there(probe, send, learner, library):
    teach(probe, send, 'whole', shown(seed=7))
    for name in ('whole', 'broken'):
        library.save(name, shown(seed=7))
    (library.folder / 'broken' / DEMONSTRATIONS).write_text('{"format": 1, ')
    listed = ask(probe, srv.ListConcepts, 'list_concepts')
    assert listed.success and 'whole' in [c.name for c in listed.concepts if c.is_saved]
    assert len(listed.damaged) == 1 and 'broken' in listed.damaged[0]
    probe.wait_for_report('concept_learner: library: refused', 'broken', 'not JSON')
    refused = by_name(probe, 'load_concept', 'broken')
    assert not refused.success and 'not JSON' in refused.message
    assert by_name(probe, 'delete_concept', 'broken').success
    assert not ask(probe, srv.ListConcepts, 'list_concepts').damaged


def test_a_sum_takes_what_is_in_the_library(probe, send, learner, library):
    teach(probe, send, 'here', shown(seed=8))
    library.save('there', shown(seed=9))
    assert not summary(probe, 'there').is_known
    summed = codes(probe, 'here', 'there', weights=(1, 0.5))
    assert summed.name == '1 here + 0.5 there'
    assert [term.weight for term in summed.terms] == [1.0, 0.5]
    assert by_name(probe, 'delete_concept', 'there').success
    assert summary(probe, 'there') is None
    heard = probe.listen(ros.Concept, 'concept', qos.LATCHED)
    library.save('topical', shown(seed=10))
    compositions = probe.publisher(ros.Composition, 'composition', qos.LATCHED)
    compositions.publish(ros.Composition(concepts=['topical'], weights=[1.0]))
    wait_until(lambda: [c for c in list(heard) if c.name == 'topical'], 'the concept')


def test_on_a_full_disk_nothing_is_saved_and_the_former_stays(probe, send, learner, library):
    teach(probe, send, 'roomy', shown(seed=5))
    assert by_name(probe, 'save_concept', 'roomy').success
    entry = library.folder / 'roomy'
    before = {path.name: path.read_bytes() for path in entry.iterdir()}
    with full_disk(learner.process.pid, 500):
        answer = by_name(probe, 'save_concept', 'roomy')
        assert not answer.success and 'roomy' in answer.message
        assert 'cannot be written (File too large)' in answer.message
        probe.wait_for_report('concept_learner: save_concept: refused', 'cannot be written')
        assert {path.name: path.read_bytes() for path in entry.iterdir()} == before
        assert codes(probe, 'roomy').name == 'roomy'
    assert by_name(probe, 'save_concept', 'roomy').success


def test_in_a_folder_that_nobody_may_write_to_saving_is_refused(probe, weights, tmp_path):
    folder = tmp_path / 'library'
    if os.geteuid() == 0:  # who may write to every folder
        folder.touch()
        folder, why = folder / 'inner', 'Not a directory'
    else:
        folder.mkdir(mode=0o555)
        why = 'Permission denied'
    remap = {'__node': 'reader', 'demonstrations': 'reader/demonstrations', 'concept': 'read'}
    given = {'model_dir': weights, 'library_dir': folder, 'min_demonstrations': 2}
    with running('concept_learner', tmp_path, remap=remap, **given) as reader:
        reader.wait_for_log('ready')
        publisher = probe.publisher(ros.Demonstration, 'reader/demonstrations', qos.DEMONSTRATIONS)
        for demonstration in shown(2):
            publisher.publish(message('unsaved', demonstration))
        reader.wait_for_log('unsaved: 2 of 2')
        request = srv.ConceptByName.Request(name='unsaved')
        answer = probe.call(srv.ConceptByName, 'reader/save_concept', request)
        assert not answer.success and f'cannot be written ({why})' in answer.message
        probe.wait_for_report('reader: save_concept: refused', why)
        got = probe.call(
            srv.GetConcept, 'reader/get_concept', srv.GetConcept.Request(concepts=['unsaved'])
        )
        assert got.success, got.message


def test_without_a_library_what_needs_one_is_refused(probe, weights, tmp_path):
    with running('concept_learner', tmp_path, model_dir=weights, remap={'__node': 'bare'}) as bare:
        bare.wait_for_log('ready')
        request = srv.ConceptByName.Request(name='any')
        answer = probe.call(srv.ConceptByName, 'bare/load_concept', request)
        assert not answer.success and answer.message.startswith('parameter library_dir: empty')
