# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Joints that do not move: each leaves its body where the joint at its value would put it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import mujoco
import numpy as np

from ebm_concept_ros.config_files import ConfigError

_KEY = 'held_joints_rad'
_ROUNDING = 1e-6
_FREE, _BALL = mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtJoint.mjJNT_BALL
_HINGE, _SLIDE = mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE
# For want of a range in the file; no slide of an arm is as long.
_A_TURN_RAD, _FURTHEST_SLIDE_M = 2 * np.pi, 5.0


def with_followers(
    spec: mujoco.MjSpec, model: mujoco.MjModel, held: Mapping[str, float], moving: Collection[str]
) -> dict[str, float]:
    """Return `held` with the joints that follow one of them by an equality, as mimic joints do.

    model: the compiled spec. moving: joints that are controlled, which follow nothing.
    """
    values = dict(held)
    joint_equalities = [e for e in spec.equalities if e.type == mujoco.mjtEq.mjEQ_JOINT]
    for _ in joint_equalities:  # a chain is as long as this at most
        for equality in joint_equalities:
            follower, leader = equality.name1, equality.name2
            if follower in values or follower in moving or (leader and leader not in values):
                continue
            away = values[leader] - _reference(model, leader) if leader else 0.0
            offset = np.polynomial.polynomial.polyval(away, equality.data[:5])
            values[follower] = float(_reference(model, follower) + offset)
    return values


def check_values(model: mujoco.MjModel, held: Mapping[str, float]) -> None:
    """Raise ConfigError where a value is out of the joint's range, in degrees, or no number."""
    for name, value in held.items():
        joint = model.joint(name)
        kind = joint.type[0]
        if kind == _FREE:
            raise ConfigError(f'{_KEY}: {name} is a free joint; weld_base: true welds it')
        if kind == _BALL:
            if value != 0.0:
                raise ConfigError(
                    f'{_KEY}.{name}: {value} refused, a ball joint can be held only as the model '
                    'file has it, at 0'
                )
            continue
        unit, furthest = ('m', _FURTHEST_SLIDE_M) if kind == _SLIDE else ('rad', _A_TURN_RAD)
        limited = bool(model.jnt_limited[joint.id])
        low, high = joint.range if limited else (-furthest, furthest)
        if low - _ROUNDING <= value <= high + _ROUNDING:  # refuses NaN too
            continue
        whose = f'the range of {name}' if limited else f'what {name}, which has no range, can be'
        hint = ''
        if kind == _HINGE and low <= np.radians(value) <= high:
            hint = f'; for {value:g} degrees write {np.radians(value):.5g}'
        raise ConfigError(
            f'{_KEY}.{name}: {value} refused, {whose} is {low:.4g} to {high:.4g} {unit}{hint}'
        )


def hold_joints(spec: mujoco.MjSpec, model: mujoco.MjModel, held: Mapping[str, float]) -> None:
    """Remove the joints, and the equalities and tendons that refer to them.

    model: the compiled spec, in which frames, orientations and axes are resolved.
    """
    _remove_what_refers_to(spec, held)
    for body in spec.bodies[1:]:
        if any(joint.name in held for joint in body.joints):
            _hold_body(spec, model, body, held)


def weld_free_bodies(spec: mujoco.MjSpec) -> None:
    """Remove free joints: their bodies stay where the file has them."""
    names = {joint.name for joint in spec.joints if joint.type == _FREE}
    _remove_what_refers_to(spec, names)
    for joint in list(spec.joints):
        if joint.name in names:
            spec.delete(joint)


def _hold_body(
    spec: mujoco.MjSpec, model: mujoco.MjModel, body: mujoco.MjsBody, held: Mapping[str, float]
) -> None:
    resolved = model.body(body.name)
    position, quaternion = resolved.pos.copy(), resolved.quat.copy()
    stay: list[mujoco.MjsJoint] = []
    axes, anchors = [], []
    for joint in body.joints:
        compiled = model.joint(joint.name)
        axis, anchor = model.jnt_axis[compiled.id], model.jnt_pos[compiled.id]
        if joint.name not in held:
            stay.append(joint)
            axes.append(axis.copy())
            anchors.append(anchor.copy())
            continue
        away = held[joint.name] - compiled.qpos0[0]
        turn, shift = _motion(joint.type, axis, anchor, away)
        # The joints before it see the motion first: they turn about axes that it has moved back.
        back = _conjugate(turn)
        axes = [_rotated(other, back) for other in axes]
        anchors = [_rotated(other - shift, back) for other in anchors]
        position = position + _rotated(shift, quaternion)
        quaternion = _product(quaternion, turn)
    plain = body.parent.add_frame()  # in place of the file's, which `resolved` has in it
    body.set_frame(plain)
    body.alt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
    body.pos, body.quat = position, quaternion
    for joint in list(body.joints):
        if joint.name in held:
            spec.delete(joint)
    for joint, axis, anchor in zip(stay, axes, anchors, strict=True):
        joint.axis, joint.pos = axis, anchor
        joint.set_frame(body.add_frame())


def _motion(
    kind: mujoco.mjtJoint, axis: np.ndarray, anchor: np.ndarray, away: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return rotation (4,) and shift (3,) m of a body by its joint, `away` from its reference."""
    turn = np.array([1.0, 0.0, 0.0, 0.0])
    if kind == _SLIDE:
        return turn, axis * away
    if kind == _HINGE:
        mujoco.mju_axisAngle2Quat(turn, axis, away)
    return turn, anchor - _rotated(anchor, turn)


def _remove_what_refers_to(spec: mujoco.MjSpec, joints: Collection[str]) -> None:
    tendons = [
        tendon
        for tendon in spec.tendons
        if any(
            step.type == mujoco.mjtWrap.mjWRAP_JOINT and step.target.name in joints
            for step in tendon.path
        )
    ]
    referred_to = {
        mujoco.mjtEq.mjEQ_JOINT: set(joints),
        mujoco.mjtEq.mjEQ_TENDON: {tendon.name for tendon in tendons if tendon.name},
    }
    for equality in list(spec.equalities):
        if {equality.name1, equality.name2} & referred_to.get(equality.type, set()):
            spec.delete(equality)
    for tendon in tendons:
        spec.delete(tendon)


def _reference(model: mujoco.MjModel, joint: str) -> float:
    return float(model.joint(joint).qpos0[0])


def _rotated(vector: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    result = np.zeros(3)
    mujoco.mju_rotVecQuat(result, vector, quaternion)
    return result


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    result = np.zeros(4)
    mujoco.mju_mulQuat(result, first, second)
    return result


def _conjugate(quaternion: np.ndarray) -> np.ndarray:
    result = np.zeros(4)
    mujoco.mju_negQuat(result, quaternion)
    return result
