# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From an arm's configuration to a MuJoCo specification with one torque motor per joint."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig, BaseConfig
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.errors import one_line

_HOLD_STOPS_WITHIN_S = 0.25
_SCALAR_JOINTS = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


def arm_spec(arm: ArmConfig) -> mujoco.MjSpec:
    """Return the arm alone, standing where its base does, actuator i driving joint i.

    Raises ConfigError, listing the names that exist, when a name in `arm` does not.
    """
    spec = _jaco_spec() if arm.model == 'jaco' else _spec_from_file(Path(arm.model))
    # A URDF's fixed links would vanish on compilation, and with them the names of their bodies.
    spec.compiler.fusestatic = False
    if arm.add_site is not None:
        _add_site(spec, arm)
    _require('effector_site', [arm.effector_site], (site.name for site in spec.sites), 'sites')
    joints = {joint.name: joint for joint in spec.joints}
    _require('joints', arm.joint_names, joints, 'joints')
    _require('held_joints_rad', arm.held_joints_rad, joints, 'joints')
    loose = sorted(set(joints) - set(arm.joint_names) - set(arm.held_joints_rad))
    if loose:
        raise ConfigError(
            f'joints: {_model_name(arm)} also has {", ".join(loose)}; '
            'each joint must be listed under joints or held_joints_rad'
        )
    for name in arm.joint_names:
        if joints[name].type not in _SCALAR_JOINTS:
            raise ConfigError(f'joints: {name} is not a hinge or slide joint')
    order = [name for name in joints if name in arm.joint_names]
    if order != list(arm.joint_names):
        raise ConfigError(
            f'joints: must be in the order of {_model_name(arm)}, which is {", ".join(order)}'
        )

    for element in [*spec.actuators, *spec.sensors, *spec.keys]:
        spec.delete(element)
    for name, angle_rad in arm.held_joints_rad.items():
        _weld(spec, joints[name], angle_rad)
    for joint in arm.joints:
        motor = spec.add_actuator(
            name=joint.name, target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT
        )
        motor.set_to_motor()
    _stand(spec, arm)
    _make_inertias_diagonal(spec)
    return spec


def compile_arm(arm: ArmConfig) -> mujoco.MjModel:
    """Return the compiled arm alone; raises ConfigError."""
    try:
        return arm_spec(arm).compile()
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f'model: {arm.model} does not compile ({one_line(error)})') from None


def hold_damping_nms_per_rad(arm: ArmConfig, model: mujoco.MjModel) -> np.ndarray:
    """Return (n,) N·m·s/rad that stops the arm's joints within about a quarter of a second.

    In proportion to the inertia that each joint turns at home, so that it neither creeps on nor
    makes a light joint oscillate from one time step to the next. model: holds no other joints.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home_rad
    mujoco.mj_forward(model, data)
    inertia = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, inertia)
    return np.diag(inertia) / _HOLD_STOPS_WITHIN_S


def check_home(arm: ArmConfig, model: mujoco.MjModel) -> None:
    """Raise ConfigError where home is out of a joint's range, or no torque allowed holds it."""
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home_rad
    mujoco.mj_forward(model, data)
    for i, joint in enumerate(arm.joints):
        low, high = model.jnt_range[i]
        if model.jnt_limited[i] and not low <= joint.home_rad <= high:
            raise ConfigError(
                f'joints.{i}.home_rad: {joint.home_rad} refused, the range of {joint.name} is '
                f'{low:.4g} to {high:.4g} rad'
            )
        weight = abs(data.qfrc_bias[i])
        if weight > joint.effort_limit_nm:
            raise ConfigError(
                f'joints.{i}.effort_limit_nm: {joint.effort_limit_nm} refused, {joint.name} needs '
                f'{weight:.4g} N·m to carry the arm at home'
            )


def _spec_from_file(path: Path) -> mujoco.MjSpec:
    # MuJoCo's own reason for a missing file is an empty one.
    if not path.is_file():
        raise ConfigError(f'model: {path}: no such file')
    try:
        return mujoco.MjSpec.from_file(str(path))
    except (ValueError, OSError) as error:
        raise ConfigError(f'model: {path} cannot be loaded ({one_line(error)})') from None


def _jaco_spec() -> mujoco.MjSpec:
    """Return Kinova's Jaco with its three-finger hand, from the files that dm-control ships."""
    # The files are read where they lie: importing dm_control would set up its renderers.
    package = importlib.util.find_spec('dm_control')
    if package is None or package.origin is None:
        raise ConfigError('model: jaco needs dm-control: pip install dm-control==1.0.50')
    kinova = Path(package.origin).parent / 'third_party' / 'kinova'
    spec = _spec_from_file(kinova / 'jaco_arm.xml')
    hand = _spec_from_file(kinova / 'jaco_hand.xml')
    spec.attach(hand, site=spec.site('wristsite'), prefix='hand_')
    return spec


def _weld(spec: mujoco.MjSpec, joint: mujoco.MjsJoint, angle_rad: float) -> None:
    """Remove a hinge joint, leaving its body where the joint at `angle_rad` would put it."""
    if joint.type != mujoco.mjtJoint.mjJNT_HINGE:
        raise ConfigError(f'held_joints_rad: {joint.name} is not a hinge joint')
    body = joint.parent
    turn, quat = np.zeros(4), np.zeros(4)
    mujoco.mju_axisAngle2Quat(turn, np.asarray(joint.axis, float), angle_rad)
    mujoco.mju_mulQuat(quat, np.asarray(body.quat, float), turn)
    # A hinge turns its body about joint.pos, so that point must stay where it was.
    before, after = np.zeros(3), np.zeros(3)
    mujoco.mju_rotVecQuat(before, np.asarray(joint.pos, float), np.asarray(body.quat, float))
    mujoco.mju_rotVecQuat(after, np.asarray(joint.pos, float), quat)
    body.pos = np.asarray(body.pos) + before - after
    body.quat = quat
    spec.delete(joint)


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
    """Put all that the model file has at the world's top level where the arm's base is."""
    if arm.base == BaseConfig():
        return
    world = spec.worldbody
    top_level = [*world.bodies, *world.geoms, *world.sites]
    half = arm.base.yaw_rad / 2
    frame = world.add_frame(pos=arm.base.position_m, quat=[np.cos(half), 0, 0, np.sin(half)])
    for element in top_level:
        element.set_frame(frame)


def _make_inertias_diagonal(spec: mujoco.MjSpec) -> None:
    """Write full inertia matrices, which URDFs have, as the principal ones they amount to.

    MuJoCo takes a body's inertia in one form only, and who strips the arm sets the principal one.
    """
    full = [body for body in spec.bodies if not np.isnan(body.fullinertia[0])]
    if not full:
        return
    model = spec.compile()
    for body in full:
        body.fullinertia = np.full(6, np.nan)
        body.inertia, body.iquat = model.body_inertia[body.id], model.body_iquat[body.id]


def _model_name(arm: ArmConfig) -> str:
    return Path(arm.model).name


def _require(key: str, wanted: Iterable[str], existing: Iterable[str], kind: str) -> None:
    known = sorted(name for name in existing if name)
    for name in wanted:
        if name not in known:
            has = ', '.join(known) or 'none'
            raise ConfigError(f'{key}: no {name!r} in the model file; its {kind} are {has}')
