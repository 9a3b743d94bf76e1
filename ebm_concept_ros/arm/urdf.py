# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a URDF needs before MuJoCo reads it: meshes and inertias that it takes; and its limits."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ebm_concept_ros.arm.references import resolve
from ebm_concept_ros.config_files import ConfigError

_log = logging.getLogger(__name__)

_AXES = 'xyz'
# Of a link's greatest moment of inertia, the least that another of its moments is made.
_LEAST_MOMENT_SHARE = 1e-3
_READABLE = ('.stl', '.obj', '.msh')
_CONVERTED = '.dae'


@dataclass(frozen=True)
class UrdfLimits:
    """What a URDF says of a joint: N·m, N of a slide; rad/s or m/s. None where it is silent."""

    effort: float | None
    velocity: float | None


@dataclass(frozen=True)
class Urdf:
    """A URDF that MuJoCo can read: the text, files for it in memory, and limits by joint."""

    text: str
    assets: dict[str, bytes]
    limits: dict[str, UrdfLimits]


def is_urdf(text: str) -> bool:
    """Tell a URDF from an MJCF by its root element."""
    try:
        return ElementTree.fromstring(text).tag == 'robot'
    except ElementTree.ParseError:
        return False


def prepare_urdf(text: str, directory: Path, package_dirs: Sequence[str]) -> Urdf:
    """Return the URDF with every mesh found, and converted where MuJoCo cannot read it.

    directory: of the file, where its relative paths begin. What is only looked at is left out where
    it cannot be read. Raises ConfigError that names link, mesh and remedy.
    """
    robot = ElementTree.fromstring(text)
    assets: dict[str, bytes] = {}
    meshdir = _compiler(robot).get('meshdir')
    for link in robot.iter('link'):
        for kind in ('visual', 'collision'):
            for element in link.findall(kind):
                mesh = element.find('geometry/mesh')
                if mesh is None:
                    continue
                try:
                    _prepare_mesh(mesh, directory, meshdir, package_dirs, assets)
                except ConfigError as error:
                    if kind == 'collision':
                        raise ConfigError(f'model: link {link.get("name")}: {error}') from None
                    link.remove(element)
    _mend_inertias(robot)
    compiler = _compiler(robot)
    compiler.set('strippath', 'false')
    if compiler.get('balanceinertia') is None:
        compiler.set('balanceinertia', 'true')
    compiler.attrib.pop('meshdir', None)
    return Urdf(ElementTree.tostring(robot, encoding='unicode'), assets, _limits(robot))


def _mend_inertias(robot: ElementTree.Element) -> None:
    """Make inertias positive that no body has, as CAD programs write them for small parts; log."""
    mended = []
    for link in robot.iter('link'):
        inertia = link.find('inertial/inertia')
        if inertia is None:
            continue
        names = [[f'i{min(a, b)}{max(a, b)}' for b in _AXES] for a in _AXES]
        try:
            matrix = np.array([[float(inertia.get(n, 0.0)) for n in row] for row in names])
        except ValueError:
            continue  # MuJoCo names it
        if not np.isfinite(matrix).all() or not matrix.any():
            continue
        moments, turn = np.linalg.eigh(matrix)
        if moments[0] > 0.0:
            continue
        moments = np.maximum(moments, _LEAST_MOMENT_SHARE * np.abs(moments).max())
        matrix = turn @ np.diag(moments) @ turn.T
        for row, column in np.ndindex(3, 3):
            inertia.set(names[row][column], repr(float(matrix[row, column])))
        mended.append(link.get('name', ''))
    if mended:
        _say_mended(', '.join(mended))


@cache  # once for a file that is read for arm, plans and table
def _say_mended(links: str) -> None:
    _log.warning(
        'links %s: no body has such an inertia, with a moment that is not positive; those moments '
        'are made small',
        links,
    )


def _prepare_mesh(
    mesh: ElementTree.Element,
    directory: Path,
    meshdir: str | None,
    package_dirs: Sequence[str],
    assets: dict[str, bytes],
) -> None:
    reference = mesh.get('filename', '')
    path = resolve(reference, directory, package_dirs)
    if not path.is_file() and meshdir is not None:
        # With a meshdir of its own, MuJoCo looks there for the bare name.
        path = (directory / meshdir / Path(reference).name).resolve()
    if not path.is_file():
        raise ConfigError(f'mesh {reference}: there is no {path}')
    suffix = path.suffix.lower()
    if suffix in _READABLE:
        mesh.set('filename', str(path))
        return
    if suffix != _CONVERTED:
        raise ConfigError(
            f'mesh {reference}: MuJoCo reads {", ".join(_READABLE)}, not {suffix or "this"}; '
            'convert it'
        )
    name = f'{path}.stl'
    if name not in assets:
        assets[name] = _stl_of(path, reference)
    mesh.set('filename', name)


def _stl_of(path: Path, reference: str) -> bytes:
    """Return a COLLADA file as binary STL, in metres; raises ConfigError."""
    remedy = 'convert it to .stl or .obj (Blender and MeshLab do), and name that in the URDF'
    if not (importlib.util.find_spec('trimesh') and importlib.util.find_spec('collada')):
        raise ConfigError(
            f'mesh {reference}: MuJoCo reads no .dae; pip install trimesh pycollada, with which it '
            f'is converted while loading, or {remedy}'
        )
    import trimesh

    try:
        scene = trimesh.load_scene(path)
        return scene.to_mesh().export(file_type='stl')
    except Exception as error:  # whatever a foreign reader does with a foreign file
        reason = ' '.join(str(error).split())
        raise ConfigError(
            f'mesh {reference}: trimesh cannot read it ({reason}); {remedy}'
        ) from None


def _limits(robot: ElementTree.Element) -> dict[str, UrdfLimits]:
    limits = {}
    for joint in robot.findall('joint'):
        limit = joint.find('limit')
        if limit is not None:
            values = (_number(limit.get(key)) for key in ('effort', 'velocity'))
            limits[joint.get('name', '')] = UrdfLimits(*values)
    return limits


def _number(text: str | None) -> float | None:
    """Return a limit; None where there is none, or zero, which files have for want of one."""
    try:
        value = float(text or 0.0)
    except ValueError:
        return None
    return value if value > 0.0 else None


def _compiler(robot: ElementTree.Element) -> ElementTree.Element:
    """Return the element with MuJoCo's options for the file, which is there from now on."""
    parent = robot
    for tag in ('mujoco', 'compiler'):
        child = parent.find(tag)
        parent = ElementTree.SubElement(parent, tag) if child is None else child
    return parent
