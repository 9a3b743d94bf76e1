# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Shapes of URDFs and markers as triangles."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

_SECTORS, _RINGS = 20, 10


@dataclass(frozen=True, eq=False)
class Solid:
    """Triangles (F, 3, 3) m, counter-clockwise from outside, of one colour, rgba."""

    triangles: np.ndarray
    rgba: tuple[float, float, float, float]

    def at(self, transform: np.ndarray) -> Solid:
        """Return it moved by a transform (4, 4)."""
        moved = self.triangles @ transform[:3, :3].T + transform[:3, 3]
        return Solid(moved, self.rgba)


def box(sides_m: np.ndarray) -> np.ndarray:
    """Return a box around the origin."""
    faces = []
    for axis, sign in itertools.product(range(3), (-1.0, 1.0)):
        u, v, w = np.roll(np.eye(3), axis, axis=1)
        corners = [sign * w + a * u + sign * b * v for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        faces += [[corners[0], corners[1], corners[2]], [corners[0], corners[2], corners[3]]]
    return np.array(faces) * np.asarray(sides_m) / 2


def cylinder(radius_m: float, length_m: float) -> np.ndarray:
    """Return a cylinder along z around the origin."""
    angles = np.linspace(0.0, 2 * np.pi, _SECTORS + 1)
    rim = np.stack([radius_m * np.cos(angles), radius_m * np.sin(angles), 0 * angles], axis=1)
    half = np.array([0.0, 0.0, length_m / 2])
    low, high = rim - half, rim + half
    faces = []
    for k in range(_SECTORS):
        faces += [[low[k], low[k + 1], high[k + 1]], [low[k], high[k + 1], high[k]]]
        faces += [[half, high[k], high[k + 1]], [-half, low[k + 1], low[k]]]
    return np.array(faces)


def sphere(radius_m: float) -> np.ndarray:
    """Return a sphere around the origin."""
    down = np.linspace(0.0, np.pi, _RINGS + 1)[:, None]
    around = np.linspace(0.0, 2 * np.pi, _SECTORS + 1)[None]
    flat = np.sin(down)
    places = np.stack([flat * np.cos(around), flat * np.sin(around), np.cos(down) + 0 * around], -1)
    a, b, c, d = places[:-1, :-1], places[1:, :-1], places[1:, 1:], places[:-1, 1:]
    faces = [np.stack(each, axis=-2).reshape(-1, 3, 3) for each in ((a, b, c), (a, c, d))]
    return radius_m * np.concatenate(faces)


def transform(position_m: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Return (4, 4) of a position (3,) and a rotation (3, 3)."""
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = rotation, position_m
    return out


def rotation_of_rpy(rpy: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) of roll, pitch and yaw, rad, about fixed axes."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(rpy), np.cos(rpy)
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def rotation_of_quaternion(x: float, y: float, z: float, w: float) -> np.ndarray:
    """Return the rotation (3, 3) of a quaternion of length 1."""
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
