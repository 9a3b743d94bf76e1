# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A concept library gives back what was saved, whatever happens to it and whoever else writes."""

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_core import SHAPES, Demonstration, get_concept
from ebm_core.library.entry import SavedCodes
from ebm_core.library.library import DEMONSTRATIONS, ConceptLibrary, LibraryError

SHA = 'a' * 64


def shown(name='between', number=2, seed=0):
    concept = get_concept(name)
    return concept.demonstrations(np.random.default_rng(seed), number, reference_colour='blue')


def roles_of(demonstration):
    references = demonstration.before.references(demonstration.attention)
    return references.cumsum() * references


SHOWN = shown()


@pytest.fixture
def library(tmp_path):
    return ConceptLibrary(tmp_path / 'library')


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert len(a.states) == len(b.states)
        for field in ('positions', 'colours', 'shapes', 'movable'):
            for state, other_state in zip(a.states, b.states, strict=True):
                assert np.array_equal(getattr(state, field), getattr(other_state, field))
        assert np.array_equal(a.attention, b.attention)
        assert (a.roles is None) == (b.roles is None)
        assert a.roles is None or np.array_equal(a.roles, b.roles)


def codes_of(concept, value=1.0, sha=SHA):
    return SavedCodes(
        model_sha256=sha,
        demonstrations_sha256=concept.digest,
        action_code=(value, 0.1),
        argument_code=(0.2, 0.3),
        action_energies=(1.0,),
        argument_energies=(2.0,),
        understanding=0.9,
        understanding_threshold=None,
    )


@pytest.mark.parametrize('name', ['between', 'red', 'follow', 'square'])
def test_what_is_saved_is_given_back_bit_for_bit(library, name):
    demonstrations = shown(name)
    first = demonstrations[0]
    if name == 'between':
        demonstrations.append(Demonstration(first.states, first.attention, roles_of(first)))
    saved = library.save('mine', demonstrations)
    loaded = library.load('mine')
    assert_same(loaded.demonstrations, demonstrations)
    assert (loaded.name, loaded.digest, loaded.saved_at) == ('mine', saved.digest, saved.saved_at)
    assert abs((datetime.now(UTC) - loaded.saved_at).total_seconds()) < 600


def test_a_person_can_read_it(library):
    library.save('north of it', SHOWN)
    text = (library.folder / 'north of it' / DEMONSTRATIONS).read_text()
    assert '"name": "north of it"' in text and '"saved_at": "20' in text
    states = sum(len(demonstration.states) for demonstration in SHOWN)
    assert sum('"positions"' in line for line in text.splitlines()) == states
    assert json.loads(text)['demonstrations'][0]['shapes'][0] in SHAPES


@given(st.text(max_size=60).filter(lambda text: not any('\ud800' <= c <= '\udfff' for c in text)))
@settings(max_examples=30, deadline=None)
def test_any_name_is_saved_under_itself_within_the_folder_or_refused(tmp_path_factory, name):
    library = ConceptLibrary(tmp_path_factory.mktemp('names'))
    try:
        library.save(name, SHOWN[:1])
    except LibraryError as error:
        assert 'concept' in str(error)
        assert not name or len(name.encode()) > 60
        return
    assert [concept.name for concept in library.contents().concepts] == [name]
    assert {path.name for path in library.folder.iterdir()} - {'.lock'} == {
        next(library.folder.glob(f'*/{DEMONSTRATIONS}')).parent.name
    }
    library.delete(name)
    assert library.contents().concepts == ()


@pytest.mark.parametrize('name', ['', 'x' * 201, '\udc80'])
def test_a_name_that_is_none_is_refused(library, name):
    for attempt in (library.load, library.delete, lambda n: library.save(n, SHOWN)):
        with pytest.raises(LibraryError, match='concept'):
            attempt(name)
    assert not library.folder.exists()


def test_what_is_unknown_is_refused_with_what_there_is(library):
    library.save('between', SHOWN)
    with pytest.raises(LibraryError, match=r"'beside' is not in .*; there are 'between'"):
        library.load('beside')
    with pytest.raises(LibraryError, match="'beside' is not in"):
        library.delete('beside')
    with pytest.raises(LibraryError, match='no demonstrations'):
        library.save('nothing', [])


def spoil(change):
    def spoiled(path):
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return spoiled


DAMAGES = {
    'cut off': (lambda path: path.write_bytes(path.read_bytes()[:200]), 'not JSON'),
    'empty': (lambda path: path.write_bytes(b''), 'not JSON'),
    'no text': (lambda path: path.write_bytes(b'\xff\xfe\x00'), 'not JSON'),
    'deep': (lambda path: path.write_text('[' * 100_000), 'not JSON'),
    'a list': (lambda path: path.write_text('[]'), 'refused'),
    'of later': (spoil(lambda c: c.update(format=2)), 'format: 2 is refused'),
    'other name': (spoil(lambda c: c.update(name='x')), "'x' is not that of its folder"),
    'unknown key': (spoil(lambda c: c.update(more=1)), 'more: unknown key'),
    'shape': (
        spoil(lambda c: c['demonstrations'][1]['shapes'].__setitem__(0, 'star')),
        "demonstrations.1.shapes: 'star' is unknown",
    ),
    'too few': (
        spoil(lambda c: c['demonstrations'][0]['states'].clear()),
        'demonstrations.0.states: 0 given',
    ),
    'far away': (
        spoil(lambda c: c['demonstrations'][0]['states'][0]['positions'].__setitem__(0, [9, 0])),
        'out of the workspace',
    ),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_a_damaged_entry_is_named_and_left_out_and_nothing_else_is_lost(library, damage):
    library.save('between', SHOWN)
    library.save('good', SHOWN)
    path = library.folder / 'between' / DEMONSTRATIONS
    change, reason = DAMAGES[damage]
    change(path)
    contents = library.contents()
    assert [concept.name for concept in contents.concepts] == ['good']
    (damaged,) = contents.damaged
    assert damaged.startswith(str(path)) and reason in damaged
    with pytest.raises(LibraryError):
        library.load('between')
    library.save('between', SHOWN)  # or deleted:
    assert library.contents().damaged == ()
    change(path)
    library.delete('between')
    assert not path.parent.exists() and library.contents().damaged == ()


def test_other_weights_and_other_demonstrations_have_their_codes_inferred_anew(library):
    library.save('between', SHOWN)
    asked = []

    def infer(value, sha=SHA):
        def codes(concept):
            asked.append(value)
            return codes_of(concept, value, sha)

        return codes

    def code(value, sha=SHA):
        return library.recall('between', sha, infer(value, sha))[1].action_code[0]

    other = 'b' * 64
    assert [code(1.0), code(2.0), code(3.0, other), code(4.0, other)] == [1.0, 1.0, 3.0, 3.0]
    library.save('between', shown(seed=1))
    assert [code(5.0), code(6.0)] == [5.0, 5.0]
    (library.folder / 'between' / f'codes-{SHA[:12]}.json').write_text('{')
    assert [code(7.0), code(8.0)] == [7.0, 7.0]
    assert asked == [1.0, 3.0, 5.0, 7.0]


def test_codes_of_what_was_deleted_do_not_bring_it_back(library):
    concept = library.save('between', SHOWN)
    library.delete('between')
    library.save_codes(concept, codes_of(concept))
    assert library.contents().concepts == () and not (library.folder / 'between').exists()


WRITER = """
import sys
from test_library import SHA, codes_of, shown
from ebm_core.library.library import ConceptLibrary, LibraryError
library, first = ConceptLibrary(sys.argv[1]), int(sys.argv[2])
print('ready', flush=True)
for number in range(first, first + int(sys.argv[3])):
    concept = library.save('shared', VERSIONS[number % 3])
    library.save_codes(concept, codes_of(concept))
    if number % 5 == 4:
        try:
            library.delete('shared')
        except LibraryError:  # by the other one
            pass
    print(number, flush=True)
""".replace('for number', 'VERSIONS = [shown(seed=seed) for seed in range(3)]\nfor number')


def writer(folder, first, rounds):
    return subprocess.Popen(
        [sys.executable, '-c', WRITER, str(folder), str(first), str(rounds)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': f'{Path(__file__).parent}:{os.pathsep.join(sys.path)}'},
    )


def assert_whole(library):
    """Nothing is damaged, and what is there is one of the versions that were saved."""
    contents = library.contents()
    assert contents.damaged == ()
    for concept in contents.concepts:
        if concept.name == 'shared':
            wanted = [shown(seed=seed)[0].before.positions for seed in range(3)]
            first = concept.demonstrations[0].before.positions
            assert any(np.array_equal(first, positions) for positions in wanted)
            assert library.codes(concept, SHA) in (None, codes_of(concept))
    return contents


def test_a_writer_that_is_killed_at_any_moment_leaves_every_entry_whole(library):
    library.save('other', SHOWN)
    process = writer(library.folder, 0, 10**6)
    try:
        for _ in range(8):  # an interpreter takes a second to start, so one has several victims
            pid = os.fork()
            if pid == 0:
                _write_until_killed(library)
            seen = process.stdout.readline()  # some moment of the two, which is never the same
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            assert seen
            contents = assert_whole(library)
            assert 'other' in [concept.name for concept in contents.concepts]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert_whole(library)
    library.save('shared', shown(seed=2))
    assert [c.name for c in library.contents().concepts] == ['other', 'shared']
    left = [path.name for path in (library.folder / 'shared').iterdir()]
    assert not [name for name in left if name.startswith(f'.{DEMONSTRATIONS}')]


def _write_until_killed(library):
    versions = [shown(seed=seed) for seed in range(3)]
    for number in itertools.count():
        concept = library.save('shared', versions[number % 3])
        library.save_codes(concept, codes_of(concept))


def test_two_processes_on_one_library_do_not_spoil_it(library):
    writers = [writer(library.folder, first, 40) for first in (0, 1)]
    for process in writers:
        assert process.stdout.readline() == 'ready\n'
    while any(process.poll() is None for process in writers):
        assert_whole(library)
    for process in writers:
        process.stdout.close()
        assert process.returncode == 0
    assert_whole(library)


def test_where_nothing_can_be_written_it_is_refused_and_the_former_stays(library, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(LibraryError, match=r'file.* cannot be written \(Not a directory\)'):
        ConceptLibrary(tmp_path / 'file' / 'library').save('between', SHOWN)
    former = library.save('between', SHOWN[:1])
    # As on a full disk: files may not grow beyond what has already been written.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(LibraryError, match='cannot be written'):
            library.save('between', SHOWN)
        with pytest.raises(LibraryError, match='cannot be written'):
            library.save('another', SHOWN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [(c.name, c.digest) for c in library.contents().concepts] == [('between', former.digest)]
    assert [path.name for path in (library.folder / 'between').iterdir()] == [DEMONSTRATIONS]


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_a_read_only_library_is_read_and_not_written_to(library):
    library.save('between', SHOWN)
    for path in (library.folder / 'between', library.folder):
        path.chmod(0o555)
    try:
        with pytest.raises(LibraryError, match='cannot be written'):
            library.save('another', SHOWN)
        with pytest.raises(LibraryError, match='cannot be written'):
            library.delete('between')
        assert library.recall('between', SHA, codes_of)[1].action_code[0] == 1.0
    finally:
        for path in (library.folder, library.folder / 'between'):
            path.chmod(0o755)
    assert [c.name for c in library.contents().concepts] == ['between']
