# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Nodes as processes forked from one that has imported what they import, which takes seconds.

The fork server holds no thread, no ROS context and nothing of the tests; what runs in the child is
the node's own executable. Only how Python itself starts and ends is not what `ros2 run` does.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

_context = multiprocessing.get_context('forkserver')
_context.set_forkserver_preload(
    [
        *(
            f'ebm_concept_ros.nodes.{name}'
            for name in (
                *('simulator', 'demonstrator', 'concept_learner', 'controller', 'referee'),
                *('bag_recorder', 'live_view', 'lifecycle_manager', 'teach_page'),
                *('arranger', 'arrangement_referee'),
            )
        ),
        # What they import once they need it: torch alone takes a node longer than all the rest.
        *('ebm_core.relational.model', 'ebm_concept_ros.arm.loading', 'rosidl_generator_py'),
    ]
)


class Forked:
    """What the tests use of subprocess.Popen; standard output and error go to two files."""

    def __init__(self, command: list[str], out: Path, errors: Path) -> None:
        self._process = _context.Process(
            target=_become, args=(command, dict(os.environ), str(out), str(errors))
        )
        self._process.start()
        self.pid = self._process.pid
        # Else an interpreter that ends would wait for a node that a failed test left behind.
        atexit.register(self._process.kill)

    @property
    def returncode(self) -> int | None:
        """Return its status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return `returncode`."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self._process.kill()


def _become(command: list[str], environment: dict[str, str], out: str, errors: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, errors)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, number)
        os.close(file)
    sys.argv = command
    runpy.run_path(command[0], run_name='__main__')
