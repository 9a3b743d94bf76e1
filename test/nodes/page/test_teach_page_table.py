# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Things on the live table are dragged, added and taken away, and the arm follows them."""

import math

import pytest
from teaching import OFF, drag_on_table, five_examples, import_file, off_m, place

from ebm_core.world.scene import COLOURS

NAME = 'next to it'


@pytest.fixture(scope='module', autouse=True)
def taught(page):
    import_file(page, NAME, five_examples(NAME))


def test_what_is_dragged_while_the_arm_rests_is_judged_where_it_is(page):
    start, end = place(page.thing('triangle', 'table')), (-0.6, 0.55)
    meant = end[0] + OFF[0], end[1] + OFF[1]
    drag_on_table(page, start, end)
    page.wait(lambda: math.dist(page.last['heat']['lowest'], meant) < 0.1, 'the new place')
    drag_on_table(page, end, start)


def test_things_come_and_go(page):
    before = page.state['table']
    colour = next(c for c in COLOURS if c not in {thing['colour'] for thing in before})
    page.page.select_option('#table_colour', colour)
    page.page.select_option('#table_shape', 'square')
    page.page.click('#table_add')
    page.wait(lambda: len(page.state['table']) == len(before) + 1, 'one more on the table')
    (new,) = (
        thing for thing in page.state['table'] if thing['id'] not in {t['id'] for t in before}
    )
    assert (new['colour'], new['shape']) == (colour, 'square')
    page.wait(lambda: new['id'] in page.last['heat']['attention'], 'it judged')
    page.page.locator('#table').click(position=page.pixel('table', place(new)))
    page.page.click('#table_remove')
    page.wait(lambda: page.state['table'] == before, 'it taken away')


def test_the_arm_follows_a_thing_that_is_dragged_while_it_moves(teaching, page):
    end, start = place(page.thing('triangle', 'table')), (-0.6, 0.55)
    page.page.click('#run')  # or it may be beside the other place already
    page.wait(lambda: page.state['running'], 'it running')
    with teaching.moving():
        page.wait(lambda: page.state['running'] is None, 'the end of the run')
    drag_on_table(page, end, start)
    teaching.start(page)
    drag_on_table(page, start, end)
    assert page.state['running']
    with teaching.moving():
        page.wait(lambda: page.state['running'] is None, 'the end of the run')
    assert 'reached' in page.state['said'][-1]
    assert math.dist(place(page.thing('triangle', 'table')), end) < 0.02
    page.wait(lambda: off_m(page) < 0.02, 'the arm there')
