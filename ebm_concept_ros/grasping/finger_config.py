# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a hand's YAML says of its fingers, each on a hinge or each on a slide, in their units.

Attributes have the names of hinges' units; on slides N stands for N·m, and m for rad.
"""

from __future__ import annotations

from pydantic import Field

from ebm_concept_ros.arm.config import JointConfig
from ebm_concept_ros.config_files import Config


class OpeningConfig(Config):
    """How far apart the fingers are where their joints are at one value."""

    joint: float = Field(ge=-10, le=10, alias='joint_rad', description='of each finger, rad')
    inner_m: float = Field(ge=0, le=0.3, description='from the grasp centre to a finger, m')


class GripConfig(Config):
    """Torques of the fingers."""

    first_nm: float = Field(0.35, gt=0, le=200, description='of an opposing finger as it closes')
    full_nm: float = Field(1.0, gt=0, le=200, description='of an opposing finger that grips')
    centring_nm_per_rad: float = Field(
        6.0, ge=0, le=1e5, description='of the thumb, per rad that it is ahead of the others'
    )
    levelling_nm_per_rad: float = Field(
        2.0, ge=0, le=1e5, description='of an opposing finger, per rad that it is ahead of the rest'
    )
    opening_nm_per_rad: float = Field(8.0, gt=0, le=1e5, description='of the servo that opens')
    opening_nms_per_rad: float = Field(0.6, ge=0, le=1e4, description='its damping')
    opening_rad_s: float = Field(0.8, gt=0, le=10, description='how fast the fingers open')


class SlideConfig(JointConfig):
    """One force-controlled finger on a slide."""

    effort_limit_nm: float = Field(
        gt=0, le=1000, alias='effort_limit_n', description='largest force either way, N'
    )
    velocity_limit_rad_s: float = Field(
        gt=0, le=5, alias='velocity_limit_m_s', description='largest speed, m/s'
    )
    effort_rate_limit_nm_s: float = Field(
        1000.0,
        ge=1,
        le=1e6,
        alias='effort_rate_limit_n_s',
        description='how fast its force may change, N/s',
    )
    home_rad: float = Field(ge=-1, le=1, alias='home_m', description='start, m')


class SlideOpeningConfig(OpeningConfig):
    """How far apart fingers on slides are where their joints are at one value."""

    joint: float = Field(ge=-1, le=1, alias='joint_m', description='of each finger, m')


class SlideGripConfig(GripConfig):
    """Forces of fingers on slides."""

    first_nm: float = Field(
        gt=0, le=1000, alias='first_n', description='of an opposing finger as it closes, N'
    )
    full_nm: float = Field(
        gt=0, le=1000, alias='full_n', description='of an opposing finger that grips, N'
    )
    centring_nm_per_rad: float = Field(
        ge=0, le=1e6, alias='centring_n_per_m', description='of the thumb, per m that it is ahead'
    )
    levelling_nm_per_rad: float = Field(
        0.0,
        ge=0,
        le=1e6,
        alias='levelling_n_per_m',
        description='of an opposing finger, per m that it is ahead of the rest',
    )
    opening_nm_per_rad: float = Field(
        gt=0, le=1e6, alias='opening_n_per_m', description='of the servo that opens'
    )
    opening_nms_per_rad: float = Field(
        ge=0, le=1e5, alias='opening_ns_per_m', description='its damping'
    )
    opening_rad_s: float = Field(
        gt=0, le=1, alias='opening_m_s', description='how fast the fingers open, m/s'
    )
