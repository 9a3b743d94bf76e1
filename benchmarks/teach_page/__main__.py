# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Teaches in a real browser with the mouse, then has the arm do it on one table after another.

    python -m benchmarks.teach_page --tables 10
    python -m benchmarks.teach_page --tables 1 --pictures docs/pictures

What is taught is *so far right of the triangle*, by five drags on the page of teach.launch.py. The
concept is saved, and on every further table opened from the library by nodes that are started anew.
Tables are random, and all runs are in lockstep, so that other work on the machine changes nothing.
Off is how far the hand is in the end from what was meant. Needs the built package and a browser.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from benchmarks.teach_page.browser import TaughtPage, browser
from benchmarks.teach_page.serving import served
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.page.lesson import random_board
from ebm_concept_ros.workspace import load_workspace

NAME = 'right of the triangle'
OFF = (0.2, 0.0)  # particle units
NEAR_M = 0.02


def table(seed: int, folder: Path) -> Path:
    """Write a random table on which what is meant is within reach; JSON is YAML."""
    workspace = load_workspace(package_path('', WORKSPACE))
    rng = np.random.default_rng(seed)
    while True:
        things = random_board(rng).things
        (triangle,) = (thing for thing in things if thing.shape == 'triangle')
        if max(abs(triangle.x + OFF[0]), abs(triangle.y + OFF[1])) < 0.8:
            break
    entities = [
        {
            'id': thing.id,
            'position_in_base_m': workspace.to_base(np.array(thing.place)).round(4).tolist(),
            'colour': thing.colour,
            'shape': thing.shape,
        }
        for thing in things
    ]
    path = folder / f'table_{seed}.yaml'
    path.write_text(json.dumps({'entities': entities}), encoding='utf-8')
    return path


def off_m(page: TaughtPage) -> float:
    """Return how far the hand is from what was meant, m."""
    meant = page.thing('triangle', 'table')
    metres = page.last['about']['metres_per_unit']
    return metres * math.dist(page.hand(), (meant['x'] + OFF[0], meant['y'] + OFF[1]))


class Pictures:
    """Takes a picture of each state of the page; folder: None, and it takes none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def take(self, page: TaughtPage, name: str) -> None:
        """Take one."""
        if self._folder is not None:
            page.page.mouse.move(0, 0)
            page.page.wait_for_timeout(300)
            page.page.screenshot(path=self._folder / f'teach_{name}.png')


def teach(page: TaughtPage, pictures: Pictures) -> None:
    """Teach the concept by five drags, and save it."""
    page.page.fill('#name', NAME)
    page.page.click('#teach')
    page.wait(lambda: page.state['name'] == NAME, 'the name')
    pictures.take(page, 'begin')
    for number in range(1, 6):
        page.show(OFF)
        page.wait_for_verdict()
        if number == 2:
            pictures.take(page, 'two')
    page.wait(lambda: page.last['heat']['size'] > 0, 'the heat map')
    pictures.take(page, 'understood')
    page.page.click('#save')
    page.wait(lambda: any(c['is_saved'] for c in page.state['library']), 'it saved')


def contradict(page: TaughtPage, pictures: Pictures) -> None:
    """Show one example otherwise, for the picture of it, and again as it is meant."""
    for off, name in (((-0.5, 0.3), 'contradiction'), (OFF, '')):
        page.page.locator('#thumbs canvas').nth(2).click()
        page.wait(lambda: page.state['selected'] == 3, 'example 3 on the board')
        page.show(off)
        page.wait_for_verdict()
        if name:
            pictures.take(page, name)
    page.wait(lambda: page.state['verdict']['may_run'], 'it understood again')


def run(page: TaughtPage, pictures: Pictures) -> tuple[bool, float]:
    """Have it run; return whether the arm says that it is there, and how far off it is, m."""
    page.wait(lambda: not page.page.is_disabled('#run'), 'it ready to run')
    before = page.hand() if 'live' in page.last else None
    page.page.click('#run')
    page.wait(lambda: page.state['running'] is not None, 'it running')
    page.wait(lambda: before is None or math.dist(page.hand(), before) > 0.15, 'it on its way')
    pictures.take(page, 'running')
    page.wait(lambda: page.state['running'] is None, 'the end of it')
    pictures.take(page, 'reached')
    return 'reached' in page.state['said'][-1], off_m(page)


def measure(
    started: Browser, tables: Sequence[int], folder: Path, pictures: Path | None
) -> Iterator[dict]:
    """Teach on the first table; yield what came of it on each."""
    for number, seed in enumerate(tables):
        shots = Pictures(pictures if number == 0 else None)
        in_lockstep = {'lockstep': 'true', 'connection_timeout_s': 10.0}
        with served(folder, scene_file=table(seed, folder), **in_lockstep) as (address, _):
            page = TaughtPage(started, address)
            page.wait(lambda p=page: 'Waiting' not in p.state['why_not'], 'all nodes')
            if number == 0:
                teach(page, shots)
                if pictures is not None:
                    contradict(page, shots)
            else:
                page.page.fill('#name', NAME)
                page.page.click('#teach')
            page.wait(lambda p=page: p.state['verdict']['may_run'], 'it understood')
            reached, off = run(page, shots)
            page.page.context.close()
        yield {'table': seed, 'reached': reached, 'off_m': off}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each table; the status is 0 where all are within NEAR_M."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--tables', type=int, default=10, help='how many')
    parser.add_argument('--first', type=int, default=1, help='seed of the first table')
    parser.add_argument('--pictures', type=Path, help='folder for pictures of the first table')
    parser.add_argument('--json', type=Path, help='file for every number')
    given = parser.parse_args(arguments)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    rows = []
    print('| table | the arm says | off (mm) |\n|---|---|---|')
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        seeds = range(given.first, given.first + given.tables)
        for row in measure(started, seeds, Path(folder), given.pictures):
            rows.append(row)
            said = 'reached' if row['reached'] else 'not reached'
            print(f'| {row["table"]} | {said} | {row["off_m"] * 1e3:.1f} |', flush=True)
    good = sum(row['off_m'] <= NEAR_M for row in rows)
    print(f'\n{good} of {len(rows)} within {NEAR_M * 1e3:g} mm of what was meant')
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding='utf-8')
    return 0 if good == len(rows) else 1


if __name__ == '__main__':
    sys.exit(main())
