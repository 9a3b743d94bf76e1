# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm of seven joints whose finger is to be at a place: in the form of the paper's Sawyer task.

Time steps, actions, reward and length of an episode are those of the paper's; lengths are those
that Rethink Robotics gives for Sawyer's upper arm, forearm and hand, without its offsets sideways.
Masses and motors are not Sawyer's, so scores compare between methods, and not with the paper's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidInput
from .transitions import Transitions

STEP_S = 0.02
_SUBSTEPS = 2
# Of each joint: where it is from the one before, m; its axis; limit, rad; torque of an action of 1
# and damping, N·m and N·m·s/rad.
_JOINTS = (
    ((0.0, 0.0, 0.317), 'z', 2.9, 20.0, 2.0),
    ((0.081, 0.0, 0.0), 'y', 2.2, 20.0, 2.0),
    ((0.0, 0.0, 0.2), 'z', 2.9, 20.0, 2.0),
    ((0.0, 0.0, 0.2), 'y', 2.2, 20.0, 2.0),
    ((0.0, 0.0, 0.2), 'z', 2.9, 10.0, 1.0),
    ((0.0, 0.0, 0.2), 'y', 2.2, 10.0, 1.0),
    ((0.0, 0.0, 0.067), 'z', 2.9, 10.0, 1.0),
)
_FINGER_M = (0.0, 0.0, 0.067)
_RADII_M = (0.06, 0.06, 0.06, 0.05, 0.05, 0.04, 0.03)
_SHOULDER_M = np.array([0.0, 0.0, 0.317])
_REACH_M = 0.85  # of the shoulder: less than with a stretched arm
_ARMATURE = 0.1  # kg·m²
_N = len(_JOINTS)
_LIMITS = np.array([joint[2] for joint in _JOINTS])
_SCALE = np.repeat([math.pi, 10.0], _N)  # rad, rad/s of a state of 1
_GEAR_NM = np.array([joint[3] for joint in _JOINTS])
_FASTEST = 0.3  # of 10 rad/s, in random transitions


@dataclass(frozen=True)
class SevenJoints:
    """Angles / π and velocities / 10 of seven joints, no gravity; actions are shares of torques.

    The reward is −10 times the finger's distance to the goal, m, in each of 1000 steps: an episode
    goes on at the goal.
    """

    name: str = 'seven_joints'
    start: tuple[float, ...] = (0.0, -0.2, 0.0, 0.5, 0.0, 0.3, 0.0, *[0.0] * _N)
    goal: tuple[float, ...] = (0.5, 0.3, 0.3)
    reach: float = 0.03
    cap: int = 1000
    unit: float = 10.0
    ends: bool = False
    low: np.ndarray = field(default_factory=lambda: -np.ones(2 * _N), compare=False)
    high: np.ndarray = field(default_factory=lambda: np.ones(2 * _N), compare=False)
    actions: int = _N

    def allowed(self, states: np.ndarray) -> np.ndarray:
        """Return whether states (N, 14) are in the world, (N,)."""
        within = np.abs(states[:, :_N]) <= _LIMITS / math.pi + 1e-6
        return within.all(-1) & (np.abs(states) <= 1).all(-1)

    def far(self, states: Tensor, goals: Tensor) -> Tensor:
        """Return how far the finger is from goals (..., 3) in states (..., 14), (...), m."""
        return (finger(states) - goals).norm(dim=-1)

    def can_be_at(self, goals: np.ndarray) -> np.ndarray:
        """Return whether goals (N, 3) are within the arm's reach, (N,)."""
        return np.linalg.norm(goals - _SHOULDER_M, axis=-1) <= _REACH_M

    def draw_goals(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Return goals (number, 3): where even angles take the finger, in reach, above z = 0."""
        goals = np.empty((0, 3))
        while len(goals) < number:
            angles = rng.uniform(-_LIMITS, _LIMITS, (2 * number, _N)) / math.pi
            states = np.concatenate((angles, np.zeros_like(angles)), 1)
            places = finger(torch.from_numpy(states)).numpy()
            kept = self.can_be_at(places) & (places[:, 2] > 0)
            goals = np.concatenate((goals, places[kept]))
        return goals[:number]

    def step(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the states (N, 14) 0.02 s after torques (N, 7), which are clipped to [-1, 1]."""
        physics, data = self._physics, self._physics.data
        nexts = np.empty_like(states)
        for index, (state, action) in enumerate(zip(states * _SCALE, actions, strict=True)):
            data.qpos[:], data.qvel[:] = state[:_N], state[_N:]
            data.qacc_warmstart[:] = 0
            data.ctrl[:] = np.clip(action, -1, 1)
            for _ in range(_SUBSTEPS):
                self._library.mj_step(physics.model.ptr, data.ptr)
            nexts[index, :_N], nexts[index, _N:] = data.qpos, data.qvel
        return nexts / _SCALE

    def inverse(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return the actions (N, 7) that give the next velocities: the given dynamics."""
        physics, data = self._physics, self._physics.data
        actions = np.empty((len(states), _N))
        middle, change = (states + nexts) / 2 * _SCALE, (nexts - states) * _SCALE
        for index, (state, by) in enumerate(zip(middle, change, strict=True)):
            data.qpos[:], data.qvel[:], data.qacc[:] = state[:_N], state[_N:], by[_N:] / STEP_S
            self._library.mj_inverse(physics.model.ptr, data.ptr)
            actions[index] = data.qfrc_inverse / _GEAR_NM
        return actions

    def transitions(self, number: int, rng: np.random.Generator) -> Transitions:
        """Return random transitions: even angles, velocities up to 3 rad/s, and even torques."""
        angles = rng.uniform(-_LIMITS, _LIMITS, (number, _N)) / math.pi
        states = np.concatenate((angles, rng.uniform(-_FASTEST, _FASTEST, (number, _N))), 1)
        actions = rng.uniform(-1, 1, (number, _N))
        return Transitions.of(states, actions, self.step(states, actions))

    @cached_property
    def _physics(self) -> object:
        return self._dm_control.Physics.from_xml_string(mjcf())

    @cached_property
    def _library(self) -> object:
        return self._dm_control.wrapper.mjbindings.mjlib

    @property
    def _dm_control(self) -> ModuleType:
        try:
            from dm_control import mujoco
        except ImportError as error:
            raise InvalidInput(
                f'seven_joints needs dm_control: pip install dm-control ({error})'
            ) from None
        return mujoco


def finger(states: Tensor) -> Tensor:
    """Return where the finger is (..., 3) in states (..., 14), m."""
    angles = states[..., :_N] * math.pi
    sines, cosines = angles.sin().unbind(-1), angles.cos().unbind(-1)
    x, y, z = _FINGER_M
    # From the hand inwards, as a vector is sooner turned than a frame.
    for (offset, axis, *_), sin, cos in reversed(list(zip(_JOINTS, sines, cosines, strict=True))):
        if axis == 'z':
            x, y = cos * x - sin * y, sin * x + cos * y
        else:
            x, z = cos * x + sin * z, cos * z - sin * x
        x, y, z = x + offset[0], y + offset[1], z + offset[2]
    return torch.stack((x, y, z), -1)


@lru_cache
def mjcf() -> str:
    """Return the arm's model in MuJoCo's format."""
    ends = [joint[0] for joint in _JOINTS[1:]] + [_FINGER_M]
    body = f'<site name="finger" pos="{_text(_FINGER_M)}"/>'
    for number in reversed(range(_N)):
        offset, axis, limit, _, damping = _JOINTS[number]
        along = '0 0 1' if axis == 'z' else '0 1 0'
        body = (
            f'<body pos="{_text(offset)}"><joint name="joint_{number + 1}" axis="{along}" '
            f'range="{-limit} {limit}" damping="{damping}" armature="{_ARMATURE}"/>'
            f'<geom type="capsule" size="{_RADII_M[number]}" fromto="0 0 0 {_text(ends[number])}" '
            f'contype="0" conaffinity="0"/>{body}</body>'
        )
    motors = ''.join(
        f'<motor joint="joint_{number + 1}" gear="{joint[3]}" ctrllimited="true" ctrlrange="-1 1"/>'
        for number, joint in enumerate(_JOINTS)
    )
    return (
        '<mujoco><compiler angle="radian" autolimits="true"/>'
        f'<option timestep="{STEP_S / _SUBSTEPS}" gravity="0 0 0"/>'
        f'<worldbody>{body}</worldbody><actuator>{motors}</actuator></mujoco>'
    )


def _text(numbers: tuple[float, ...]) -> str:
    return ' '.join(map(str, numbers))
