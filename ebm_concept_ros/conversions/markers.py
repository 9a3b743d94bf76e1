# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Markers, as RViz and Foxglove draw them; whose namespace and number they are, others say."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

import ebm_concept_ros.msg as ros
from ebm_concept_ros.conversions.scenes import point
from ebm_core.world.scene import SHAPES

_CORNERS_OF_RING = 48
# The box of an entity has half the sides that its radius has, times this; so does the simulator's.
_SQUARE = 0.85
_TRIANGLE = 1.2
_UNIT_WITHIN = 0.01


def entity_marker(
    shape: int,
    position_m: Sequence[float],
    radius_m: float,
    height_m: float,
    rgba: Sequence[float],
) -> Marker:
    """Return an entity as the simulator shows it; position (3,) m of the middle of its foot."""
    x, y, z = position_m
    name = SHAPES[shape]
    if name in ('circle', 'square'):
        marker = Marker(type=Marker.CYLINDER if name == 'circle' else Marker.CUBE)
        side = 2 * radius_m * (1.0 if name == 'circle' else _SQUARE)
        marker.scale = Vector3(x=side, y=side, z=height_m)
        marker.pose.position = point((x, y, z + height_m / 2))
    else:
        outline = _triangle(radius_m) if name == 'triangle' else _cross(radius_m)
        marker = Marker(type=Marker.TRIANGLE_LIST, points=_points(_prism(outline, height_m)))
        marker.scale = Vector3(x=1.0, y=1.0, z=1.0)
        marker.pose.position = point(position_m)
    return _coloured(marker, rgba)


def block_marker(entity: ros.Entity, rgba: Sequence[float]) -> Marker | None:
    """Return a block as it is, lies and is turned; None where a message does not say that."""
    place, turn = entity.pose.position, entity.pose.orientation
    quaternion = np.array([turn.x, turn.y, turn.z, turn.w])
    is_turned = abs(np.linalg.norm(quaternion) - 1.0) < _UNIT_WITHIN
    if not (is_turned and entity.width > 0.0 and math.isfinite(place.z)):
        return None
    foot = np.array([place.x, place.y, place.z])
    if SHAPES[entity.shape] == 'triangle':
        # Its apex is along x.
        outline = _triangle(entity.width / 1.5 / _TRIANGLE)[:, ::-1] * (1.0, -1.0)
        marker = Marker(type=Marker.TRIANGLE_LIST, points=_points(_prism(outline, entity.height)))
        marker.scale = Vector3(x=1.0, y=1.0, z=1.0)
        marker.pose.position = point(foot)
    else:
        kind = Marker.CUBE if SHAPES[entity.shape] == 'square' else Marker.CYLINDER
        marker = Marker(type=kind)
        marker.scale = _vector((entity.width, entity.depth or entity.width, entity.height))
        marker.pose.position = point(foot + _upwards(quaternion) * entity.height / 2)
    marker.pose.orientation = turn
    return _coloured(marker, rgba)


def box_marker(centre_m: Sequence[float], size_m: Sequence[float], rgba: Sequence[float]) -> Marker:
    """Return a box; centre and sides (3,) m."""
    marker = Marker(type=Marker.CUBE, scale=_vector(size_m))
    marker.pose.position = point(centre_m)
    return _coloured(marker, rgba)


def sphere_marker(centre_m: Sequence[float], radius_m: float, rgba: Sequence[float]) -> Marker:
    """Return a sphere; centre (3,) m."""
    marker = Marker(type=Marker.SPHERE, scale=_vector((2 * radius_m,) * 3))
    marker.pose.position = point(centre_m)
    return _coloured(marker, rgba)


def ring_marker(
    centre_m: Sequence[float], radius_m: float, width_m: float, rgba: Sequence[float]
) -> Marker:
    """Return a level circle; centre (3,) m."""
    angles = np.linspace(0.0, 2 * math.pi, _CORNERS_OF_RING + 1)
    around = radius_m * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    return line_marker(around + np.asarray(centre_m), width_m, rgba)


def line_marker(places_m: np.ndarray, width_m: float, rgba: Sequence[float]) -> Marker:
    """Return a line through places (K, 3) m."""
    marker = Marker(type=Marker.LINE_STRIP, points=_points(places_m))
    marker.scale.x = float(width_m)
    return _coloured(marker, rgba)


def arrow_marker(
    from_m: Sequence[float], to_m: Sequence[float], width_m: float, rgba: Sequence[float]
) -> Marker:
    """Return an arrow from one place to another, (3,) m."""
    marker = Marker(type=Marker.ARROW, points=_points(np.array([from_m, to_m], float)))
    marker.scale = _vector((width_m, 2.5 * width_m, 3 * width_m))
    return _coloured(marker, rgba)


def text_marker(
    text: str, centre_m: Sequence[float], height_m: float, rgba: Sequence[float]
) -> Marker:
    """Return a text that faces whoever looks; centre (3,) m, height of a capital letter m."""
    marker = Marker(type=Marker.TEXT_VIEW_FACING, text=text)
    marker.scale.z = float(height_m)
    marker.pose.position = point(centre_m)
    return _coloured(marker, rgba)


def _coloured(marker: Marker, rgba: Sequence[float]) -> Marker:
    r, g, b, a = (float(c) for c in rgba)
    marker.color = ColorRGBA(r=r, g=g, b=b, a=a)
    return marker


def _vector(values: Sequence[float]) -> Vector3:
    x, y, z = (float(value) for value in values)
    return Vector3(x=x, y=y, z=z)


def _points(places: np.ndarray) -> list[Point]:
    return [Point(x=x, y=y, z=z) for x, y, z in np.asarray(places, float).tolist()]


def _upwards(quaternion: np.ndarray) -> np.ndarray:
    """Return the z axis (3,) of what is turned by (x, y, z, w)."""
    x, y, z, w = quaternion
    return np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])


def _triangle(radius_m: float) -> np.ndarray:
    """Return the corners (3, 2), counter-clockwise."""
    angles = math.pi / 2 + np.arange(3) * 2 * math.pi / 3
    return _TRIANGLE * radius_m * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _cross(radius_m: float) -> np.ndarray:
    """Return the twelve corners (12, 2), counter-clockwise."""
    r, t = radius_m, radius_m / 3
    corner = [(r, -t), (r, t), (t, t)]
    turns = [((1, 0), (0, 1)), ((0, -1), (1, 0)), ((-1, 0), (0, -1)), ((0, 1), (-1, 0))]
    return np.concatenate([np.array(corner) @ np.array(turn).T for turn in turns])


def _prism(outline: np.ndarray, height_m: float) -> np.ndarray:
    """Return the triangles' corners (3 F, 3) of top and sides over an outline (K, 2).

    The outline is seen whole from its centre.
    """
    low = np.column_stack([outline, np.zeros(len(outline))])
    high = low + np.array([0.0, 0.0, height_m])
    next_low, next_high = np.roll(low, -1, axis=0), np.roll(high, -1, axis=0)
    centre = np.broadcast_to((0.0, 0.0, height_m), high.shape)
    faces = ((centre, high, next_high), (low, next_low, next_high), (low, next_high, high))
    return np.concatenate([np.stack(face, axis=1).reshape(-1, 3) for face in faces])
