# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Things are dragged to where they belong, in a real browser, and the arm moves blocks so."""

from contextlib import ExitStack

import pytest
from harness import claim_domain, wait_until
from teaching import Teaching, drag_on_table, place

from benchmarks.teach_page.things import NAME, is_at, teach


@pytest.fixture(scope='module')
def things(teaching, tmp_path_factory):
    """Nodes with an arranger in a domain of their own, and the browser of the others."""
    domain, lock = claim_domain()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        stack.callback(lock.close)
        patch.setenv('ROS_DOMAIN_ID', str(domain))
        yield Teaching(stack, tmp_path_factory.mktemp('things'), teaching.browser, 'jaco')


def test_things_that_are_dragged_are_moved_by_the_arm_and_a_refusal_says_why(things):
    page = things.open()
    page.wait(lambda: page.state['moves_things'], 'an arranger')
    page.wait(lambda: 'Waiting' not in page.state['why_not'], 'all nodes')
    things.pause()
    teach(page)
    assert page.page.inner_text('#words').startswith('Understood (score')
    assert page.page.is_hidden('#speed') and page.last['heat']['size'] == 0

    square = page.thing('square', 'table')
    page.page.locator('#table').click(position=page.pixel('table', place(square)))
    page.page.click('#table_remove')
    page.wait(lambda: len(page.state['table']) == 3, 'no square')
    with things.moving():
        page.page.click('#run')
        page.wait(lambda: page.state['ended'] is not None, 'the end of the run')
    assert f'{NAME}: missing: ' in page.page.inner_text('#why')
    assert 'refused' in page.page.get_attribute('#why', 'class')

    page.page.select_option('#table_colour', square['colour'])
    page.page.select_option('#table_shape', 'square')
    page.page.click('#table_add')
    page.wait(lambda: len(page.state['table']) == 4, 'a square')
    drag_on_table(page, place(page.thing('square', 'table')), place(square))
    page.page.click('#run')
    page.wait(lambda: page.state['running'], 'it running')
    things.step_until(page, lambda: is_at(page, 'carry'), 'it carrying')
    page.page.click('#pause')
    page.wait(lambda: page.page.inner_text('#pause') == 'Resume', 'the button to go on')
    with things.moving():
        wait_until(lambda: things.statuses[-1].reason.endswith('paused'), 'the arm paused')
    assert page.page.inner_text('#stages .now') == 'carry'
    assert page.page.inner_text('#numbers').startswith(f'{NAME}: ')
    assert page.page.inner_text('#who') == 'Arranged: the red triangle, beside the blue square.'
    page.page.keyboard.press('Space')
    with things.moving():
        page.wait(lambda: page.state['running'] is None, 'the end of the run')
    assert page.page.inner_text('#why').startswith(f'{NAME}: stopped')
    wait_until(lambda: "holds 'triangle'" in things.statuses[-1].reason, 'it in the hand')
    assert page.errors == []
    page.page.context.close()
