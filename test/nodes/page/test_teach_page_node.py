# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A concept that has no name is taught in a real browser, with the mouse, and run by the arm."""

import math
import signal

from harness import wait_until
from std_srvs.srv import Trigger
from teaching import OFF, off_m


def test_five_drags_teach_a_concept_that_the_arm_then_does(teaching, page):
    page.page.click('#run', force=True)
    for number in range(5):
        page.show(OFF)
        verdict = page.wait_for_verdict()
        assert verdict['may_run'] == (number == 4), verdict
        example = page.state['examples'][number]
        part = [t for t in example['things'] if t['id'] in example['takes_part']]
        assert [t['shape'] for t in part] == ['triangle'], 'nobody had to click'
    page.wait(lambda: page.last['heat']['size'] > 0, 'the heat map')
    assert page.page.inner_text('#words').startswith('Understood (score')
    page.wait(lambda: page.page.inner_text('#who') == 'Would take part: the red triangle.', 'who')
    triangle = page.thing('triangle', 'table')
    lowest = page.last['heat']['lowest']
    assert math.dist(lowest, (triangle['x'] + OFF[0], triangle['y'] + OFF[1])) < 0.05
    assert all(s.state != s.TRACKING for s in teaching.statuses), 'nothing moves before Run'

    page.page.click('#run')
    with teaching.moving():
        page.wait(lambda: 'reached' in ''.join(page.state['said']), 'the end of the run')
    page.wait(lambda: off_m(page) < 0.02, 'the arm there')


def test_a_reload_and_a_second_page_show_all_that_was_shown(teaching, page):
    before = page.state['examples']
    page.page.reload()
    page.page.wait_for_selector('body[data-ready=true]')
    assert page.state['examples'] == before and page.state['verdict']['may_run']
    other = teaching.open()
    assert other.state['examples'] == before
    other.wait(lambda: 'heat' in other.last and other.last['heat']['size'] > 0, 'the heat map')
    other.page.fill('#name', 'another')
    other.page.click('#teach')
    page.wait(lambda: page.state['name'] == 'another', 'the name on both')
    other.page.fill('#name', 'my concept')
    other.page.click('#teach')
    page.wait(lambda: page.state['examples'] == before, 'the first concept again')
    other.page.context.close()


def test_a_contradictory_example_is_named_and_the_arm_not_run(page):
    page.page.locator('#thumbs canvas').nth(1).click()
    page.wait(lambda: page.state['selected'] == 2, 'example 2 on the board')
    page.show((-0.5, 0.3))
    verdict = page.wait_for_verdict()
    assert verdict['level'] == 'bad' and 'Example 2 does not fit' in verdict['words']
    assert page.state['odd'] == 2 and not verdict['may_run']
    assert page.page.is_disabled('#run')
    # Shown again as it is meant, it fits.
    page.page.locator('#thumbs canvas').nth(1).click()
    page.wait(lambda: page.state['selected'] == 2, 'example 2 on the board')
    page.show(OFF)
    page.wait_for_verdict()
    page.wait(lambda: page.state['verdict']['may_run'], 'it understood again')


def test_a_learner_that_is_killed_is_shown_everything_again(teaching, page):
    teaching.learner_node.send(signal.SIGKILL)
    page.wait(lambda: page.state['why_not'] == 'Waiting for the learner.', 'it missed')
    assert len(page.state['examples']) == 5
    teaching.learner.close()
    teaching.start_learner()
    page.wait(lambda: 'it was shown them again' in page.state['said'][-1], 'it reminded')
    assert 'The learner is gone.' in page.state['said']
    page.wait(lambda: page.state['verdict']['may_run'] and not page.state['why_not'], 'all again')


def test_the_space_bar_stops_and_so_does_a_page_that_is_closed(teaching, page):
    def is_stopped():
        return teaching.statuses[-1].reason.startswith('stopped')

    def start_from_home(page):
        assert teaching.probe.call(Trigger, 'simulator/reset', Trigger.Request()).success
        teaching.start(page)

    start_from_home(page)
    page.page.focus('#undo')
    page.page.keyboard.press('Space')
    page.wait(lambda: page.state['running'] is None, 'the end of the run')
    with teaching.moving():
        wait_until(is_stopped, 'the arm stopped')
    assert len(page.state['examples']) == 5, 'the button in focus was not pressed'

    other = teaching.open()
    start_from_home(other)
    wait_until(lambda: not is_stopped(), 'the arm not stopped any more')
    other.page.context.close()
    page.wait(lambda: 'its connection was lost' in ' '.join(page.state['said']), 'why')
    with teaching.moving():
        wait_until(is_stopped, 'the arm stopped')
