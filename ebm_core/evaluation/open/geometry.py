# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Plane geometry on arrays (..., 2), for concepts written by hand."""

from __future__ import annotations

import numpy as np

NORTH, EAST = np.array([0.0, 1.0]), np.array([1.0, 0.0])
SAMPLES = 512  # points of a curve whose nearest one has no short formula


def length(v: np.ndarray) -> np.ndarray:
    """Return |v| (...)."""
    return np.linalg.norm(v, axis=-1)


def unit(v: np.ndarray) -> np.ndarray:
    """Return v / |v|; where v is nothing, nothing."""
    return v / np.maximum(length(v), 1e-9)[..., None]


def dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return u · v (...)."""
    return (u * v).sum(-1)


def turned(v: np.ndarray, degrees: float) -> np.ndarray:
    """Return v turned counter-clockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = v[..., 0], v[..., 1]
    return np.stack((cos * x - sin * y, sin * x + cos * y), -1)


def heading(degrees: float) -> np.ndarray:
    """Return the unit vector (2,) that is so far counter-clockwise from east."""
    return turned(EAST, degrees)


def on_line(x: np.ndarray, through: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the line's place that is nearest to x; direction: of any length."""
    direction = unit(direction)
    return through + dot(x - through, direction)[..., None] * direction


def off_line(x: np.ndarray, through: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the distance (...) from x to the line."""
    return np.abs(beside(x, through, direction))


def beside(x: np.ndarray, through: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return how far (...) x is to the left of the line, which has a direction."""
    return dot(x - through, turned(unit(direction), 90))


def on_segment(x: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the place between start and end that is nearest to x."""
    way = end - start
    share = dot(x - start, way) / np.maximum(dot(way, way), 1e-9)
    return start + np.clip(share, 0, 1)[..., None] * way


def on_ring(x: np.ndarray, centre: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """Return the circle's place that is nearest to x; radius: () or (...)."""
    return centre + np.asarray(radius)[..., None] * unit(x - centre)


def off_ring(x: np.ndarray, centre: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """Return the distance (...) from x to the circle."""
    return np.abs(length(x - centre) - radius)


def beyond(x: np.ndarray, through: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return the place nearest to x of the half-plane that `normal`, a unit vector, points into."""
    short = np.minimum(dot(x - through, normal), 0)
    return x - short[..., None] * normal


def short_of(x: np.ndarray, through: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return how far (...) x is from that half-plane."""
    return np.maximum(-dot(x - through, normal), 0)


def nearest_of(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return which of places (..., K, 2) is nearest to x (..., 2)."""
    which = length(places - x[..., None, :]).argmin(-1)
    return np.take_along_axis(places, which[..., None, None], -2).squeeze(-2)


def ellipse(first: np.ndarray, second: np.ndarray, total: float) -> np.ndarray:
    """Return (..., SAMPLES, 2) places whose distances to two sum up to `total`."""
    to_focus = (second - first) / 2
    turn = np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False)[:, None]
    minor = np.sqrt(np.maximum((total / 2) ** 2 - dot(to_focus, to_focus), 0))
    along = (total / 2 * unit(to_focus))[..., None, :]
    across = (minor[..., None] * turned(unit(to_focus), 90))[..., None, :]
    middle = ((first + second) / 2)[..., None, :]
    return middle + np.cos(turn) * along + np.sin(turn) * across


def hyperbola(near: np.ndarray, far: np.ndarray, difference: float) -> np.ndarray:
    """Return (..., SAMPLES, 2) places that are by `difference` nearer to one than to the other."""
    to_focus = (near - far) / 2
    half = difference / 2
    side = np.linspace(-3, 3, SAMPLES)  # farther than the square is wide
    minor = np.sqrt(np.maximum(dot(to_focus, to_focus) - half**2, 1e-9))[..., None]
    ahead = half * np.sqrt(1 + (side / minor) ** 2)
    along, across = unit(to_focus)[..., None, :], turned(unit(to_focus), 90)[..., None, :]
    middle = ((near + far) / 2)[..., None, :]
    return middle + ahead[..., None] * along + side[:, None] * across


def square(centre: np.ndarray, half: float) -> np.ndarray:
    """Return (..., SAMPLES, 2) places of an upright square's edge; half: of its side."""
    side = np.linspace(-half, half, SAMPLES // 4, endpoint=False)
    edge = np.stack((side, np.full_like(side, half)), -1)
    edges = np.concatenate([turned(edge, quarter) for quarter in (0, 90, 180, 270)])
    return centre[..., None, :] + edges


def circumcentre(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return the place that is equally far from three."""
    u, v = b - a, c - a
    area = 2 * (u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    uu, vv = dot(u, u), dot(v, v)
    x = v[..., 1] * uu - u[..., 1] * vv
    y = u[..., 0] * vv - v[..., 0] * uu
    return a + np.stack((x, y), -1) / area[..., None]
