# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm's compiled model written as a URDF, for RViz, Foxglove and whoever else reads one.

The model is what plans are made on: an MJCF, a URDF or dm-control's arm comes out alike, standing
where its base does, with its held joints fixed and the limits of the arm's configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import mujoco
import numpy as np

from ebm_concept_ros.arm.link_tree import LinkTree, Pose, TreeJoint
from ebm_concept_ros.arm.mesh_files import MeshFolder

_GEOM = mujoco.mjtGeom
# MuJoCo's viewers show these groups unless told otherwise.
_SHOWN_GROUPS = 3


def robot_description(
    name: str, model: mujoco.MjModel, tree: LinkTree, meshes: MeshFolder | None
) -> str:
    """Return the URDF; raises OSError where a mesh cannot be written.

    meshes: where they are written; None: they are left out, shapes of a few numbers stay.
    """
    robot = Element('robot', name=name)
    for link, body in tree.links.items():
        element = SubElement(robot, 'link', name=link)
        if body is not None:
            _add_inertial(element, model, body)
            _add_shapes(element, model, body, meshes)
    for joint in tree.joints:
        _add_joint(robot, joint)
    ElementTree.indent(robot)
    return ElementTree.tostring(robot, encoding='unicode', xml_declaration=True)


def _add_joint(robot: Element, joint: TreeJoint) -> None:
    element = SubElement(robot, 'joint', name=joint.name, type=joint.kind)
    element.append(_origin(joint.origin))
    SubElement(element, 'parent', link=joint.parent)
    SubElement(element, 'child', link=joint.child)
    if not joint.moves:
        return
    SubElement(element, 'axis', xyz=_text(joint.axis))
    limit = SubElement(element, 'limit', effort=_text(joint.effort), velocity=_text(joint.velocity))
    if joint.kind != 'continuous':
        limit.set('lower', _text(joint.lower))
        limit.set('upper', _text(joint.upper))
    SubElement(element, 'dynamics', damping=_text(joint.damping), friction=_text(joint.friction))


def _add_inertial(link: Element, model: mujoco.MjModel, body: int) -> None:
    mass = float(model.body_mass[body])
    if mass <= 0.0:
        return
    inertial = SubElement(link, 'inertial')
    inertial.append(_origin(Pose(model.body_ipos[body], model.body_iquat[body])))
    SubElement(inertial, 'mass', value=_text(mass))
    x, y, z = (_text(value) for value in model.body_inertia[body])
    SubElement(inertial, 'inertia', ixx=x, iyy=y, izz=z, ixy='0', ixz='0', iyz='0')


def _add_shapes(link: Element, model: mujoco.MjModel, body: int, meshes: MeshFolder | None) -> None:
    first = model.body_geomadr[body]
    geoms = range(first, first + model.body_geomnum[body])
    touching = [g for g in geoms if model.geom_contype[g] or model.geom_conaffinity[g]]
    shown = [g for g in geoms if model.geom_group[g] < _SHOWN_GROUPS]
    # A body with shapes to look at alone is not also shown as what it collides with.
    for_looks = [g for g in shown if g not in touching]
    for kind, chosen in (('visual', for_looks or shown), ('collision', touching)):
        for geom in chosen:
            for pose, shape in _shapes(model, geom, meshes):
                element = SubElement(link, kind)
                element.append(_origin(pose))
                SubElement(element, 'geometry').append(shape)
                if kind == 'visual':
                    material = SubElement(element, 'material', name=f'{link.get("name")}_{geom}')
                    SubElement(material, 'color', rgba=_text(_rgba(model, geom)))


def _shapes(
    model: mujoco.MjModel, geom: int, meshes: MeshFolder | None
) -> Iterator[tuple[Pose, Element]]:
    """Yield what a geom is in URDF's shapes; a floor, which has no end, is none."""
    at = Pose(model.geom_pos[geom], model.geom_quat[geom])
    size = model.geom_size[geom]
    match model.geom_type[geom]:
        case _GEOM.mjGEOM_SPHERE:
            yield at, Element('sphere', radius=_text(size[0]))
        case _GEOM.mjGEOM_BOX:
            yield at, Element('box', size=_text(2 * size))
        case _GEOM.mjGEOM_CYLINDER:
            yield at, Element('cylinder', radius=_text(size[0]), length=_text(2 * size[1]))
        case _GEOM.mjGEOM_CAPSULE:
            yield at, Element('cylinder', radius=_text(size[0]), length=_text(2 * size[1]))
            for end in (-size[1], size[1]):
                yield at.then(np.array([0.0, 0.0, end])), Element('sphere', radius=_text(size[0]))
        case _GEOM.mjGEOM_ELLIPSOID if meshes is not None:
            yield at, Element('mesh', filename=meshes.uri_of_ellipsoid(size))
        case _GEOM.mjGEOM_MESH if meshes is not None:
            mesh = int(model.geom_dataid[geom])
            yield at, Element('mesh', filename=meshes.uri_of(model, mesh))


def _rgba(model: mujoco.MjModel, geom: int) -> np.ndarray:
    material = model.geom_matid[geom]
    return model.geom_rgba[geom] if material < 0 else model.mat_rgba[material]


def _origin(pose: Pose) -> Element:
    return Element('origin', xyz=_text(pose.position_m), rpy=_text(_rpy(pose.quat)))


def _rpy(quat: np.ndarray) -> tuple[float, float, float]:
    """Return roll, pitch and yaw, rad, about fixed axes, of a quaternion w, x, y, z."""
    flat = np.zeros(9)
    mujoco.mju_quat2Mat(flat, np.ascontiguousarray(quat))
    matrix = flat.reshape(3, 3)
    level = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    pitch = float(np.arctan2(-matrix[2, 0], level))
    if level < 1e-9:  # roll and yaw turn about the same axis: all of it is said by roll
        return float(np.arctan2(-matrix[1, 2], matrix[1, 1])), pitch, 0.0
    roll = float(np.arctan2(matrix[2, 1], matrix[2, 2]))
    return roll, pitch, float(np.arctan2(matrix[1, 0], matrix[0, 0]))


def _text(values: object) -> str:
    """Return numbers with all their digits."""
    return ' '.join(repr(float(value)) for value in np.ravel(values))
