# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One torque motor per controlled joint, which inherits nothing from the model file."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import ConfigError

_Disable = mujoco.mjtDisableBit
# What a simulation of an arm over a table cannot be without, and what a file calls it.
_NEEDED = {
    _Disable.mjDSBL_ACTUATION: 'actuation',
    _Disable.mjDSBL_CONTACT: 'contact',
    _Disable.mjDSBL_CONSTRAINT: 'constraint',
    _Disable.mjDSBL_LIMIT: 'limit',
}
_ROUNDING = 1e-6
# All that a class of the file may set for an actuator and that acts on its force.
_SETTINGS = (
    *('gear', 'ctrllimited', 'ctrlrange', 'forcelimited', 'forcerange'),
    *('actlimited', 'actrange', 'actearly', 'actdim', 'dyntype', 'dynprm'),
    *('gaintype', 'gainprm', 'biastype', 'biasprm', 'damping', 'armature', 'delay', 'nsample'),
    *(
        'interp',
        'inheritrange',
        'lengthrange',
        'cranklength',
        'ffrange',
        'velrange',
        'ctrlspec',
        'group',
    ),
)


def check_options(spec: mujoco.MjSpec) -> None:
    """Raise ConfigError where the file switches off what the simulation needs, naming it."""
    off = [name for flag, name in _NEEDED.items() if spec.option.disableflags & int(flag)]
    if off:
        raise ConfigError(
            f'model: the file disables {" and ".join(off)}; remove that from its <option><flag>'
        )


def replace_actuators(spec: mujoco.MjSpec, arm: ArmConfig) -> None:
    """Put a motor on each controlled joint, in their order, in place of the file's actuators.

    The joints' own force ranges stay. Torques of the motors are N·m, and N on a slide.
    """
    for actuator in list(spec.actuators):
        spec.delete(actuator)
    # Groups can be disabled, and classes of the file may give motors a gear or ranges.
    spec.option.disableactuator = 0
    _forget_defaults(spec)
    for joint in spec.joints:
        joint.actgravcomp = False  # what carries the arm for nothing is no part of its torque
    for joint in arm.joints:
        motor = spec.add_actuator(
            name=joint.name, target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT
        )
        motor.set_to_motor()


def file_force_limits(spec: mujoco.MjSpec) -> dict[str, tuple[float, str]]:
    """Return the largest force that the file allows each joint, and where it says so.

    N·m, for a slide N. Read from the joint's own range and from the actuators on it; joints without
    any limit are left out.
    """
    limits: dict[str, tuple[float, str]] = {}
    for joint in spec.joints:
        low, high = joint.actfrcrange
        if _is_limited(joint.actfrclimited, low, high):
            _lower(limits, joint.name, max(-low, high), 'actuatorfrcrange of the joint')
    for actuator in spec.actuators:
        if actuator.trntype != mujoco.mjtTrn.mjTRN_JOINT:
            continue
        gear = abs(actuator.gear[0])
        what = f'of actuator {actuator.name}' if actuator.name else 'of its actuator'
        low, high = actuator.forcerange
        if _is_limited(actuator.forcelimited, low, high):
            _lower(limits, actuator.target, gear * max(-low, high), f'forcerange {what}')
        low, high = actuator.ctrlrange
        if _is_motor(actuator) and _is_limited(actuator.ctrllimited, low, high):
            force = gear * abs(actuator.gainprm[0]) * max(-low, high)
            _lower(limits, actuator.target, force, f'ctrlrange and gear {what}')
    return limits


def check_effort_limits(arm: ArmConfig, allowed: dict[str, tuple[float, str]]) -> None:
    """Raise ConfigError for an effort limit above the one that the file allows, naming both."""
    for i, joint in enumerate(arm.joints):
        limit, where = allowed.get(joint.name, (np.inf, ''))
        if joint.effort_limit_nm > limit * (1 + _ROUNDING):
            raise ConfigError(
                f'joints.{i}.effort_limit_nm: {joint.effort_limit_nm:g} refused, the model file '
                f'allows {joint.name} {limit:g} ({where})'
            )


def _lower(limits: dict[str, tuple[float, str]], joint: str, limit: float, where: str) -> None:
    if limit < limits.get(joint, (np.inf, ''))[0]:
        limits[joint] = limit, where


def _is_limited(limited: int, low: float, high: float) -> bool:
    if limited == mujoco.mjtLimited.mjLIMITED_AUTO:
        return low < high
    return bool(limited)


def _is_motor(actuator: mujoco.MjsActuator) -> bool:
    """Tell whether the control is a force, up to a factor."""
    return (
        actuator.dyntype == mujoco.mjtDyn.mjDYN_NONE
        and actuator.gaintype == mujoco.mjtGain.mjGAIN_FIXED
        and actuator.biastype == mujoco.mjtBias.mjBIAS_NONE
    )


def _forget_defaults(spec: mujoco.MjSpec) -> None:
    """Give actuators that are yet to come MuJoCo's own defaults, not those of the file."""
    untouched = mujoco.MjSpec()  # must live on for its defaults to
    of_file, fresh = spec.default.actuator, untouched.default.actuator
    for name in _SETTINGS:
        if not hasattr(type(fresh), name):
            continue  # an older MuJoCo has fewer
        value = getattr(fresh, name)
        if isinstance(value, np.ndarray):
            getattr(of_file, name)[:] = value
        else:
            setattr(of_file, name, value)
