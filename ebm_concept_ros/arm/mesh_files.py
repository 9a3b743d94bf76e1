# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Meshes of a compiled model as STL files, which URDFs refer to."""

from __future__ import annotations

import hashlib
from pathlib import Path

import mujoco
import numpy as np

from ebm_core.files import write_atomically

_HEADER = b'written by ebm_concept_ros'.ljust(80)
_TRIANGLE = np.dtype([('normal', '<f4', 3), ('corners', '<f4', (3, 3)), ('attribute', '<u2')])
# Of the sphere that an ellipsoid is made of.
_RINGS, _SECTORS = 16, 24


class MeshFolder:
    """A folder of STL files, each named by what it holds, so that none is written twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def uri_of(self, model: mujoco.MjModel, mesh: int) -> str:
        """Return where a mesh of the model is, file://…, in the frame of its geom; raises OSError.

        A compiled mesh stands in its own centre, and the geom's pose takes that up.
        """
        first, number = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
        vertices = model.mesh_vert[first : first + number]
        first, number = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
        return self._written(vertices[model.mesh_face[first : first + number]])

    def uri_of_ellipsoid(self, radii_m: np.ndarray) -> str:
        """Return where an ellipsoid is, which URDF has no word for; raises OSError."""
        return self._written(_sphere() * radii_m)

    def _written(self, triangles: np.ndarray) -> str:
        data = stl(triangles)
        path = self._folder / f'{hashlib.sha256(data).hexdigest()[:16]}.stl'
        if not path.is_file():
            write_atomically(path, data)
        return path.as_uri()


def stl(triangles: np.ndarray) -> bytes:
    """Return triangles (F, 3, 3), counter-clockwise from outside, as a binary STL file."""
    records = np.zeros(len(triangles), _TRIANGLE)
    edges = triangles[:, 1:] - triangles[:, :1]
    normals = np.cross(edges[:, 0], edges[:, 1])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records['normal'] = normals / np.where(lengths > 0.0, lengths, 1.0)
    records['corners'] = triangles
    return _HEADER + np.uint32(len(triangles)).tobytes() + records.tobytes()


def read_stl(path: Path) -> np.ndarray:
    """Return the triangles (F, 3, 3) of a binary STL file."""
    data = path.read_bytes()
    number = int(np.frombuffer(data, '<u4', 1, 80)[0])
    return np.frombuffer(data, _TRIANGLE, number, 84)['corners'].astype(float)


def _sphere() -> np.ndarray:
    """Return the triangles (F, 3, 3) of a sphere of radius 1."""
    down = np.linspace(0.0, np.pi, _RINGS + 1)[:, None]
    around = np.linspace(0.0, 2 * np.pi, _SECTORS + 1)[None]
    places = np.stack(
        [np.sin(down) * np.cos(around), np.sin(down) * np.sin(around), np.cos(down) + 0 * around],
        axis=-1,
    )
    a, b = places[:-1, :-1], places[1:, :-1]
    c, d = places[1:, 1:], places[:-1, 1:]
    return np.concatenate([np.stack(t, axis=-2).reshape(-1, 3, 3) for t in ((a, b, c), (a, c, d))])
