# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the open hand needs around what it grips, and where it can come down."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator

from ebm_concept_ros.config_files import Config

_WIDEST_M = 0.3


class Rectangles(NamedTuple):
    """Upright rectangles (f,) each, one a finger, m, in the hand's frame around the grasp centre.

    x is the closing axis, towards the thumb; y sideways.
    """

    x_low: np.ndarray
    x_high: np.ndarray
    y_low: np.ndarray
    y_high: np.ndarray


class HandRoom(Config):
    """The fingers of the open hand as rectangles on the table: a thumb, and who is opposed to it.

    Nothing else may stand there, neither where something is picked up nor where it is put down.
    """

    opening_m: float = Field(
        0.012, ge=0.001, le=0.05, description='between a finger and the face, before it closes, m'
    )
    finger_m: float = Field(0.024, ge=0.002, le=0.1, description='finger along the axis, m')
    inward_m: float = Field(0.004, ge=0.0, le=0.02, description='a tip is inside of that by, m')
    thumb_sideways_m: tuple[float, float] = Field(
        (-0.011, 0.021), description="the thumb begins and ends there, along the hand's y, m"
    )
    opposed_sideways_m: tuple[tuple[float, float], ...] = Field(
        ((0.008, 0.041), (-0.041, -0.008)),
        min_length=1,
        description='each finger opposed to it begins and ends there, m',
    )
    clearance_m: float = Field(0.004, ge=0.0, le=0.05, description='free around fingers, m')
    widest_m: float = Field(0.072, ge=0.005, le=0.3, description='what it grips at most, m')

    @model_validator(mode='after')
    def _sideways_are_intervals(self) -> HandRoom:
        for low, high in (self.thumb_sideways_m, *self.opposed_sideways_m):
            if not -_WIDEST_M <= low < high <= _WIDEST_M:  # NaN is refused too
                raise ValueError(
                    f'sideways: {low:g} to {high:g} refused, must rise, within ± {_WIDEST_M:g}'
                )
        return self

    def rectangles(self, width_m: float) -> Rectangles:
        """Return where the fingers are, open around something of that width, m."""
        inner = width_m / 2 + self.opening_m - self.inward_m
        outer = width_m / 2 + self.opening_m + self.finger_m
        opposed = len(self.opposed_sideways_m)
        low, high = np.array([self.thumb_sideways_m, *self.opposed_sideways_m]).T
        return Rectangles(
            np.array([inner, *[-outer] * opposed]),
            np.array([outer, *[-inner] * opposed]),
            low,
            high,
        )


class ReachArea(Config):
    """Where the hand comes down from above: a ring around the arm's base."""

    centre_in_base_m: tuple[float, float] = Field((0.0, 0.0), description='of the ring, m')
    nearest_m: float = Field(0.26, ge=0.0, le=2.0, description='inner radius, m')
    farthest_m: float = Field(0.66, ge=0.05, le=3.0, description='outer radius, m')

    @model_validator(mode='after')
    def _is_a_ring(self) -> ReachArea:
        if self.nearest_m >= self.farthest_m:
            raise ValueError(
                f'nearest_m: {self.nearest_m:g} refused, less than farthest_m '
                f'{self.farthest_m:g} is allowed'
            )
        return self

    def beyond_m(self, places_in_base_m: np.ndarray) -> np.ndarray:
        """Return by how much (...) places (..., 2) are outside, m; 0 within."""
        away = np.linalg.norm(np.asarray(places_in_base_m) - self.centre_in_base_m, axis=-1)
        return np.maximum(np.maximum(away - self.farthest_m, self.nearest_m - away), 0.0)
