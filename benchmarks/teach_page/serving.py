# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The nodes of teach.launch.py, as long as they are needed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.teach_page.browser import PATIENCE_S

_LOOK_S = 0.05


class Served(NamedTuple):
    """Where the page is, and the process of the launch."""

    address: str
    process_id: int


@contextmanager
def served(folder: Path, **arguments: object) -> Iterator[Served]:
    """Start the launch file with arguments, on a free port and with a library in the folder."""
    given = {'port': 0, 'library_dir': folder / 'library'} | arguments
    log = folder / 'launch.log'
    with log.open('w') as out:
        launch = subprocess.Popen(
            ['ros2', 'launch', 'ebm_concept_ros', 'teach.launch.py']
            + [f'{name}:={value}' for name, value in given.items()],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        ends_s = time.monotonic() + PATIENCE_S
        while 'Teach on' not in log.read_text():
            if time.monotonic() > ends_s or launch.poll() is not None:
                raise RuntimeError(f'the page did not start:\n{log.read_text()}')
            time.sleep(_LOOK_S)
        yield Served(log.read_text().split('Teach on ')[1].split()[0], launch.pid)
    finally:
        launch.send_signal(signal.SIGINT)
        launch.wait(PATIENCE_S)
