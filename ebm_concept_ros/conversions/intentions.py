# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the controller means to do: the energy that it descends, and the plan that it follows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Duration
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

import ebm_concept_ros.msg as ros
from ebm_concept_ros.conversions.scenes import point
from ebm_concept_ros.conversions.stamps import ns_to_stamp
from ebm_concept_ros.types import EnergyOverTable
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput

_MOST_PLACES, _MOST_POINTS = 1000, 10_000
_FURTHEST_M = 100.0


def energy_to_message(
    concept: str, energies: np.ndarray, workspace: Workspace, stamp_ns: int
) -> ros.EnergyGrid:
    """Return the message of energies (S, S), indexed [ix, iy] over the whole workspace."""
    half = workspace.half_width_units
    low = workspace.to_base(np.array([-half, -half]))
    size = len(energies)
    return ros.EnergyGrid(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.base_frame),
        concept=concept,
        size=size,
        resolution=2 * half * workspace.metres_per_unit / (size - 1),
        origin=point((*low, workspace.hover_height_in_base_m)),
        energies=array('f', energies.T.astype(np.float32).tobytes()),
    )


def no_energy_message(workspace: Workspace, stamp_ns: int) -> ros.EnergyGrid:
    """Return the message that says that nothing is enacted."""
    return ros.EnergyGrid(header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.base_frame))


def energy_from_message(message: ros.EnergyGrid, base_frame: str) -> EnergyOverTable | None:
    """Return the energy, None where nothing is enacted, or raise InvalidInput."""
    if message.header.frame_id != base_frame:
        raise InvalidInput(
            f'energy.header.frame_id: {message.header.frame_id!r}, expected {base_frame!r}'
        )
    if not message.concept:
        return None
    size = message.size
    if not 2 <= size <= _MOST_PLACES:
        raise InvalidInput(f'energy.size: {size}, allowed are 2 to {_MOST_PLACES}')
    if len(message.energies) != size * size:
        raise InvalidInput(f'energy.energies: {len(message.energies)} values, not {size * size}')
    energies = np.asarray(message.energies, float)
    if not np.isfinite(energies).all():
        raise InvalidInput('energy.energies: contains NaN or infinity')
    if not 0.0 < message.resolution <= _FURTHEST_M:
        raise InvalidInput(
            f'energy.resolution: {message.resolution} is not within (0, {_FURTHEST_M}]'
        )
    origin = np.array([message.origin.x, message.origin.y, message.origin.z])
    if not (np.abs(origin) <= _FURTHEST_M).all():
        raise InvalidInput(f'energy.origin: {origin.tolist()} is not on any table')
    return EnergyOverTable(
        message.concept, energies.reshape(size, size).T, origin, message.resolution
    )


def plan_to_message(
    joint_names: Sequence[str], states: np.ndarray, start_ns: int, step_s: float
) -> JointTrajectory:
    """Return the message of planned states (K, 2n): positions rad, then velocities rad/s.

    The stamp is that of the joint state that the plan starts from. No states: there is no plan.
    """
    joints = len(joint_names)
    return JointTrajectory(
        header=Header(stamp=ns_to_stamp(start_ns)),
        joint_names=list(joint_names),
        points=[
            JointTrajectoryPoint(
                positions=array('d', state[:joints]),
                velocities=array('d', state[joints:]),
                time_from_start=_duration(round(number * step_s * 1e9)),
            )
            for number, state in enumerate(np.asarray(states, float))
        ],
    )


def plan_from_message(message: JointTrajectory, joint_names: Sequence[str]) -> np.ndarray:
    """Return the planned joint positions (K, n) rad, K may be 0, or raise InvalidInput."""
    if list(message.joint_names) != list(joint_names):
        raise InvalidInput(
            f'plan.joint_names: {list(message.joint_names)}, expected {list(joint_names)}'
        )
    if len(message.points) > _MOST_POINTS:
        raise InvalidInput(f'plan.points: {len(message.points)}, at most {_MOST_POINTS}')
    for number, each in enumerate(message.points):
        if len(each.positions) != len(joint_names):
            raise InvalidInput(
                f'plan.points[{number}].positions: {len(each.positions)} values for '
                f'{len(joint_names)} joints'
            )
    positions = np.array([p.positions for p in message.points], float)
    if not np.isfinite(positions).all():
        raise InvalidInput('plan.points: positions contain NaN or infinity')
    return positions.reshape(-1, len(joint_names))


def _duration(time_ns: int) -> Duration:
    return Duration(sec=time_ns // 1_000_000_000, nanosec=time_ns % 1_000_000_000)
