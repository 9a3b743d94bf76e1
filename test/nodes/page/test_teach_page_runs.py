# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sums, speed, pause, files and a bag from the page; the page under a finger, and on a tablet."""

import json
import math

import pytest
from harness import wait_until
from teaching import OFF, drag_on_table, five_examples, import_file, place

from ebm_concept_ros.bags.reading import opened

BESIDE, ABOVE = 'beside', 'above'
OFF_ABOVE = (0.0, 0.4)


@pytest.fixture(scope='module', autouse=True)
def taught(page):
    import_file(page, BESIDE, five_examples(BESIDE))
    import_file(page, ABOVE, five_examples(ABOVE, OFF_ABOVE))
    # The arm may be where one of them belongs already: it has a way to go with the triangle moved.
    before, elsewhere = place(page.thing('triangle', 'table')), (-0.6, 0.55)
    drag_on_table(page, before, elsewhere)
    yield
    drag_on_table(page, elsewhere, before)


def slide_speed(page, value):
    page.page.fill('#speed', str(value))


def slide_weight(page, name, value):
    page.page.get_by_label(f'weight of {name}', exact=True).fill(str(value))


def away(page, off, place):
    """Return how far a place is from one off the triangle, particle units."""
    triangle = page.thing('triangle', 'table')
    return math.dist(place, (triangle['x'] + off[0], triangle['y'] + off[1]))


def is_nearer(page, off, other, place):
    return away(page, off, place) < away(page, other, place)


def test_the_weights_of_a_sum_are_changed_while_the_arm_moves(teaching, page):
    page.page.click('#record')
    page.wait(lambda: page.state['recording'], 'a recording')
    for name in (BESIDE, ABOVE):
        page.page.get_by_label(f'{name} in the sum', exact=True).check()
    slide_weight(page, ABOVE, 0.1)
    page.wait(lambda: page.state['previewed'] == {BESIDE: 1, ABOVE: 0.1}, 'the sum')
    page.wait(lambda: is_nearer(page, OFF, OFF_ABOVE, page.last['heat']['lowest']), 'more beside')
    teaching.start(page)
    slide_weight(page, ABOVE, 2)
    slide_weight(page, BESIDE, 0.1)
    wanted = {BESIDE: 0.1, ABOVE: 2}
    page.wait(lambda: (page.state['running'] or {}).get('concepts') == wanted, 'the new sum')
    with teaching.moving():
        page.wait(lambda: page.state['running'] is None, 'the end of the run')
    assert page.state['said'][-1].startswith(f'{BESIDE} + {ABOVE}: reached')
    page.wait(
        lambda: math.dist(page.hand(), page.last['heat']['lowest']) < 0.08, 'the arm at the lowest'
    )
    assert is_nearer(page, OFF_ABOVE, OFF, page.hand())
    for name in (BESIDE, ABOVE):
        page.page.get_by_label(f'{name} in the sum', exact=True).uncheck()

    page.page.click('#record')
    page.wait(lambda: page.state['recording'] is False, 'the end of the recording')
    (path,) = teaching.bags.iterdir()
    assert page.state['said'][-1].endswith(f' messages in {path}.')
    with opened(path) as bag:
        assert {'/scene', '/joint_states', '/controller/status', '/concept'} <= set(bag.topics)


def test_a_paused_arm_goes_on_when_it_is_told_to(teaching, page):
    page.page.fill('#name', BESIDE)
    page.page.click('#teach')
    page.wait(lambda: page.state['name'] == BESIDE and page.state['verdict']['may_run'], BESIDE)
    slide_speed(page, 0.05)
    teaching.start(page)
    page.page.click('#pause')
    page.wait(lambda: page.page.inner_text('#pause') == 'Resume', 'the button to go on')
    with teaching.moving():
        wait_until(lambda: teaching.statuses[-1].reason.startswith('paused'), 'the arm paused')
        assert away(page, OFF, page.hand()) > 0.1, 'it is not there'
        slide_speed(page, 1)
        page.page.click('#pause')
        page.wait(lambda: page.state['running'] is None, 'the end of the run')
    assert 'reached' in page.state['said'][-1]
    page.wait(lambda: away(page, OFF, page.hand()) < 0.08, 'the arm there')


def test_a_concept_goes_into_a_file_and_comes_back(page):
    with page.page.expect_download() as download:
        page.page.click('#export')
    assert download.value.suggested_filename == f'{BESIDE}.json'
    text = download.value.path().read_text()
    assert json.loads(text) == json.loads(five_examples(BESIDE))
    page.page.set_input_files('#file', {'name': 'x', 'mimeType': 'x/x', 'buffer': b'{"format": 2}'})
    page.wait(lambda: 'Refused: format: ' in page.page.inner_text('#banner'), 'the reason')


def test_a_finger_on_a_tablet_shows_what_a_mouse_shows(teaching, page):
    tablet = teaching.open(size=(1024, 768), has_touch=True)
    tablet.page.fill('#name', 'by finger')
    tablet.page.tap('#teach')
    tablet.wait(lambda: tablet.state['name'] == 'by finger', 'the name')
    touch = tablet.page.context.new_cdp_session(tablet.page)

    def finger(kind, *places):
        points = [dict(zip('xy', tablet.on_screen('board', at), strict=True)) for at in places]
        touch.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': points})

    triangle, hand = tablet.thing('triangle'), tablet.state['board']['hand']
    end = triangle['x'] + OFF[0], triangle['y']
    finger('touchStart', hand)
    finger('touchMove', [(a + b) / 2 for a, b in zip(hand, end, strict=True)])
    finger('touchMove', end)
    finger('touchEnd')
    tablet.wait(lambda: len(tablet.state['examples']) == 1, 'an example')
    assert math.dist(tablet.state['examples'][0]['moves']['hand'], end) < 0.03
    square = tablet.thing('square')
    tablet.page.touchscreen.tap(*tablet.on_screen('board', (square['x'], square['y'])))
    tablet.wait(lambda: tablet.state['takes_part'] == [square['id']], 'the square taking part')
    tablet.page.tap('#undo')
    tablet.wait(lambda: not tablet.state['examples'], 'the example taken back')
    tablet.page.context.close()


OUT_OF_REACH = """() => {
  const wide = document.scrollingElement.scrollWidth > innerWidth ? ['the page is too wide'] : [];
  const shown = [...document.querySelectorAll('button, select, canvas, input')]
    .filter((e) => e.offsetParent !== null || getComputedStyle(e).position === 'fixed');
  return wide.concat(shown.filter((e) => {
    e.scrollIntoView({ block: 'center' });
    const box = e.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !(top && (e.contains(top) || e.closest('label')?.contains(top)));
  }).map((e) => e.id || e.title || e.ariaLabel));
}"""


@pytest.mark.parametrize('size', [(1280, 720), (1024, 768), (768, 1024), (360, 640)])
def test_nothing_is_out_of_reach_or_covered(page, size):
    page.page.set_viewport_size(dict(zip(('width', 'height'), size, strict=True)))
    assert page.page.evaluate(OUT_OF_REACH) == []
    page.page.evaluate('scrollTo(0, 0)')
    stop = page.page.locator('#stop').bounding_box()
    assert stop['y'] + stop['height'] <= size[1], 'Stop is seen without scrolling'
    page.page.set_viewport_size({'width': 1280, 'height': 720})
