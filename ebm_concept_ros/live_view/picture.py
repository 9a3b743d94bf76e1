# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A view drawn from above, in 3-D, and as frames: what RViz would show of the same messages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ebm_concept_ros.live_view import solids
from ebm_concept_ros.live_view.bag_view import View
from ebm_concept_ros.live_view.solids import Solid

# As visualization_msgs/Marker numbers them.
_ARROW, _CUBE, _SPHERE, _CYLINDER, _LINE_STRIP, _TEXT, _TRIANGLES = 0, 1, 2, 3, 4, 9, 11
_MAP_ALPHA = 0.7
_LINE = 64  # letters that fit into the view from above
_LIGHT = np.array([0.35, -0.45, 0.82])
_AXIS_M, _APART_M = 0.06, 0.07
_LOOKED_FROM = {'elev': 32, 'azim': -130}


def draw(view: View, path: Path) -> None:
    """Write the picture of a view as PNG."""
    # Late, for nobody else needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16.5, 5.8), dpi=100, layout='constrained')
    above = figure.add_subplot(1, 3, 1)
    _draw_above(above, view)
    _draw_in_3d(figure.add_subplot(1, 3, 2, projection='3d'), view)
    _draw_frames(figure.add_subplot(1, 3, 3, projection='3d'), view)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)


def _draw_above(axes: Any, view: View) -> None:
    from matplotlib.collections import PolyCollection

    for solid, order in [*((s, 1) for s in _marker_solids(view)), *((s, 4) for s in view.robot)]:
        by_height = np.argsort(solid.triangles[:, :, 2].max(axis=1))
        colours = _shaded(solid)[by_height]
        if order == 4:  # the arm hides nothing
            colours[:, 3] *= 0.3
        flat = solid.triangles[by_height][:, :, :2]
        axes.add_collection(PolyCollection(flat, facecolors=colours, zorder=order))
    if view.map is not None:
        _draw_map(axes, view.map)
    for places, marker in _lines(view):
        axes.plot(*places[:, :2].T, color=_rgba(marker), lw=2, zorder=3)
    for place, marker in _texts(view):
        if marker.ns == 'ids':
            axes.annotate(marker.text, place[:2], ha='center', va='center', fontsize=8, zorder=5)
    axes.set(title='markers and map, from above', xlabel='x in base (m)', ylabel='y in base (m)')
    x, y, size = _table(view)
    axes.set(xlim=(x - size, x + size), ylim=(y - size, y + size), aspect='equal')
    texts = [marker.text for _, marker in _texts(view) if marker.ns in ('state', 'refused')]
    said = [textwrap.fill(text, _LINE) for text in texts]
    axes.text(0.02, 0.98, '\n'.join(said), transform=axes.transAxes, va='top', fontsize=8, zorder=6)


def _draw_map(axes: Any, grid: Any) -> None:
    info = grid.info
    values = np.array(grid.data, float).reshape(info.height, info.width)
    x, y = info.origin.position.x, info.origin.position.y
    extent = (x, x + info.width * info.resolution, y, y + info.height * info.resolution)
    axes.imshow(_map_colours(values), extent=extent, origin='lower', alpha=_MAP_ALPHA, zorder=0.5)
    # Above the table, which is a marker, and below what stands on it.
    for collection in list(axes.collections)[:1]:
        collection.set_zorder(0.2)


def _map_colours(values: np.ndarray) -> np.ndarray:
    """Return (H, W, 4): blue to red as RViz's colours of a costmap, nothing where unknown."""
    share = values / 100.0
    blank = np.zeros_like(share)
    return np.stack([share, blank, 1.0 - share, (values > 0).astype(float)], axis=-1).clip(0, 1)


def _draw_in_3d(axes: Any, view: View) -> None:
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    axes.computed_zorder = False
    table, *others = _marker_solids(view)
    _draw_solids(axes, [table], 0)
    if view.map is not None:
        quads, colours = _cells(view.map)
        axes.add_collection3d(Poly3DCollection(quads, facecolors=colours, zorder=1))
    _draw_solids(axes, others, 2)
    _draw_solids(axes, list(view.robot), 3)
    for places, marker in _lines(view):
        axes.plot(*places.T, color=_rgba(marker), lw=2, zorder=4)
    for place, marker in _texts(view):
        if marker.ns == 'ids':
            axes.text(*place, marker.text, fontsize=7, ha='center', zorder=5)
    axes.set_title('robot_description on /tf, and markers')
    _frame(axes, view)


def _draw_solids(axes: Any, found: list[Solid], order: int) -> None:
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    if found:
        triangles = np.concatenate([solid.triangles for solid in found])
        colours = np.concatenate([_shaded(solid) for solid in found])
        seen = _normals(triangles) @ _to_the_eye() > 0
        faces = Poly3DCollection(triangles[seen], facecolors=colours[seen], zorder=order)
        axes.add_collection3d(faces)


def _to_the_eye() -> np.ndarray:
    up, around = np.radians([_LOOKED_FROM['elev'], _LOOKED_FROM['azim']])
    return np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])


def _cells(grid: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (N, 4, 3) and colours (N, 4) of a map's cells."""
    info, origin = grid.info, grid.info.origin.position
    values = np.array(grid.data, float).reshape(info.height, info.width)
    iy, ix = np.indices(values.shape).reshape(2, -1)
    x, y = (o + info.resolution * i for o, i in ((origin.x, ix), (origin.y, iy)))
    step, z = info.resolution, np.full(len(x), origin.z)
    corners = [(x, y, z), (x + step, y, z), (x + step, y + step, z), (x, y + step, z)]
    colours = _map_colours(values).reshape(-1, 4) * (1.0, 1.0, 1.0, _MAP_ALPHA)
    return np.stack([np.stack(c, axis=-1) for c in corners], axis=1), colours


def _draw_frames(axes: Any, view: View) -> None:
    named: list[np.ndarray] = []
    first = ['world', 'end_effector']
    for frame in dict.fromkeys([*first, *view.parents]):
        pose = view.place_of(frame)
        for axis, colour in enumerate(('red', 'green', 'blue')):
            ends = np.stack([pose[:3, 3], pose[:3, 3] + _AXIS_M * pose[:3, axis]])
            axes.plot(*ends.T, color=colour, lw=2)
        if frame in view.parents:
            ends = np.stack([view.place_of(view.parents[frame][0])[:3, 3], pose[:3, 3]])
            axes.plot(*ends.T, color='0.7', lw=1)
        # Where frames are close together the first one is named.
        if all(np.linalg.norm(pose[:3, 3] - place) > _APART_M for place in named):
            named.append(pose[:3, 3])
            axes.text(*pose[:3, 3], f'  {frame}', fontsize=8)
    axes.set_title('frames of /tf and /tf_static')
    _frame(axes, view)


def _frame(axes: Any, view: View) -> None:
    x, y, size = _table(view)
    axes.set(xlim=(-0.15, x + size), ylim=(y - size, y + size), zlim=(0, 0.75 * size * 2))
    axes.set_box_aspect((x + size + 0.15, 2 * size, 1.5 * size))
    axes.set(xlabel='x (m)', ylabel='y (m)', zlabel='z (m)')
    axes.view_init(**_LOOKED_FROM)


def _table(view: View) -> tuple[float, float, float]:
    """Return the middle (x, y) of the table, and half of its side, m."""
    table = view.markers['table', 0]
    centre = table.pose.position
    return centre.x, centre.y, table.scale.x / 2


def _marker_solids(view: View) -> Iterator[Solid]:
    """Yield markers that have a surface, the table first."""
    for marker in sorted(view.markers.values(), key=lambda marker: marker.ns != 'table'):
        size = np.array([marker.scale.x, marker.scale.y, marker.scale.z])
        match marker.type:
            case t if t == _CUBE:
                shape = solids.box(size)
            case t if t == _CYLINDER:
                shape = solids.cylinder(0.5, 1.0) * size
            case t if t == _SPHERE:
                shape = solids.sphere(0.5) * size
            case t if t == _TRIANGLES:
                shape = _points(marker).reshape(-1, 3, 3) * size
            case _:
                continue
        yield Solid(shape, _rgba(marker)).at(_pose(marker))


def _lines(view: View) -> Iterator[tuple[np.ndarray, Any]]:
    for marker in view.markers.values():
        if marker.type in (_LINE_STRIP, _ARROW):
            yield _points(marker), marker


def _texts(view: View) -> Iterator[tuple[np.ndarray, Any]]:
    for marker in view.markers.values():
        if marker.type == _TEXT:
            yield _pose(marker)[:3, 3], marker


def _points(marker: Any) -> np.ndarray:
    return np.array([(point.x, point.y, point.z) for point in marker.points])


def _pose(marker: Any) -> np.ndarray:
    place, turn = marker.pose.position, marker.pose.orientation
    rotation = solids.rotation_of_quaternion(turn.x, turn.y, turn.z, turn.w)
    return solids.transform(np.array([place.x, place.y, place.z]), rotation)


def _rgba(marker: Any) -> tuple[float, float, float, float]:
    colour = marker.color
    return colour.r, colour.g, colour.b, colour.a


def _shaded(solid: Solid) -> np.ndarray:
    """Return (F, 4): what faces the light is brighter."""
    brightness = 0.55 + 0.45 * np.clip(_normals(solid.triangles) @ _LIGHT, 0, 1)
    colours = np.tile(np.array(solid.rgba, float), (len(brightness), 1))
    colours[:, :3] *= brightness[:, None]
    return colours


def _normals(triangles: np.ndarray) -> np.ndarray:
    """Return the outward normals (F, 3) of length 1, or 0 for a triangle without area."""
    edges = triangles[:, 1:] - triangles[:, :1]
    normals = np.cross(edges[:, 0], edges[:, 1])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths > 0, lengths, 1.0)
