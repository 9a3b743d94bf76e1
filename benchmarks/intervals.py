# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a share of few trials says, for every benchmark that counts successes."""

from __future__ import annotations

from scipy.stats import binomtest


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    interval = binomtest(successes, trials).proportion_ci(0.95, method='wilson')
    return float(interval.low), float(interval.high)
