# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Reacher: a planar arm of two links, by equations of our own and by dm_control's physics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import InvalidInput
from .goals import PlaceFirst
from .transitions import Transitions

STEP_S = 0.02
_GEAR_NM, _DAMPING = 0.05, 0.01  # torque of an action of 1, N·m; N·m·s/rad
_LENGTH_M = 0.12  # from the shoulder to the wrist
_WRIST_RAD = math.radians(160)  # the wrist's limit; the shoulder has none
_SCALE = np.array([math.pi, math.pi, 10.0, 10.0])  # rad, rad/s of a state of 1


def _capsule(length_m: float, radius_m: float = 0.01, density: float = 1000.0) -> np.ndarray:
    """Return mass and moment of inertia about the middle, across the axis."""
    rod = density * math.pi * radius_m**2 * length_m
    caps = density * 4 / 3 * math.pi * radius_m**3
    inertia = rod * (3 * radius_m**2 + length_m**2) / 12 + caps * (
        0.4 * radius_m**2 + length_m**2 / 4 + 3 * length_m * radius_m / 8
    )
    return np.array([rod + caps, inertia])


_ARM, _HAND, _FINGER = _capsule(0.12), _capsule(0.10), _capsule(0.0)
# Moments about shoulder, about wrist, and the first moment of hand and finger about the wrist.
_ABOUT_WRIST = _HAND[1] + _HAND[0] * 0.05**2 + _FINGER[1] + _FINGER[0] * 0.12**2
_ABOUT_SHOULDER = _ARM[1] + _ARM[0] * 0.06**2 + (_HAND[0] + _FINGER[0]) * _LENGTH_M**2
_COUPLING = _LENGTH_M * (_HAND[0] * 0.05 + _FINGER[0] * 0.12)


@dataclass(frozen=True)
class Reacher(PlaceFirst):
    """Angles / π and velocities / 10 of shoulder and wrist; actions are torques / 0.05 N·m.

    Sizes, masses and motors are those of dm_control's reacher, which moves in a plane without
    gravity; the reward is minus the distance of the angles in radians (L1).
    """

    name: str = 'reacher'
    start: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    goal: tuple[float, ...] = (0.7 / math.pi, 0.5 / math.pi)
    reach: float = 0.01 / math.pi
    cap: int = 50
    unit: float = math.pi
    ends: bool = True
    low: np.ndarray = field(default_factory=lambda: -np.ones(4), compare=False)
    high: np.ndarray = field(default_factory=lambda: np.ones(4), compare=False)
    actions: int = 2

    def allowed(self, states: np.ndarray) -> np.ndarray:
        """Return whether states (N, 4) are in the world, (N,)."""
        return (np.abs(states) <= 1).all(-1) & (np.abs(states[:, 1]) <= _WRIST_RAD / math.pi)

    def step(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the states (N, 4) 0.02 s after torques (N, 2), which are clipped to [-1, 1]."""
        angle, speed = np.split(states * _SCALE, 2, -1)
        mass, bias = _dynamics(angle, speed)
        torque = _GEAR_NM * np.clip(actions, -1, 1) - bias - _DAMPING * speed
        # Damping is taken at the end of the step, as MuJoCo's Euler integrator does.
        mass[:, [0, 1], [0, 1]] += STEP_S * _DAMPING
        speed = speed + STEP_S * np.linalg.solve(mass, torque[..., None])[..., 0]
        angle = angle + STEP_S * speed
        past = np.abs(angle[:, 1]) > _WRIST_RAD
        speed[past, 1], angle[:, 1] = 0, np.clip(angle[:, 1], -_WRIST_RAD, _WRIST_RAD)
        return np.concatenate((angle, speed), -1) / _SCALE

    def inverse(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return the torques (N, 2) that give the next velocities."""
        angle, speed = np.split(states * _SCALE, 2, -1)
        mass, bias = _dynamics(angle, speed)
        after = (nexts * _SCALE)[:, 2:]
        change = (mass @ ((after - speed) / STEP_S)[..., None])[..., 0]
        return (change + bias + _DAMPING * after) / _GEAR_NM

    def transitions(self, number: int, rng: np.random.Generator) -> Transitions:
        """Return random transitions: even angles, velocities up to 5 rad/s, and even torques."""
        angle = rng.uniform(-1, 1, (number, 2)) * [1, _WRIST_RAD / math.pi]
        states = np.concatenate((angle, rng.uniform(-0.5, 0.5, (number, 2))), 1)
        actions = rng.uniform(-1, 1, (number, 2))
        return Transitions.of(states, actions, self.step(states, actions))


@dataclass(frozen=True)
class DmReacher(Reacher):
    """The same arm by dm_control's physics (MuJoCo), a state after the other."""

    name: str = 'dm_reacher'

    @cached_property
    def _physics(self) -> object:
        try:
            from dm_control import suite
        except ImportError as error:
            raise InvalidInput(
                f'dm_reacher needs dm_control: pip install dm-control ({error})'
            ) from None
        return suite.load('reacher', 'easy').physics

    def step(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the states (N, 4) 0.02 s after torques (N, 2), which are clipped to [-1, 1]."""
        physics, nexts = self._physics, np.empty_like(states)
        for index, (state, action) in enumerate(zip(states * _SCALE, actions, strict=True)):
            physics.data.qpos[:], physics.data.qvel[:] = state[:2], state[2:]
            physics.data.qacc_warmstart[:] = 0
            physics.set_control(np.clip(action, -1, 1))
            physics.forward()
            physics.step()
            nexts[index, :2], nexts[index, 2:] = physics.data.qpos, physics.data.qvel
        return nexts / _SCALE


def _dynamics(angle: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mass matrix (N, 2, 2) and the Coriolis torques (N, 2)."""
    bent, turn = _COUPLING * np.cos(angle[:, 1]), _COUPLING * np.sin(angle[:, 1])
    both = _ABOUT_WRIST + bent
    mass = np.stack((_ABOUT_SHOULDER + both + bent, both, both, 0 * both + _ABOUT_WRIST), -1)
    first, second = speed[:, 0], speed[:, 1]
    bias = np.stack((-turn * second * (2 * first + second), turn * first**2), -1)
    return mass.reshape(-1, 2, 2), bias
