# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Things are dragged to where they belong in a real browser, and an arm moves blocks so.

    python -m benchmarks.teach_page.things
    python -m benchmarks.teach_page.things --pictures docs/pictures

What is taught is *the triangle so far above the square*, by five drags on the page of
`teach.launch.py hand:=jaco`, in lockstep. Off is how far the triangle is in the end from what was
meant. Needs the built package and a browser.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.teach_page.browser import HALF_WIDTH, TaughtPage, browser
from benchmarks.teach_page.serving import served

NAME = 'above the square'
OFF = (0.0, 0.5)  # particle units
NEAR_M = 0.01
_SEEN_MS = 300


def meant(page: TaughtPage, where: str = 'board') -> tuple[float, float]:
    """Return where the triangle belongs, particle units."""
    square = page.thing('square', where)
    return square['x'] + OFF[0], square['y'] + OFF[1]


def off_m(page: TaughtPage) -> float:
    """Return how far the triangle on the table is from where it belongs, m."""
    triangle = page.thing('triangle', 'table')
    metres = page.last['about']['metres_per_unit']
    return metres * math.dist((triangle['x'], triangle['y']), meant(page, 'table'))


def drag(page: TaughtPage) -> None:
    """Drag the triangle to where it belongs, on a board with room for it."""
    while max(map(abs, meant(page))) > 0.95 * HALF_WIDTH:
        before = page.state['board']
        page.page.click('#shuffle')
        page.wait(lambda old=before: page.state['board'] != old, 'another arrangement')
    triangle = page.thing('triangle')
    page.drag('board', (triangle['x'], triangle['y']), meant(page))
    page.wait(lambda: triangle['id'] in page.state['board']['moves'], 'it moved')


def teach(page: TaughtPage, pictures: Path | None = None) -> None:
    """Teach the concept by five drags."""
    page.page.uncheck('#colours')  # or colours would say nothing, which takes more examples
    page.page.fill('#name', NAME)
    page.page.click('#teach')
    page.wait(lambda: page.state['name'] == NAME, 'the name')
    for number in range(1, 6):
        drag(page)
        if number == 1:  # beside which one a person says; later it is the one that looks like it
            square = page.thing('square')
            at = page.pixel('board', (square['x'], square['y']))
            page.page.locator('#board').click(position=at)
            page.wait(lambda id_=square['id']: id_ in page.state['takes_part'], 'the square')
        if number == 3:
            take(page, pictures, 'show')
        page.page.click('#show_moved')
        page.wait(lambda n=number: len(page.state['examples']) == n, 'one example more')
        page.wait_for_verdict()


def is_at(page: TaughtPage, stage: str) -> bool:
    """Tell whether the arm is at a stage of a move."""
    moving = page.last.get('progress', {}).get('moving')
    return moving is not None and moving['stage'] == stage


def take(page: TaughtPage, folder: Path | None, name: str) -> None:
    """Take a picture of the page; folder: None, and it takes none."""
    if folder is not None:
        page.page.wait_for_timeout(_SEEN_MS)
        page.page.screenshot(path=folder / f'teach_things_{name}.png')


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what came of it; the status is 0 where the triangle is within NEAR_M."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--pictures', type=Path, help='folder for pictures')
    given = parser.parse_args(arguments)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        nodes = {'hand': 'jaco', 'lockstep': 'true', 'connection_timeout_s': 10.0}
        with served(Path(folder), **nodes) as (address, _):
            page = TaughtPage(started, address)
            page.wait(lambda: page.state['moves_things'], 'an arranger')
            page.wait(lambda: 'Waiting' not in page.state['why_not'], 'all nodes')
            teach(page, given.pictures)
            page.wait(lambda: page.state['verdict']['may_run'], 'it understood')
            page.page.click('#run')
            page.wait(lambda: is_at(page, 'carry'), 'it carrying')
            take(page, given.pictures, 'carry')
            page.wait(lambda: page.state['running'] is None, 'the end of it')
            take(page, given.pictures, 'arranged')
            ended = page.state['ended']
            off = off_m(page)
            page.page.context.close()
    print(f'{ended["words"]} {off * 1e3:.1f} mm off')
    return 0 if ended['reached'] and off <= NEAR_M else 1


if __name__ == '__main__':
    sys.exit(main())
