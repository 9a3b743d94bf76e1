# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What referees have in common: a run is decided once, written down, and the node ends."""

from __future__ import annotations

import json
import threading
import time
from contextlib import nullcontext
from pathlib import Path

from rclpy.node import Node

from ebm_concept_ros.config_files import path_of
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import Parameters, declare
from ebm_concept_ros.nodes.runtime.polled import PolledSubscription
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults
from ebm_concept_ros.nodes.standstill import Standstill

POLL_S = 0.1


class JudgingNode(RunnableDefaults, Node):
    """Waits for a decision in a thread of its own, then writes `result.json` and draws.

    Its parameters have wall_timeout_s, out_dir, render and lockstep. It prints the result as one
    JSON line and ends with status 0 only on success.
    """

    interrupted_exit_code = 1  # no success was seen
    _watch_every_s = POLL_S
    _polled: tuple[PolledSubscription, ...] = ()  # there, before the node is made or could not be

    def __init__(self, name: str, parameters: type[Parameters]) -> None:
        super().__init__(name)
        self.parameters = declare(self, parameters)
        self._diagnostics = Diagnostics(self)
        self._verdict = ''
        self._decided, self._stop = threading.Event(), threading.Event()
        self._standstill = Standstill(self) if self.parameters.lockstep else None
        self._worker = threading.Thread(target=self._wait_and_report, name='report', daemon=True)

    def start(self) -> None:
        """Start the wall clock's time-out."""
        self._worker.start()

    def stop(self) -> None:
        """Stop waiting for a decision."""
        self._stop.set()
        self._decided.set()
        self._worker.join(timeout=1.0)

    def destroy_node(self) -> None:
        """Give all back that the middleware has given."""
        for subscription in self._polled:
            subscription.destroy()
        super().destroy_node()

    def _decide(self, verdict: str) -> None:
        """Decide the run, unless it is decided."""
        if not self._decided.is_set():
            self._verdict = verdict
            self._decided.set()

    # For those who judge ---------------------------------------------------------------------

    def _watch(self) -> None:
        """Look at what happens, in the report thread, every `_watch_every_s`."""

    def _why_over(self) -> str:
        """Return why nothing more is to be waited for, or nothing."""
        return ''

    def _what_is_missing(self) -> str:
        """Return what has not come yet that a decision needs."""
        raise NotImplementedError

    def _report(self) -> dict[str, object]:
        """Return the result of what was decided, `success` among it."""
        raise NotImplementedError

    def _draw(self, out_dir: Path, report: dict[str, object]) -> None:
        """Draw the run into a folder."""
        raise NotImplementedError

    # Report thread ---------------------------------------------------------------------------

    def _wait_and_report(self) -> None:
        p = self.parameters
        deadline_s = time.monotonic() + p.wall_timeout_s
        while not self._decided.wait(self._watch_every_s):
            try:
                self._watch()
            except Exception as error:  # the run goes on, and so does who judges it
                self.get_logger().error(f'could not look: {name_and_reason(error)}')
            if reason := self._why_over():
                self._decide(reason)
            elif time.monotonic() > deadline_s:
                self._decide(f'undecided after {p.wall_timeout_s:g} s: {self._what_is_missing()}')
        if self._stop.is_set():
            return
        report = self._report()
        try:
            out_dir = path_of(p.out_dir)
            out_dir.mkdir(parents=True, exist_ok=True)
            (out_dir / 'result.json').write_text(json.dumps(report) + '\n', encoding='utf-8')
            if p.render:
                with self._standstill.while_busy() if self._standstill else nullcontext():
                    self._draw(out_dir, report)
        except Exception as error:  # the verdict stands whether or not it can be drawn
            self._diagnostics.set('report', Level.ERROR, name_and_reason(error))
        print(json.dumps(report), flush=True)
        self.exit_code = 0 if report['success'] else 1
