# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page in a real browser without a window, dragged with the mouse."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

# For things that must happen, on however busy a machine. Nothing waits this long that works.
PATIENCE_S = 120.0
_LOOK_MS = 20
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
_WHEN_DRAWN = '() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))'
HALF_WIDTH = 1.25  # of the plans, particle units
# Nothing but the page is loaded, and a container gives no sandbox and no graphics card.
FLAGS = (
    *('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'),
    *('--disable-background-networking', '--disable-component-update', '--disable-sync'),
    '--disable-dev-shm-usage',
)


class NoBrowser(RuntimeError):
    """None is installed; the message says what to install."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser that is installed; raises NoBrowser."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise NoBrowser(f'NO BROWSER: apt install {BROWSERS[0]}')
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


class TaughtPage:
    """One page, the last of each kind of message that its server sent, and how many there were."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        size: tuple[int, int] = (1280, 720),
        has_touch: bool = False,
    ) -> None:
        self.last: dict[str, dict] = {}
        self.numbers: Counter[str] = Counter()
        self.released_ns = 0  # when the mouse was released last, ns on the system clock
        self.errors: list[str] = []
        context = browser.new_context(
            viewport={'width': size[0], 'height': size[1]}, has_touch=has_touch
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        self.page: Page = context.new_page()
        self.page.on('pageerror', lambda error: self.errors.append(str(error)))
        self.page.on('console', lambda said: said.type == 'error' and self.errors.append(said.text))
        self.page.on('websocket', lambda socket: socket.on('framereceived', self._hear))
        self.page.goto(address)
        self.page.wait_for_selector('body[data-ready=true]')

    def _hear(self, text: str) -> None:
        message = json.loads(text)
        self.last[message['type']] = message
        self.numbers[message['type']] += 1

    @property
    def state(self) -> dict:
        """What the server said last that everything is."""
        return self.last['state']

    def wait(self, holds: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until it holds, while the page goes on; raises TimeoutError."""
        for _ in range(round(timeout_s * 1000 / _LOOK_MS)):
            if holds():
                return
            self.page.wait_for_timeout(_LOOK_MS)
        raise TimeoutError(f'waited {timeout_s:g} s for {what}; said {self.state["said"]}')

    def pixel(self, plan: str, place: tuple) -> dict[str, float]:
        """Return where a place is on a plan, in pixels from its upper left corner."""
        box = self.page.locator(f'#{plan}').bounding_box()
        x, y = (v / HALF_WIDTH for v in place)
        return {'x': (x + 1) / 2 * box['width'], 'y': (1 - y) / 2 * box['height']}

    def on_screen(self, plan: str, place: tuple) -> tuple[float, float]:
        """Return where a place of a plan is on the screen, in pixels."""
        box, at = self.page.locator(f'#{plan}').bounding_box(), self.pixel(plan, place)
        return box['x'] + at['x'], box['y'] + at['y']

    def drag(self, plan: str, start: tuple, end: tuple) -> None:
        """Drag with the mouse on a plan ('board' or 'table'), from place to place."""
        # What a message says is heard here before the page has drawn it.
        self.page.evaluate(_WHEN_DRAWN)
        (x0, y0), (x1, y1) = self.on_screen(plan, start), self.on_screen(plan, end)
        mouse = self.page.mouse
        mouse.move(x0, y0)
        mouse.down()
        mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
        mouse.move(x1, y1)
        self.released_ns = time.time_ns()
        mouse.up()

    def thing(self, shape: str, where: str = 'board') -> dict:
        """Return the first thing of a shape on the board, or on the table."""
        things = self.state['table'] if where == 'table' else self.state['board']['things']
        return next(thing for thing in things if thing['shape'] == shape)

    def show(self, off: tuple[float, float], shape: str = 'triangle') -> None:
        """Show one example: the hand goes so far off the thing of that shape."""
        number, selected = len(self.state['examples']), self.state['selected']
        # What is meant may lie off the board; another arrangement helps, as it would a person.
        while True:
            thing = self.thing(shape)
            end = thing['x'] + off[0], thing['y'] + off[1]
            if max(map(abs, end)) < HALF_WIDTH or selected:
                break
            self.page.click('#shuffle')
            self.wait(lambda old=thing: self.thing(shape) != old, 'another arrangement')
        board = self.state['board']
        before = board['moves'].get('hand', board['hand'])
        self.drag('board', before, end)
        if selected:
            self.wait(lambda: not self.state['selected'], 'the example in its place')
        else:
            self.wait(lambda: len(self.state['examples']) > number, 'one example more')

    def wait_for_verdict(self) -> dict:
        """Wait until the learner has answered; return what is said of the examples."""
        self.wait(
            lambda: self.state['verdict']['words'] != 'The learner is being asked …', 'a verdict'
        )
        return self.state['verdict']

    def hand(self) -> tuple[float, float]:
        """Return where the arm's hand is, particle units."""
        return tuple(self.last['live']['hand'])
