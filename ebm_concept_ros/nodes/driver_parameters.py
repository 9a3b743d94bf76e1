# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the controller and the arm's driver understand each other."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters
from ebm_concept_ros.nodes.runtime.texts import choice

MEASURED, DIFFERENTIATED = 'measured', 'differentiated'
REPORTED, COMMANDED = 'reported', 'commanded'
HEADER, ARRIVAL = 'header', 'arrival'
JOINT_STATE, FLOAT_ARRAY, LINEAR_FEEDBACK = 'joint_state', 'float64_multi_array', 'linear_feedback'


class DriverParameters(Parameters):
    """Parameters about what comes from a driver and what goes to it."""

    joint_prefix: str = Field(
        '', description="what stands before the arm's joint names in joint states and efforts"
    )
    velocities: choice(MEASURED, DIFFERENTIATED) = Field(
        MEASURED,
        description='joint velocities: measured ones, without which a joint state is refused, or '
        'from positions',
    )
    velocity_filter_s: float = Field(
        0.005, ge=0.0, le=0.1, description='time constant of the low-pass on differentiated ones, s'
    )
    stamps: choice(HEADER, ARRIVAL) = Field(
        HEADER, description='when a joint state was: as its header says, or when it arrived'
    )
    efforts: choice(REPORTED, COMMANDED) = Field(
        REPORTED,
        description='what acts, by which contact is noticed: the efforts of joint states, in N·m, '
        'where they have any, or those that were commanded',
    )
    effort_output: choice(JOINT_STATE, FLOAT_ARRAY, LINEAR_FEEDBACK) = Field(
        JOINT_STATE, description='as which message torques are published'
    )
    # An empty list has no type in ROS.
    effort_joints: tuple[str, ...] = Field(
        ('',),
        description='all joints in the order of float64_multi_array, with the prefix; one empty: '
        "the arm's order",
    )


def require_real_time(p: DriverParameters, lockstep: bool) -> None:
    """Raise InvalidParameter where lockstep, which answers stamps, is asked to do without them."""
    for name, value, allowed in (
        ('stamps', p.stamps, HEADER),
        ('effort_output', p.effort_output, JOINT_STATE),
    ):
        if lockstep and value != allowed:
            raise InvalidParameter(
                f'parameter {name}: {value!r} is refused in lockstep, allowed is {allowed}'
            )


def order_of_efforts(p: DriverParameters, joint_names: Sequence[str]) -> tuple[str, ...]:
    """Return the joints in the order of the array; raises InvalidParameter unless all are there."""
    if not any(p.effort_joints):
        return tuple(joint_names)
    if sorted(p.effort_joints) != sorted(joint_names):
        raise InvalidParameter(
            f'parameter effort_joints: {list(p.effort_joints)} are not the joints '
            f'{list(joint_names)}, each once, in any order'
        )
    return p.effort_joints
