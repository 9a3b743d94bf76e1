# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The correspondence between the arm's 3-D world and the plane that concepts live in.

This module and config/workspace.yaml are the only places that know it. The particle plane lies
level at hover height above the table; its x and y axes are those of the arm's base frame.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field, field_validator, model_validator

from ebm_concept_ros.config_files import Config, load_config

_FURTHEST_M = 10.0


class Workspace(Config):
    """Where the particle plane lies in the arm's base frame, and how large a unit is."""

    base_frame: str = Field('base', min_length=1, description='frame_id of the arm base')
    particle_frame: str = Field(
        'particle_plane', min_length=1, description='frame_id of the particle plane'
    )
    centre_in_base_m: tuple[float, float] = Field(
        description='the particle origin (x, y) in the base frame, m'
    )

    @field_validator('centre_in_base_m')
    @classmethod
    def _is_near(cls, centre: tuple[float, float]) -> tuple[float, float]:
        if max(map(abs, centre)) > _FURTHEST_M:
            raise ValueError(f'each must be from {-_FURTHEST_M} to {_FURTHEST_M}')
        return centre

    metres_per_unit: float = Field(ge=0.01, le=2.0, description='metres per particle unit')
    half_width_units: float = Field(
        ge=0.5, le=1.5, description='the effector plans within ± this, particle units'
    )
    table_height_in_base_m: float = Field(
        ge=-1.0, le=1.0, description='z of the table top in the base frame, m'
    )
    hover_height_m: float = Field(
        ge=0.06, le=0.5, description='height of the effector above the table top, m'
    )

    @model_validator(mode='after')
    def _frames_differ(self) -> Workspace:
        if self.base_frame == self.particle_frame:
            raise ValueError(
                f'base_frame, particle_frame: both are {self.base_frame!r}, which tells no metres '
                'from particle units'
            )
        return self

    @property
    def hover_height_in_base_m(self) -> float:
        """Return z of the particle plane in the base frame."""
        return self.table_height_in_base_m + self.hover_height_m

    def to_plane(self, points_in_base_m: np.ndarray) -> np.ndarray:
        """Return points (..., 2) in particle units, from points (..., 2 or 3) in metres."""
        points = np.asarray(points_in_base_m, float)[..., :2]
        return (points - self.centre_in_base_m) / self.metres_per_unit

    def to_base(self, points_in_plane: np.ndarray) -> np.ndarray:
        """Return points (..., 2) in metres in the base frame, from (..., 2) particle units."""
        points = np.asarray(points_in_plane, float)
        return points * self.metres_per_unit + self.centre_in_base_m


def load_workspace(path: Path | str) -> Workspace:
    """Read workspace.yaml; raises ConfigError that names file, key and reason."""
    return load_config(path, Workspace)
