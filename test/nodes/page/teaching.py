# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The nodes that teaching needs, a browser, and what is taught in it."""

import math
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from harness import Probe, running, set_simulation_state, step_simulation, wait_until

import ebm_concept_ros.msg as ros
from benchmarks.teach_page.browser import NoBrowser, TaughtPage, browser
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.page.files import to_text
from ebm_concept_ros.page.lesson import HAND, Example, random_board

ROOT = Path(__file__).parents[3]
OPEN = ROOT / 'models' / 'open'
OFF = (0.2, 0.0)  # right of the triangle, particle units
# The nodes share the machine with the browser and whatever else is tested: seconds of silence are
# nothing there. What shorter ones do is tested without them.
SILENT_S = 10.0


class Teaching:
    """The nodes of teach.launch.py in lockstep, and a browser; hand: as there.

    Simulated time stands still but where something is to move: it would take both cores.
    """

    def __init__(self, stack, folder, started=None, hand=''):
        self.stack, self.folder = stack, folder
        try:
            self.browser = started or stack.enter_context(browser())
        except NoBrowser as error:
            pytest.skip(f'{error}; nothing of the page was tried')
        self.probe = Probe()
        stack.callback(self.probe.close)
        self.statuses = self.probe.listen(ros.ControllerStatus, 'controller/status', qos.STATUS)
        self.learner = ExitStack()
        stack.callback(self.learner.close)
        self.start_learner()
        hand = {'hand': hand} if hand else {}
        self._start_arm(hand)
        self.bags = folder / 'bags'
        recorder = running('bag_recorder', folder, bag_dir=self.bags, record_at_start=False)
        stack.enter_context(recorder)
        patient = {'connection_timeout_s': SILENT_S, 'answer_timeout_s': 60.0}
        page = running('teach_page', folder, port=0, **patient, **hand)
        node = stack.enter_context(page)
        wait_until(lambda: 'Ready. Open ' in node.out, 'all nodes')
        self.address = node.out.split('Ready. Open ')[1].split()[0]

    def _start_arm(self, hand):
        scene = ROOT / 'config' / ('teach_blocks.yaml' if hand else 'teach_table.yaml')
        table = {'scene_file': scene}
        if hand:
            half = {'lockstep': True, 'state_rate': 250.0}  # of the work
            driver = running('arranger', self.folder, model_dir=OPEN, **hand, **half)
            table |= {'rate': 250.0, 'scene_rate': 50.0, **hand}
        else:
            given = {'lockstep': True, 'follow_topic': False, 'goal_margin': 0.5}
            driver = running('controller', self.folder, model_dir=OPEN, **given)
        self.driver = self.stack.enter_context(driver)
        self.stack.enter_context(running('simulator', self.folder, lockstep=True, **table))

    def pause(self):
        set_simulation_state(self.probe, ros.SimulationState.STATE_PAUSED)

    @contextmanager
    def moving(self):
        """Let time pass."""
        set_simulation_state(self.probe, ros.SimulationState.STATE_PLAYING)
        try:
            yield
        finally:
            self.pause()

    def start(self, page):
        """Have the arm set out, and let time pass until it is on its way."""
        page.wait(lambda: 'live' in page.last, 'where the arm is')
        hand = page.hand()
        page.page.click('#run')
        page.wait(lambda: page.state['running'], 'it running')
        self.step_until(page, lambda: math.dist(page.hand(), hand) >= 0.05, 'the arm on its way')

    def step_until(self, page, holds, what):
        """Let time pass in little steps, so that it stands still as soon as it holds."""
        for _ in range(500):
            if holds():
                return
            step_simulation(self.probe, 20)
            page.page.wait_for_timeout(50)
        raise AssertionError(f'waited 10 000 steps for {what}')

    def start_learner(self):
        given = {'model_dir': OPEN, 'library_dir': self.folder / 'library'}
        self.learner_node = self.learner.enter_context(
            running('concept_learner', self.folder, **given)
        )

    def open(self, **given):
        page = TaughtPage(self.browser, self.address, **given)
        self.stack.callback(page.page.context.close)
        return page


def five_examples(name, off=OFF):
    """Return the text of a file with five examples: the hand goes so far off the triangle."""
    rng, examples = np.random.default_rng(1), []
    for _ in range(5):
        board = random_board(rng)
        (triangle,) = (thing for thing in board.things if thing.shape == 'triangle')
        after = (triangle.x + off[0], triangle.y + off[1])
        examples.append(Example(board, {HAND: after}, frozenset([triangle.id])))
    return to_text(name, examples)


def import_file(page, name, text):
    """Import a file in the browser; wait until what it holds is understood.

    The name must be a new one: of an old one, what was said before would do.
    """
    assert name != page.state['name']
    heats = page.numbers['heat']
    file = {'name': 'concept.json', 'mimeType': 'application/json', 'buffer': text.encode()}
    page.page.set_input_files('#file', file)
    page.wait(lambda: page.state['name'] == name and page.state['verdict']['may_run'], name)
    page.wait(
        lambda: page.numbers['heat'] > heats and page.last['heat']['size'] > 0, 'the heat map'
    )


def off_m(page, off=OFF):
    """Return how far the hand is from what is meant, m."""
    meant = page.thing('triangle', 'table')
    return 0.25 * math.dist(page.hand(), (meant['x'] + off[0], meant['y'] + off[1]))


def place(thing):
    return thing['x'], thing['y']


def drag_on_table(page, start, end):
    """Drag what is at start on the table; wait until it is at the end."""

    def is_there():
        return any(math.dist(place(thing), end) < 0.02 for thing in page.state['table'])

    page.drag('table', start, end)
    page.wait(is_there, 'the thing where it was dropped')
