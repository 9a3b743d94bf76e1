# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Remembers a run's joint positions at an even rate, for the picture and the video."""

from __future__ import annotations

import numpy as np


class RunRecorder:
    """Takes joint positions as they come and keeps one per period; a clock reset starts over."""

    def __init__(self, rate_hz: float = 100.0, max_duration_s: float = 120.0) -> None:
        if not rate_hz > 0:
            raise ValueError(f'rate_hz: {rate_hz} refused, must be greater than 0')
        self._period_s = 1.0 / rate_hz
        self._max_samples = int(max_duration_s * rate_hz)
        self._times_s: list[float] = []
        self._positions_rad: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._times_s)

    def add(self, time_s: float, positions_rad: np.ndarray) -> None:
        """Offer a state: (n,) rad at `time_s`. Kept when a period has passed since the last."""
        if self._times_s and time_s < self._times_s[-1]:
            self._times_s.clear()
            self._positions_rad.clear()
        due = not self._times_s or time_s - self._times_s[-1] >= self._period_s - 1e-9
        if due and len(self) < self._max_samples:
            self._times_s.append(float(time_s))
            self._positions_rad.append(np.array(positions_rad, float))

    @property
    def times_s(self) -> np.ndarray:
        """Return (T,) s."""
        return np.array(self._times_s)

    @property
    def positions_rad(self) -> np.ndarray:
        """Return (T, n) rad."""
        return np.array(self._positions_rad)

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Interpolate linearly: return joint positions (M, n) rad for times (M,) s."""
        known, positions = self.times_s, self.positions_rad
        return np.stack(
            [np.interp(times_s, known, positions[:, j]) for j in range(positions.shape[1])], axis=1
        )
