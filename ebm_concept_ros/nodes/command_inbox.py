# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What reaches the simulation from other threads: torque commands, and requests to reset or end."""

from __future__ import annotations

import threading

from ebm_concept_ros.types import EffortCommand


class CommandInbox:
    """Holds the newest command and whether the simulation is to reset or end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards all below
        self._command: EffortCommand | None = None
        self._reset_requested = False
        self._ended = False

    # For other threads -----------------------------------------------------------------------

    def put(self, command: EffortCommand) -> None:
        """Replace the newest command."""
        with self._changed:
            self._command = command
            self._changed.notify_all()

    def request_reset(self, timeout_s: float) -> bool:
        """Return whether the simulation has reset within the time."""
        with self._changed:
            self._reset_requested = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._reset_requested, timeout=timeout_s)

    def end(self) -> None:
        """Ask the simulation to end."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    # For the simulation ----------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Tell whether it is to end."""
        return self._ended

    @property
    def interrupted(self) -> bool:
        """Tell whether it is to end or to reset."""
        return self._ended or self._reset_requested

    def take(self) -> EffortCommand | None:
        """Return the newest command, once."""
        with self._changed:
            command, self._command = self._command, None
            return command

    def wait_for_answer(self, stamp_ns: int, timeout_s: float) -> EffortCommand | None:
        """Return the command that answers the state of that stamp; None: none, or interrupted."""

        def answer() -> EffortCommand | None:
            command = self._command
            return command if command is not None and command.stamp_ns == stamp_ns else None

        with self._changed:
            self._changed.wait_for(
                lambda: answer() is not None or self.interrupted, timeout=timeout_s
            )
            return None if self.interrupted else answer()

    def reset_done(self) -> None:
        """Say that it has reset, and forget the command that was for the time before."""
        with self._changed:
            self._command = None
            self._reset_requested = False
            self._changed.notify_all()

    @property
    def reset_requested(self) -> bool:
        """Tell whether it is to reset."""
        return self._reset_requested
