# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From an arm's configuration to a MuJoCo specification with one torque motor per joint."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig, ArmWithHand, BaseConfig
from ebm_concept_ros.arm.contacts import ignore_contacts
from ebm_concept_ros.arm.held_joints import (
    check_values,
    hold_joints,
    weld_free_bodies,
    with_followers,
)
from ebm_concept_ros.arm.model_file import read_model
from ebm_concept_ros.arm.motors import (
    check_effort_limits,
    check_options,
    file_force_limits,
    replace_actuators,
)
from ebm_concept_ros.arm.mounting import mount_hand
from ebm_concept_ros.arm.names import name_everything
from ebm_concept_ros.arm.urdf import UrdfLimits
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.errors import one_line

_SCALAR_JOINTS = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
_ROUNDING = 1e-6


def arm_spec(arm: ArmConfig) -> mujoco.MjSpec:
    """Return the arm alone, standing where its base does, actuator i driving joint i.

    Raises ConfigError with what is refused, and, for a name that does not exist, those that do.
    """
    spec, urdf_limits = read_model(arm)
    if isinstance(arm, ArmWithHand):
        urdf_limits = urdf_limits | mount_hand(spec, arm)
    check_options(spec)
    # A URDF's fixed links would vanish on compilation, and with them the names of their bodies.
    spec.compiler.fusestatic = False
    name_everything(spec)
    if arm.add_site is not None:
        _add_site(spec, arm)
    _require('effector_site', [arm.effector_site], (site.name for site in spec.sites), 'sites')
    joints = {joint.name: joint for joint in spec.joints}
    _require('joints', arm.joint_names, joints, 'joints')
    _require('held_joints_rad', arm.held_joints_rad, joints, 'joints')
    check_effort_limits(arm, file_force_limits(spec))
    _check_velocity_limits(arm, urdf_limits)

    for element in [*spec.sensors, *spec.keys, *spec.tuples]:
        spec.delete(element)
    replace_actuators(spec, arm)
    if arm.weld_base:
        weld_free_bodies(spec)
    resolved = _compiled(spec, arm)
    held = with_followers(spec, resolved, arm.held_joints_rad, arm.joint_names)
    check_values(resolved, held)
    _check_moving_joints(spec, arm, held)
    hold_joints(spec, resolved, held)
    _check_constraints(spec)
    _stand(spec, arm)
    _make_inertias_diagonal(spec, resolved)
    ignore_contacts(spec, arm.ignore_contacts)
    return spec


def compile_arm(arm: ArmConfig) -> mujoco.MjModel:
    """Return the compiled arm alone; raises ConfigError."""
    return _compiled(arm_spec(arm), arm)


def _compiled(spec: mujoco.MjSpec, arm: ArmConfig) -> mujoco.MjModel:
    try:
        return spec.compile()
    except ValueError as error:
        raise ConfigError(f'model: {arm.model} does not compile ({one_line(error)})') from None


def _check_moving_joints(spec: mujoco.MjSpec, arm: ArmConfig, held: Iterable[str]) -> None:
    """Raise ConfigError unless the joints that move are those of the arm, in the file's order."""
    moving = {joint.name: joint for joint in spec.joints if joint.name not in held}
    loose = sorted(set(moving) - set(arm.joint_names))
    free = [name for name in loose if moving[name].type == mujoco.mjtJoint.mjJNT_FREE]
    if free:
        raise ConfigError(
            f'joints: {", ".join(free)} of {_model_name(arm)} lets {moving[free[0]].parent.name} '
            'float freely; weld_base: true welds it where the file has it'
        )
    if loose:
        raise ConfigError(
            f'joints: {_model_name(arm)} also has {", ".join(loose)}; '
            'each joint must be listed under joints or held_joints_rad'
        )
    for name in arm.joint_names:
        if moving[name].type not in _SCALAR_JOINTS:
            raise ConfigError(f'joints: {name} is not a hinge or slide joint')
    if tuple(moving) != arm.joint_names:
        raise ConfigError(
            f'joints: must be in the order of {_model_name(arm)}, which is {", ".join(moving)}'
        )


def _check_constraints(spec: mujoco.MjSpec) -> None:
    """Raise ConfigError for what couples moving joints, which plans know nothing of."""
    model = spec.compile()
    for equality in list(spec.equalities):
        bodies = [body for body in _bodies(spec, equality) if body]
        if not equality.active or (
            bodies and len({int(model.body(name).weldid[0]) for name in bodies}) == 1
        ):
            spec.delete(equality)  # of bodies that do not move against each other by now
            continue
        ends = ' and '.join(name for name in (equality.name1, equality.name2) if name)
        raise ConfigError(
            f'model: the equality {equality.name or "without a name"} couples {ends}, which plans '
            'know nothing of; hold one of the joints under held_joints_rad, or remove it'
        )


def _bodies(spec: mujoco.MjSpec, equality: mujoco.MjsEquality) -> tuple[str, str]:
    """Return what a connect or weld ties together, or empty names for other kinds."""
    if equality.type not in (mujoco.mjtEq.mjEQ_CONNECT, mujoco.mjtEq.mjEQ_WELD):
        return '', ''
    names = equality.name1, equality.name2 or 'world'
    if equality.objtype == mujoco.mjtObj.mjOBJ_SITE:
        return tuple(spec.site(name).parent.name for name in names)
    return names


def _check_velocity_limits(arm: ArmConfig, urdf_limits: dict[str, UrdfLimits]) -> None:
    for i, joint in enumerate(arm.joints):
        limits = urdf_limits.get(joint.name)
        allowed = limits.velocity if limits else None
        if allowed is not None and joint.velocity_limit_rad_s > allowed * (1 + _ROUNDING):
            raise ConfigError(
                f'joints.{i}.velocity_limit_rad_s: {joint.velocity_limit_rad_s:g} refused, the '
                f'URDF allows {joint.name} {allowed:g}'
            )


def _add_site(spec: mujoco.MjSpec, arm: ArmConfig) -> None:
    existing = [site.name for site in spec.sites]
    if arm.effector_site in existing:
        raise ConfigError(
            f'add_site: {_model_name(arm)} already has the site {arm.effector_site!r}'
        )
    bodies = {body.name: body for body in spec.bodies}  # with the world, which a URDF's root is
    _require('add_site.body', [arm.add_site.body], bodies, 'bodies')
    quat = np.zeros(4)
    # Capitals turn about fixed axes, as roll, pitch and yaw of a URDF do.
    mujoco.mju_euler2Quat(quat, np.array(arm.add_site.rpy_rad), 'XYZ')
    bodies[arm.add_site.body].add_site(
        name=arm.effector_site, pos=arm.add_site.position_m, quat=quat
    )


def _stand(spec: mujoco.MjSpec, arm: ArmConfig) -> None:
    """Put all that the model file has at the world's top level where the arm's base is.

    Planes are floors, which stay where the file has them.
    """
    if arm.base == BaseConfig():
        return
    world = spec.worldbody
    plane = mujoco.mjtGeom.mjGEOM_PLANE
    top_level = [
        *(body for body in world.bodies),
        *(geom for geom in world.geoms if geom.type != plane),
        *(site for site in world.sites),
        *(frame for frame in world.frames),
    ]
    top_level = [element for element in top_level if element.frame is None]
    half = arm.base.yaw_rad / 2
    base = world.add_frame(pos=arm.base.position_m, quat=[np.cos(half), 0, 0, np.sin(half)])
    for element in top_level:
        element.set_frame(base)


def _make_inertias_diagonal(spec: mujoco.MjSpec, resolved: mujoco.MjModel) -> None:
    """Write full inertia matrices, which URDFs have, as the principal ones they amount to.

    MuJoCo takes a body's inertia in one form only, and who strips the arm sets the principal one.
    """
    for body in spec.bodies:
        if not np.isnan(body.fullinertia[0]):
            compiled = resolved.body(body.name)
            body.fullinertia = np.full(6, np.nan)
            body.inertia, body.iquat = compiled.inertia, compiled.iquat


def _model_name(arm: ArmConfig) -> str:
    return Path(arm.model).name


def _require(key: str, wanted: Iterable[str], existing: Iterable[str], kind: str) -> None:
    known = sorted(name for name in existing if name)
    for name in wanted:
        if name not in known:
            has = ', '.join(known) or 'none'
            raise ConfigError(f'{key}: no {name!r} in the model file; its {kind} are {has}')
