# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is shown on the page, without a browser: boards, examples, suggestions, files."""

import json

import numpy as np
import pytest

from ebm_concept_ros.page import files
from ebm_concept_ros.page.lesson import (
    HAND,
    MAX_THINGS,
    Board,
    Example,
    Thing,
    example_of,
    random_board,
)
from ebm_concept_ros.page.lessons import Lessons
from ebm_concept_ros.page.suggestions import suggested
from ebm_core import get_concept
from ebm_core.world.scene import InvalidInput


def thing(id_, colour, shape, x=0.0, y=0.0):
    return Thing(id_, colour, shape, x, y)


def example(*things, part):
    return Example(Board(things, (0.9, 0.9)), {HAND: (0.1, 0.0)}, frozenset(part))


TRIANGLE = thing('a', 'red', 'triangle')
SQUARE = thing('b', 'blue', 'square', 0.5)
FIRST = example(TRIANGLE, SQUARE, part=['a'])


def test_the_first_example_is_about_what_is_nearest_to_where_the_hand_was_brought():
    assert suggested([], [TRIANGLE, SQUARE], (0.4, 0.0)) == {'b'}
    assert suggested([], [TRIANGLE, SQUARE]) == set(), 'nobody knows before it was brought there'


def test_later_ones_are_about_what_looks_as_in_all_others():
    second = example(thing('x', 'green', 'triangle'), SQUARE, part=['x'])
    things = [thing('p', 'blue', 'triangle', 0.9), thing('q', 'red', 'square')]
    assert suggested([FIRST, second], things, (0.0, 0.0)) == {'p'}, 'by shape'
    second = example(thing('x', 'red', 'circle'), SQUARE, part=['x'])
    assert suggested([FIRST, second], things, (0.9, 0.0)) == {'q'}, 'by colour'
    # After one example, either may be meant: both look like it, the nearer one is.
    assert suggested([FIRST], things, (0.9, 0.1)) == {'p'}
    assert suggested([FIRST], things) == set()
    assert suggested([FIRST], [*things, thing('r', 'red', 'triangle', -1)], (0, 0)) == {'r'}


def test_as_many_are_suggested_as_took_part():
    between = example(TRIANGLE, SQUARE, thing('c', 'red', 'circle'), part=['a', 'b'])
    things = [
        thing(i, *look)
        for i, look in zip(
            'pqr', [('green', 'square'), ('blue', 'circle'), ('red', 'triangle')], strict=True
        )
    ]
    other = example(thing('x', 'green', 'triangle'), thing('y', 'red', 'square'), part=['x', 'y'])
    assert suggested([between, other], things) == {'p', 'r'}


def test_a_board_is_shuffled_with_every_colour_and_shape_on_it_again():
    rng = np.random.default_rng(0)
    board = random_board(rng)
    other = board.shuffled(rng, colours=True, shapes=True)
    for look in ('colour', 'shape'):
        assert sorted(getattr(t, look) for t in other.things) == sorted(
            getattr(t, look) for t in board.things
        )
    assert [t.id for t in other.things] == [t.id for t in board.things]
    same = board.shuffled(rng, colours=False, shapes=False)
    assert [t.look for t in same.things] == [t.look for t in board.things]
    assert all(t.place != u.place for t, u in zip(same.things, board.things, strict=True))


def test_things_are_added_until_the_board_is_full_and_removed_until_one_is_left():
    lessons = Lessons(5, 0)
    while len(lessons.message()['board']['things']) < MAX_THINGS:
        lessons.add('red', 'circle')
    with pytest.raises(InvalidInput, match='add: there are 8 things already'):
        lessons.add('red', 'circle')
    ids = [t['id'] for t in lessons.message()['board']['things']]
    assert len(set(ids)) == MAX_THINGS
    for id_ in ids[1:]:
        lessons.remove(id_)
    with pytest.raises(InvalidInput, match='the last thing stays'):
        lessons.remove(ids[0])
    with pytest.raises(InvalidInput, match="there is no 'x' on the board"):
        lessons.move('x', (0.0, 0.0))


def shown(number, name='my concept'):
    lessons = Lessons(5, 0)
    lessons.open(name)
    for _ in range(number):
        first = lessons.message()['board']['things'][0]
        lessons.take_part(first['id'], True)
        lessons.show((first['x'] + 0.2, first['y']))
    return lessons


def test_an_example_is_a_demonstration_of_the_hand_and_of_who_was_clicked():
    lessons = Lessons(5, 0)
    board = lessons.message()['board']
    second = board['things'][1]
    lessons.take_part(second['id'], True)
    number, demonstration = lessons.show((0.1, 0.2))
    assert number == 0
    np.testing.assert_allclose(demonstration.after.positions[0], (0.1, 0.2))
    np.testing.assert_allclose(demonstration.before.positions[0], board['hand'])
    assert demonstration.attention.tolist() == [1, 0, 1, 0, 0]
    assert demonstration.before.movable.tolist() == [True, *[False] * 4]
    assert lessons.message()['board'] != board, 'the next one is shown in another arrangement'


def test_what_shows_nothing_or_one_too_many_is_refused_and_nothing_changes():
    lessons = Lessons(5, 0)
    with pytest.raises(InvalidInput, match='the hand is where it was'):
        lessons.show(tuple(lessons.message()['board']['hand']))
    assert lessons.examples == []
    lessons = shown(5)
    with pytest.raises(InvalidInput, match='5 examples make a concept; delete one'):
        lessons.show((0.0, 0.0))
    assert len(lessons.examples) == 5


def test_an_example_is_shown_again_changed_and_deleted():
    lessons = shown(3)
    lessons.select(2)
    message = lessons.message()
    assert message['board']['things'] == message['examples'][1]['things']
    with pytest.raises(InvalidInput, match='it shows example 2 as it was'):
        lessons.shuffle(True, False)
    other = message['board']['things'][2]['id']
    number, demonstration = lessons.take_part(other, True)
    assert number == 2 and demonstration.attention.tolist() == [1, 1, 0, 1, 0]
    number, demonstration = lessons.show((-0.5, -0.5))
    assert number == 2 and demonstration.after.positions[0].tolist() == [-0.5, -0.5]
    assert lessons.selected == 0 and len(lessons.examples) == 3
    first, third = lessons.examples[0], lessons.examples[2]
    lessons.delete(2)
    assert lessons.examples == [first, third]
    with pytest.raises(InvalidInput, match='number: 3 refused, of 2 examples'):
        lessons.delete(3)
    lessons.open('another')
    assert lessons.examples == [] and lessons.of('my concept') == [first, third]


def moved(number, references=1):
    """Show that the first thing belongs right of the second."""
    lessons = Lessons(5, 0)
    lessons.have_things_moved(True)
    for _ in range(number):
        first, second = lessons.message()['board']['things'][:2]
        lessons.move(first['id'], (second['x'] + 0.3, second['y']))
        if references:
            lessons.take_part(second['id'], True)
        lessons.show_moved()
    return lessons


def test_an_example_of_things_is_of_those_that_were_moved_and_of_who_was_clicked():
    lessons = moved(0)
    message = lessons.message()
    assert message['moves_things'] and message['board']['hand'] is None
    first, second, third, *_ = message['board']['things']
    with pytest.raises(InvalidInput, match='drag what is to be moved'):
        lessons.show_moved()
    with pytest.raises(InvalidInput, match='there is no hand on the board'):
        lessons.show((0.0, 0.0))
    lessons.move(third['id'], (0.0, 0.0))
    lessons.move(third['id'], (third['x'], third['y']))  # it is put back
    lessons.move(first['id'], (0.5, 0.5))
    lessons.take_part(second['id'], True)
    with pytest.raises(InvalidInput, match='what is moved takes part'):
        lessons.take_part(first['id'], False)
    message = lessons.message()
    assert message['takes_part'] == [first['id'], second['id']]
    assert message['board']['moves'] == {first['id']: (0.5, 0.5)}
    number, demonstration = lessons.show_moved()
    before, after = demonstration.before, demonstration.after
    assert number == 0 and before.movable.tolist() == [True, *[False] * 3]
    assert demonstration.attention.tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(before.positions[0], (first['x'], first['y']))
    np.testing.assert_allclose(after.positions[0], (0.5, 0.5))
    np.testing.assert_array_equal(before.positions[1:], after.positions[1:])
    assert lessons.message()['board']['moves'] == {}, 'the next one begins anew'


def test_an_example_of_things_begins_where_they_are_put():
    lessons = moved(0)
    first, second, *_ = lessons.message()['board']['things']
    lessons.move(first['id'], (0.1, 0.2))
    lessons.start_here()
    assert lessons.message()['board']['moves'] == {}
    lessons.move(second['id'], (0.3, 0.4))
    _, demonstration = lessons.show_moved()
    assert demonstration.before.positions[0].tolist() == [0.1, 0.2]
    assert demonstration.before.movable.tolist() == [False, True, False, False]


def test_an_example_of_things_is_shown_again_and_others_suggest_who_stays():
    assert moved(1, references=0).message()['takes_part'] == [], 'it is about nobody else'
    lessons = moved(2)
    part = lessons.message()['takes_part']
    looks = {t['id']: (t['colour'], t['shape']) for t in lessons.message()['board']['things']}
    stayed = lessons.examples[0].references[0].shape
    assert [looks[id_][1] for id_ in part] == [stayed]
    lessons.select(1)
    (mover,) = lessons.message()['board']['moves']
    lessons.move(mover, (-0.7, -0.7))
    with pytest.raises(InvalidInput, match='it shows example 1 as it was'):
        lessons.start_here()
    number, demonstration = lessons.show_moved()
    assert number == 1 and demonstration.after.positions[0].tolist() == [-0.7, -0.7]
    assert demonstration.attention.tolist() == [1, 1, 0, 0]
    lessons.have_things_moved(False)
    assert lessons.message()['board']['hand'] is not None
    with pytest.raises(InvalidInput, match='the hand acts on this board'):
        lessons.show_moved()


def test_a_concept_is_of_the_hand_or_of_things_never_of_both():
    lessons = moved(2)
    lessons.have_things_moved(False)
    with pytest.raises(InvalidInput, match='was shown with things; give the next concept a name'):
        lessons.show((0.3, 0.2))
    assert len(lessons.examples) == 2


@pytest.mark.parametrize('shown', [shown, moved], ids=['hand', 'things'])
def test_the_file_of_a_concept_is_what_was_shown(shown):
    lessons = shown(3)
    name, examples = files.from_text(files.to_text('mine', lessons.examples))
    assert name == 'mine'
    for one, other in zip(examples, lessons.examples, strict=True):
        assert one.moves.keys() == other.moves.keys()
        given, expected = one.demonstration(), other.demonstration()
        np.testing.assert_array_equal(given.before.features(), expected.before.features())
        np.testing.assert_array_equal(given.after.features(), expected.after.features())
        np.testing.assert_array_equal(given.attention, expected.attention)
    # And so is one that was not shown on the page, whatever its colours.
    (foreign,) = get_concept('between').demonstrations(np.random.default_rng(0), 1)
    ((again,),) = (files.from_text(files.to_text('mine', [example_of(foreign)]))[1],)
    np.testing.assert_allclose(
        again.demonstration().before.features(), foreign.before.features(), atol=1e-6
    )


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (lambda file: file.update(format=2), 'format: '),
        (lambda file: file.update(more=1), 'more: Extra'),
        (lambda file: file.update(concept=''), 'concept: '),
        (lambda file: file.update(examples=[]), 'examples: '),
        (lambda file: file['examples'][0]['entities'][0].update(before=[1e9, 0]), 'example 1: pos'),
        (lambda file: file['examples'][0]['entities'][1].update(movable=True), 'example 1: demons'),
    ],
)
def test_a_file_that_is_none_is_refused_by_field(change, reason):
    file = json.loads(files.to_text('mine', shown(1).examples))
    change(file)
    with pytest.raises(InvalidInput) as refused:
        files.from_text(json.dumps(file))
    assert str(refused.value).startswith(reason)
