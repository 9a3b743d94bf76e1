# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Remembers the last torque command and for how long it may act."""

from __future__ import annotations

import numpy as np


class CommandWatchdog:
    """Gives out the last command while it is fresh; times may be of any one clock, s."""

    def __init__(self, timeout_s: float = 0.05) -> None:
        if not timeout_s > 0:
            raise ValueError(f'timeout_s: {timeout_s} refused, must be greater than 0')
        self.timeout_s = timeout_s
        self._time_s = -np.inf
        self._effort_nm: np.ndarray | None = None

    def accept(self, time_s: float, effort_nm: np.ndarray) -> None:
        """Remember a command, (n,) N·m, that arrived at `time_s`; nobody changes it any more."""
        self._time_s, self._effort_nm = time_s, effort_nm

    def effort(self, time_s: float) -> np.ndarray | None:
        """Return the command, (n,) N·m, or None once it is older than the time-out.

        A clock that jumped back makes the command stale, for its age is then unknown.
        """
        if self._effort_nm is None or not 0.0 <= time_s - self._time_s <= self.timeout_s:
            return None
        return self._effort_nm

    def clear(self) -> None:
        """Forget the command."""
        self._effort_nm = None
