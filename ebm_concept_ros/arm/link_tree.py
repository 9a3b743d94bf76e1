# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm's compiled model as links and joints in the manner of URDF, and where they are.

MuJoCo turns a body about an anchor that may lie anywhere in it, and counts a joint's angle from a
reference; a URDF's joint lies at the origin of its child, and its angle is zero there. The tree has
links of its own where that makes a difference, and the origins take up the references, so that
joint positions mean the same in both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.table_scene import EFFECTOR_ID

WORLD_FRAME = 'world'
# A URDF's slide has ends; one that has none in the model ends far beyond any arm, m.
_FAR_M = 100.0
_IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
_WORLD_BODY = 0


@dataclass(frozen=True, eq=False)
class Pose:
    """A frame in its parent: position (3,) m, and quaternion (4,) w, x, y, z."""

    position_m: np.ndarray
    quat: np.ndarray

    def then(self, position_m: np.ndarray, quat: np.ndarray = _IDENTITY) -> Pose:
        """Return the pose, in this frame's parent, of what has the given one in this frame."""
        turned, both = np.zeros(3), np.zeros(4)
        mujoco.mju_rotVecQuat(turned, np.asarray(position_m, float), self.quat)
        mujoco.mju_mulQuat(both, self.quat, np.asarray(quat, float))
        return Pose(self.position_m + turned, both)

    @property
    def is_identity(self) -> bool:
        """Tell whether the frame is its parent's."""
        return not self.position_m.any() and abs(self.quat[0]) == 1.0


@dataclass(frozen=True, eq=False)
class TreeJoint:
    """A joint: where its child is in its parent at zero, and how it moves.

    kind: fixed, revolute, continuous or prismatic. The rest is of those that move: axis (3,) in
    the child; lower, upper: rad or m; effort: N·m or N; velocity: rad/s or m/s; damping, friction:
    as URDF's dynamics have them.
    """

    name: str
    parent: str
    child: str
    origin: Pose
    kind: str = 'fixed'
    axis: np.ndarray | None = None
    lower: float = 0.0
    upper: float = 0.0
    effort: float = 0.0
    velocity: float = 0.0
    damping: float = 0.0
    friction: float = 0.0

    @property
    def moves(self) -> bool:
        """Tell whether a joint position says where its child is."""
        return self.kind != 'fixed'

    def at(self, position: float) -> Pose:
        """Return where the child is in the parent at a joint position, rad or m."""
        if not self.moves:
            return self.origin
        if self.kind == 'prismatic':
            return self.origin.then(position * self.axis)
        return self.origin.then(np.zeros(3), _turn(self.axis, position))


@dataclass(frozen=True, eq=False)
class LinkTree:
    """Links, with the body of the model that each is (None: a frame alone), and joints.

    The first link is the root, and parents come before their children.
    """

    links: dict[str, int | None]
    joints: tuple[TreeJoint, ...]


def link_tree(model: mujoco.MjModel, arm: ArmConfig, base_frame: str) -> LinkTree:
    """Return the tree of an arm that `compile_arm` compiled.

    The model's world body is base_frame; above it is `world`, and the effector's site is
    `end_effector`. A body that has a name of these becomes `<name>_link`.
    """
    taken = {WORLD_FRAME, base_frame, EFFECTOR_ID}
    names = {_WORLD_BODY: base_frame}
    for body in range(1, model.nbody):
        names[body] = _free(model.body(body).name, '_link', taken)
    links: dict[str, int | None] = {WORLD_FRAME: None, base_frame: _WORLD_BODY}
    joints: list[TreeJoint] = []
    joint_names = {model.joint(joint).name for joint in range(model.njnt)}
    limits = {joint.name: joint for joint in arm.joints}

    def fixed(parent: str, child: str, origin: Pose) -> TreeJoint:
        return TreeJoint(_free(f'{child}_fixed', '', joint_names), parent, child, origin)

    if base_frame != WORLD_FRAME:
        joints.append(fixed(WORLD_FRAME, base_frame, _origin()))
    for body in range(1, model.nbody):
        parent = names[int(model.body_parentid[body])]
        origin = Pose(model.body_pos[body].copy(), model.body_quat[body].copy())
        own = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
        for joint in own:
            anchor = model.jnt_pos[joint]
            is_last = joint == own[-1] and not anchor.any()
            child = names[body] if is_last else _free(f'{names[body]}_anchor', '', taken)
            config = limits[model.joint(joint).name]
            joints.append(
                TreeJoint(
                    config.name,
                    parent,
                    child,
                    _at_zero(model, joint, origin.then(anchor)),
                    **_motion(model, joint),
                    effort=config.effort_limit_nm,
                    velocity=config.velocity_limit_rad_s,
                )
            )
            links[child] = body if is_last else None
            parent, origin = child, _origin(-anchor)
        if names[body] not in links:
            links[names[body]] = body
            joints.append(fixed(parent, names[body], origin))
    site = model.site(arm.effector_site).id
    at = Pose(model.site_pos[site].copy(), model.site_quat[site].copy())
    joints.append(fixed(names[int(model.site_bodyid[site])], EFFECTOR_ID, at))
    links[EFFECTOR_ID] = None
    return LinkTree(links, tuple(joints))


def _motion(model: mujoco.MjModel, joint: int) -> dict[str, object]:
    """Return kind, axis, range and losses of a joint of the model."""
    is_hinge = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE
    turning = 'revolute' if model.jnt_limited[joint] else 'continuous'
    dof = model.jnt_dofadr[joint]
    lower, upper = model.jnt_range[joint] if model.jnt_limited[joint] else (-_FAR_M, _FAR_M)
    return {
        'kind': turning if is_hinge else 'prismatic',
        'axis': model.jnt_axis[joint].copy(),
        'lower': float(lower),
        'upper': float(upper),
        'damping': float(np.ravel(model.dof_damping[dof])[0]),
        'friction': float(model.dof_frictionloss[dof]),
    }


def _at_zero(model: mujoco.MjModel, joint: int, at_reference: Pose) -> Pose:
    """Return where the child is when the joint's position is zero."""
    reference = float(model.qpos0[model.jnt_qposadr[joint]])
    axis = model.jnt_axis[joint]
    if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE:
        return at_reference.then(np.zeros(3), _turn(axis, -reference))
    return at_reference.then(-reference * axis)


def _origin(position_m: np.ndarray | tuple[float, ...] = (0.0, 0.0, 0.0)) -> Pose:
    return Pose(np.array(position_m, float), _IDENTITY)


def _turn(axis: np.ndarray, angle_rad: float) -> np.ndarray:
    quat = np.zeros(4)
    mujoco.mju_axisAngle2Quat(quat, axis, angle_rad)
    return quat


def _free(name: str, suffix: str, taken: set[str]) -> str:
    """Return a name that is not taken, with a suffix and then a number where need be."""

    def candidates() -> Iterator[str]:
        yield name
        yield from ([name + suffix] if suffix else [])
        yield from (f'{name}{suffix}_{number}' for number in itertools.count(2))

    free = next(each for each in candidates() if each not in taken)
    taken.add(free)
    return free
