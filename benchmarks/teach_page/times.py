# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How fast the page is in a real browser, beside nodes that run in real time.

    python -m benchmarks.teach_page.times

Start: from the request to a page that shows everything. Set out: from the release of the fifth
drag, with Run clicked as soon as it may be, to the first torque of a plan. Stop: from what stops
it (the space bar, a page that is closed) to the first torque that holds.
Frames: what a page is sent while the arm moves, and the server's processor time for it.

Delays of the arm are read from the bag of the session: from the newest joint state when something
was done to the state that the first such torque answers, in simulated time. A start is measured by
the clock. Needs the built package and a browser.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.teach_page.browser import TaughtPage, browser
from benchmarks.teach_page.serving import Served, served
from ebm_concept_ros.bags.reading import opened

OFF = (0.2, 0.0)  # right of the triangle, particle units
FRAMES_FOR_S = 2.0
SLOWLY, VISIBLY = '0.05', '0.2'  # shares of the arm's speed limits
MOVING, HOLDING = 2, 1  # states of the controller

# Playwright looks for what is not enabled yet after 20, 100, 100 and then every 500 ms.
RUN_AS_SOON_AS_IT_MAY_BE = """() => {
  const run = document.querySelector('#run');
  const look = () => run.disabled ? requestAnimationFrame(look) : run.click();
  look();
}"""

Done = list[tuple[str, int, int]]  # what was done, when, ns, and the state that it leads to


def starts_s(started: Browser, address: str, number: int) -> Iterator[float]:
    """Yield how long it takes from the request until a page shows state, energy and arm."""
    for _ in range(number):
        began_s = time.perf_counter()
        page = TaughtPage(started, address)
        page.wait(lambda p=page: {'state', 'heat', 'live'} <= p.numbers.keys(), 'all of it')
        yield time.perf_counter() - began_s
        page.page.context.close()


def teach_and_run(page: TaughtPage, done: Done) -> None:
    """Drag five examples, then click Run as soon as it may be."""
    for _ in range(4):
        page.show(OFF)
        page.wait_for_verdict()
    page.page.evaluate(RUN_AS_SOON_AS_IT_MAY_BE)
    page.show(OFF)
    done.append(('the release of the fifth drag', page.released_ns, MOVING))
    page.wait(lambda: page.state['running'], 'it running')
    page.wait(lambda: page.state['running'] is None, 'the end of the run')


def run_slowly(page: TaughtPage, speed: str = SLOWLY) -> None:
    """Have the arm do it again, slowly, over another table."""
    thing = page.thing('triangle', 'table')
    y = thing['y']
    page.drag('table', (thing['x'], y), (thing['x'], -0.5 if y > 0 else 0.5))
    page.wait(lambda: abs(page.thing('triangle', 'table')['y'] - y) > 0.4, 'it dragged')
    page.page.fill('#speed', speed)
    hand = page.hand()
    page.page.click('#run:enabled')
    page.wait(lambda: page.state['running'] and page.hand() != hand, 'it moving')


def stop(page: TaughtPage, watching: TaughtPage, done: Done, what: str, act: Callable) -> None:
    """Have the arm of a page stopped."""
    run_slowly(page)
    done.append((what, time.time_ns(), HOLDING))
    act()
    watching.wait(lambda: watching.state['running'] is None, f'a stop after {what}')


def cpu_s(process_id: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f'/proc/{process_id}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def child(process_id: int, name: str) -> int:
    """Return the process of a name that another one has started."""
    children = Path(f'/proc/{process_id}/task/{process_id}/children').read_text().split()
    return next(int(c) for c in children if f'/{name}\0' in Path(f'/proc/{c}/cmdline').read_text())


def frames(page: TaughtPage, launch_id: int) -> tuple[float, float]:
    """Return frames a second while the arm moves, and the server's share of a core."""
    run_slowly(page, VISIBLY)
    server = child(launch_id, 'teach_page')
    number, used_s, began_s = page.numbers['live'], cpu_s(server), time.perf_counter()
    page.page.wait_for_timeout(FRAMES_FOR_S * 1000)
    took_s = time.perf_counter() - began_s
    assert page.state['running'], page.state['said']
    rate, share = (page.numbers['live'] - number) / took_s, (cpu_s(server) - used_s) / took_s
    page.page.click('#stop')
    page.wait(lambda: page.state['running'] is None, 'the end of the run')
    return rate, share


def delays_s(path: Path, done: Done) -> Iterator[tuple[str, float]]:
    """Yield how long after each thing that was done the controller's state came to its torques."""

    def stamp_s(message: object) -> float:
        stamp = message.header.stamp
        return stamp.sec + stamp.nanosec / 1e9

    with opened(path) as bag:
        states = [
            (time_ns, stamp_s(m))
            for time_ns, m in bag.messages('sensor_msgs/msg/JointState', 'joint_states')
        ]
        statuses = [
            (stamp_s(m), m.state)
            for _, m in bag.messages('ebm_concept_ros/msg/ControllerStatus', 'controller/status')
        ]
    for what, time_ns, state in done:
        _, then_s = states[bisect_right(states, (time_ns, float('inf'))) - 1]
        first_s = min(at_s for at_s, s in statuses if s == state and at_s >= then_s)
        yield what, first_s - then_s


def measure(started: Browser, nodes: Served, folder: Path, number: int) -> Iterator[str]:
    """Yield rows of a table: what, measured, bar."""
    watching = TaughtPage(started, nodes.address)
    watching.wait(lambda: not watching.state['why_not'].startswith('Waiting'), 'all nodes')
    watching.page.click('#record')
    watching.wait(lambda: watching.state['recording'], 'a recording')
    done: Done = []
    page = TaughtPage(started, nodes.address)
    teach_and_run(page, done)
    times_s = list(starts_s(started, nodes.address, number))
    yield f'| a page starts | {_of(times_s)} s | 2 s |'
    rate, share = frames(page, nodes.process_id)
    yield f'| frames a second, one page | {rate:.1f} | 30 |'
    yield f'| the server meanwhile | {share:.0%} of a core | 25 % |'
    for _ in range(number):
        stop(page, watching, done, 'the space bar', lambda: page.page.keyboard.press('Space'))
    for _ in range(number):
        other = TaughtPage(started, nodes.address)
        stop(other, watching, done, 'a page closed', other.page.context.close)
    watching.page.click('#record')
    watching.wait(lambda: watching.state['recording'] is False, 'the end of the recording')
    found: dict[str, list[float]] = {}
    for what, delay_s in delays_s(next((folder / 'bags').iterdir()), done):
        found.setdefault(what, []).append(delay_s)
    for what, delays in found.items():
        bar_s = 1 if 'drag' in what else 0.5
        yield f'| from {what} | {_of(delays)} s | {bar_s} s |'


def _of(values: Sequence[float]) -> str:
    return f'{statistics.median(values):.2f} (at most {max(values):.2f}, of {len(values)})'


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--times', type=int, default=5, help='how often each is done')
    given = parser.parse_args(arguments)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    print('| | measured | bar |\n|---|---|---|')
    with (
        tempfile.TemporaryDirectory() as folder,
        browser() as started,
        # A browser on a busy machine is silent for longer than a page may be elsewhere.
        served(Path(folder), connection_timeout_s=10.0) as nodes,
    ):
        for row in measure(started, nodes, Path(folder), given.times):
            print(row, flush=True)
    print(f'\nload of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores')
    return 0


if __name__ == '__main__':
    sys.exit(main())
