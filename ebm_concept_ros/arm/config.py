# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm as configuration: which model file, which joints, which limits, where it starts.

The model file is an MJCF or a URDF. Whatever names the configuration has are checked against it.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, field_validator, model_validator

from ebm_concept_ros.config_files import Config

JACO = 'jaco'
ROBOT_DESCRIPTION = 'robot_description'

_FURTHEST_BASE_M = 5.0


class JointConfig(Config):
    """One torque-controlled joint."""

    name: str = Field(min_length=1, description='joint name in the model file')
    effort_limit_nm: float = Field(gt=0, le=1000, description='largest torque either way, N·m')
    velocity_limit_rad_s: float = Field(gt=0, le=50, description='largest speed, rad/s')
    effort_rate_limit_nm_s: float = Field(
        1000.0, ge=1, le=1e6, description='how fast its torque may change, N·m/s'
    )
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


class FlangeConfig(SiteConfig):
    """Where a hand that has a model file of its own is mounted."""

    tool: tuple[str, ...] = Field(
        (), description='geoms of the model file that are there only while no hand is, as a stylus'
    )

    @model_validator(mode='after')
    def _tool_is_named_once(self) -> FlangeConfig:
        if twice := sorted({name for name in self.tool if self.tool.count(name) > 1}):
            raise ValueError(f'tool: named twice: {", ".join(twice)}')
        return self


class ContactConfig(Config):
    """When a torque that no motor exerts is taken for a blow."""

    effort_share: float = Field(
        0.25,
        ge=0.02,
        le=10.0,
        description="share of each joint's effort_limit_nm, beside the friction of the model file; "
        'what it takes depends on how well the model file knows the arm',
    )
    bandwidth_hz: float = Field(
        5.0,
        ge=0.5,
        le=50.0,
        description='up to which the torque is followed, Hz; noisy velocities ask for less',
    )


class HandlingConfig(Config):
    """How an arm moves things with its hand; weights are those of `grasping.cost.GraspWeights`.

    An arm that rubs wants torques that cost little. Where joints run freely they make gains so high
    that a torque some milliseconds late, as they are in real time, sets the arm swinging.
    """

    effort: float = Field(0.05, ge=0, le=1e3, description='weight: the torque limit, off gravity')
    velocity: float = Field(0.1, ge=0, le=1e3, description='weight: 1 rad/s, summed over joints')
    reach_speed_m_s: float | None = Field(
        None, gt=0, le=2, description='to a block, mean, m/s; left out: as fast as the arm can'
    )


class ModelSource(Config):
    """Where a model comes from."""

    model: str = Field(
        min_length=1,
        description='MJCF, URDF or xacro file: package://…, file://…, or a path, absolute or '
        f'relative to the configuration; {ROBOT_DESCRIPTION}: the URDF of that parameter; {JACO}: '
        'from dm-control',
    )
    package_dirs: tuple[str, ...] = Field(
        (), description='folders that hold the packages of package://…, before the ament index'
    )
    xacro_arguments: dict[str, str] = Field(
        default_factory=dict, description='arguments of a xacro file'
    )
    robot_description: str = Field(
        '', description=f'the URDF itself, where the model is {ROBOT_DESCRIPTION}'
    )


class ArmConfig(ModelSource):
    """A torque-controlled arm with n joints; all arrays are in the order of `joints`."""

    name: str = Field(min_length=1, description='what the arm is called')
    base: BaseConfig = BaseConfig()
    effector_site: str = Field(
        min_length=1, description='site that acts, the end effector; its z axis points with it'
    )
    add_site: SiteConfig | None = Field(
        None, description='adds the effector_site where the model file has none'
    )
    joints: tuple[JointConfig, ...] = Field(min_length=1, description='controlled joints')
    held_joints_rad: dict[str, float] = Field(
        default_factory=dict,
        description='joints welded where they are at this value (fingers), rad, for slides m',
    )
    weld_base: bool = Field(
        False, description='welds what floats freely, such as a base, where the model file has it'
    )
    ignore_contacts: tuple[tuple[str, str], ...] = Field(
        (), description='pairs of bodies whose contact with each other is left out'
    )

    contact: ContactConfig = ContactConfig()
    handling: HandlingConfig = HandlingConfig()
    flange: FlangeConfig | None = Field(
        None, description='where a hand can be mounted; its z axis points with the hand'
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
    def effort_rate_limits_nm_s(self) -> np.ndarray:
        """Return (n,) N·m/s."""
        return np.array([joint.effort_rate_limit_nm_s for joint in self.joints])

    @property
    def velocity_limits_rad_s(self) -> np.ndarray:
        """Return (n,) rad/s."""
        return np.array([joint.velocity_limit_rad_s for joint in self.joints])

    @property
    def home_rad(self) -> np.ndarray:
        """Return (n,) rad."""
        return np.array([joint.home_rad for joint in self.joints])


class ArmWithHand(ArmConfig):
    """An arm on whose flange a hand is mounted; no YAML says so, `grasping.hand.mounted` does."""

    hand: ModelSource = Field(description='with fingers that are joints of the arm from then on')
