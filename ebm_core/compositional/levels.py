# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Levels of noise: which ones training sees, and chains go through."""

from __future__ import annotations

import numpy as np


def level(part: np.ndarray, least: float, most: float) -> np.ndarray:
    """Return the levels of noise that lie at parts of the way, 0 to 1, from the least to the most.

    In the middle, where what a shape is gets decided, equal parts are three times as dense (by the
    logarithm) as at either end.
    """
    warped = part + np.sin(2 * np.pi * part) / (4 * np.pi)
    return least * (most / least) ** warped
