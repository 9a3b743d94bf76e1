# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm as configuration: which model file, which joints, which limits, where it starts.

The model file is an MJCF or a URDF. Whatever names the configuration has are checked against it.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, field_validator, model_validator

from ebm_concept_ros.config_files import Config

BUILT_IN_MODELS = ('jaco',)
_FURTHEST_BASE_M = 5.0


class JointConfig(Config):
    """One torque-controlled joint."""

    name: str = Field(min_length=1, description='joint name in the model file')
    effort_limit_nm: float = Field(gt=0, le=1000, description='largest torque either way, N·m')
    velocity_limit_rad_s: float = Field(gt=0, le=50, description='largest speed, rad/s')
    home_rad: float = Field(ge=-10, le=10, description='start angle, rad')


class BaseConfig(Config):
    """Where the model file's origin stands in the base frame of the workspace."""

    position_m: tuple[float, float, float] = Field((0.0, 0.0, 0.0), description='(x, y, z), m')
    yaw_rad: float = Field(0.0, ge=-7, le=7, description='about the vertical, rad')

    @field_validator('position_m')
    @classmethod
    def _is_near(cls, position: tuple[float, ...]) -> tuple[float, ...]:
        if not all(abs(value) <= _FURTHEST_BASE_M for value in position):  # refuses NaN too
            raise ValueError(f'each must be from {-_FURTHEST_BASE_M} to {_FURTHEST_BASE_M}')
        return position


class SiteConfig(Config):
    """A site to add to the model file, which may have none: a URDF cannot."""

    body: str = Field(min_length=1, description='body (in a URDF: link) that it is fixed to')
    position_m: tuple[float, float, float] = Field(
        (0.0, 0.0, 0.0), description="in the body's frame, m"
    )
    rpy_rad: tuple[float, float, float] = Field(
        (0.0, 0.0, 0.0),
        description="roll, pitch, yaw in the body's frame as URDF has them, rad; the site's z axis "
        'is the way that the hand points',
    )


class ArmConfig(Config):
    """A torque-controlled arm with n joints; all arrays are in the order of `joints`."""

    name: str = Field(min_length=1, description='what the arm is called')
    model: str = Field(
        min_length=1,
        description='MJCF or URDF file, its path absolute or relative to the configuration; or one '
        f'of {", ".join(BUILT_IN_MODELS)}',
    )
    base: BaseConfig = BaseConfig()
    effector_site: str = Field(
        min_length=1, description='site that acts, the end effector; its z axis points with it'
    )
    add_site: SiteConfig | None = Field(
        None, description='adds the effector_site where the model file has none'
    )
    joints: tuple[JointConfig, ...] = Field(min_length=1, description='controlled joints')
    held_joints_rad: dict[str, float] = Field(
        default_factory=dict, description='joints welded at an angle (fingers), rad'
    )

    @model_validator(mode='after')
    def _names_are_unique(self) -> ArmConfig:
        names = [*self.joint_names, *self.held_joints_rad]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'joints named twice: {", ".join(twice)}')
        return self

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Return the n controlled joints' names."""
        return tuple(joint.name for joint in self.joints)

    @property
    def effort_limits_nm(self) -> np.ndarray:
        """Return (n,) N·m."""
        return np.array([joint.effort_limit_nm for joint in self.joints])

    @property
    def velocity_limits_rad_s(self) -> np.ndarray:
        """Return (n,) rad/s."""
        return np.array([joint.velocity_limit_rad_s for joint in self.joints])

    @property
    def home_rad(self) -> np.ndarray:
        """Return (n,) rad."""
        return np.array([joint.home_rad for joint in self.joints])
