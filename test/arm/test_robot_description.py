# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A URDF that was written and is read again moves as the model does, and has the arm's limits."""

import re
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reaching import SHIPPED_ARMS, shipped_arm

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.link_tree import WORLD_FRAME, link_tree
from ebm_concept_ros.arm.mesh_files import MeshFolder, read_stl
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.arm.robot_description import robot_description
from ebm_concept_ros.arm.table_scene import EFFECTOR_ID

BASE = 'base'
# What URDF has no word for: anchors off the origin, references, two joints of one body, capsules,
# an ellipsoid, what is only looked at, a floor, and bodies with the names of our own frames.
STRANGE = """
<mujoco>
  <compiler angle="radian"/>
  <asset><mesh name="wedge" vertex="0 0 0  .1 0 0  0 .1 0  0 0 .2" scale="1 2 1"/></asset>
  <worldbody>
    <geom type="plane" size="1 1 .1" pos="0 0 -1"/>
    <geom type="box" size=".1 .2 .3" pos="0 0 -.5" rgba="1 0 0 1"/>
    <body name="base" pos=".1 .2 .3" euler=".1 .2 .3">
      <geom type="mesh" mesh="wedge" pos=".3 0 0" euler="0 1.5707963267948966 0"/>
      <body name="end_effector" pos="0 0 .2" euler="0 1.5707963267948966 0">
        <joint name="turn" axis="1 1 0" pos=".05 0 .1" ref="0.7" range="-1.5 2" limited="true"
               damping=".3" frictionloss=".2"/>
        <joint name="push" type="slide" axis="0 1 1" ref=".1" range="-.2 .3" limited="true"/>
        <geom type="capsule" size=".03 .1" pos="0 0 .05"/>
        <geom type="sphere" size=".09" group="1" contype="0" conaffinity="0" rgba="0 1 0 1"/>
        <body name="last" pos="0 .1 .2">
          <joint name="free_turn" axis="0 0 1"/>
          <geom type="ellipsoid" size=".01 .02 .03"/>
          <site name="tip" pos="0 0 .1" euler="3 0 .7"/>
        </body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def strange_arm(folder: Path) -> ArmConfig:
    path = folder / 'strange.xml'
    path.write_text(STRANGE)
    joints = [
        {
            'name': name,
            'effort_limit_nm': 10 + i,
            'velocity_limit_rad_s': 1 + i,
            'home_rad': 0.1,
        }
        for i, name in enumerate(('turn', 'push', 'free_turn'))
    ]
    return ArmConfig(name='strange', model=str(path), effector_site='tip', joints=joints)


class Both:
    """An arm's model, the tree made of it, and the URDF of that as MuJoCo reads it."""

    def __init__(self, arm: ArmConfig, folder: Path) -> None:
        self.arm, self.model = arm, compile_arm(arm)
        self.tree = link_tree(self.model, arm, BASE)
        self.text = robot_description(arm.name, self.model, self.tree, MeshFolder(folder / 'm'))
        self.robot = ElementTree.fromstring(self.text)
        self.urdf = read_by_mujoco(self.text)
        self.body_of = {link: body for link, body in self.tree.links.items() if body}

    def by_model(self, positions):
        """Return what each link's transform in the base is, and the effector's."""
        data = mujoco.MjData(self.model)
        data.qpos[:] = positions
        mujoco.mj_kinematics(self.model, data)
        found = {
            link: (data.xpos[body], data.xmat[body].reshape(3, 3))
            for link, body in self.body_of.items()
        }
        site = self.model.site(self.arm.effector_site).id
        return found | {EFFECTOR_ID: (data.site_xpos[site], data.site_xmat[site].reshape(3, 3))}

    def by_urdf(self, positions):
        data = mujoco.MjData(self.urdf)
        for name, position in zip(self.arm.joint_names, positions, strict=True):
            data.qpos[self.urdf.joint(name).qposadr[0]] = position
        mujoco.mj_kinematics(self.urdf, data)
        return {
            link: (data.body(link).xpos, data.body(link).xmat.reshape(3, 3))
            for link in [*self.body_of, EFFECTOR_ID]
        }

    def by_tree(self, positions):
        """Return the same by the joints' transforms, which /tf is made of."""
        at = {WORLD_FRAME: np.eye(4)}
        positions = dict(zip(self.arm.joint_names, positions, strict=True))
        for joint in self.tree.joints:
            pose = joint.at(positions.get(joint.name, 0.0))
            step, turn = np.eye(4), np.zeros(9)
            mujoco.mju_quat2Mat(turn, pose.quat)
            step[:3, :3], step[:3, 3] = turn.reshape(3, 3), pose.position_m
            at[joint.child] = at[joint.parent] @ step
        return {link: (at[link][:3, 3], at[link][:3, :3]) for link in [*self.body_of, EFFECTOR_ID]}


def read_by_mujoco(text: str) -> mujoco.MjModel:
    """An independent reader of URDF.

    It is told to keep links that do not move, and whole paths, and gives links without mass one.
    """
    options = 'fusestatic="false" strippath="false" discardvisual="false"'
    bounds = 'boundmass="1e-9" boundinertia="1e-12"'
    text = text.replace('</robot>', f'<mujoco><compiler {options} {bounds}/></mujoco></robot>')
    text = re.sub('filename="file://([^"]*)"', lambda m: f'filename="{unquote(m[1])}"', text)
    return mujoco.MjModel.from_xml_string(text)


@pytest.fixture(scope='module')
def arms(tmp_path_factory):
    folder = tmp_path_factory.mktemp('arms')
    made = {name: Both(shipped_arm(name), folder) for name in SHIPPED_ARMS}
    return made | {'strange': Both(strange_arm(folder), folder)}


@pytest.mark.parametrize('name', [*SHIPPED_ARMS, 'strange'])
@given(data=st.data())
@settings(max_examples=20)
def test_every_link_is_where_it_is_in_the_model(arms, name, data):
    both = arms[name]
    number = len(both.arm.joints)
    angles = st.floats(-6.0, 6.0, allow_nan=False)
    positions = np.array(data.draw(st.lists(angles, min_size=number, max_size=number)))
    expected = both.by_model(positions)
    assert len(expected) == both.model.nbody
    for found in (both.by_urdf(positions), both.by_tree(positions)):
        assert set(found) == set(expected)
        for link, (place, turn) in expected.items():
            np.testing.assert_allclose(found[link][0], place, atol=1e-9, err_msg=link)
            np.testing.assert_allclose(found[link][1], turn, atol=1e-9, err_msg=link)


@pytest.mark.parametrize('name', [*SHIPPED_ARMS, 'strange'])
def test_limits_masses_and_what_is_held_are_the_arms(arms, name):
    both = arms[name]
    moving = {j.get('name'): j for j in both.robot.iter('joint') if j.get('type') != 'fixed'}
    assert tuple(moving) == both.arm.joint_names
    for joint in both.arm.joints:
        limit, compiled = moving[joint.name].find('limit'), both.model.joint(joint.name)
        assert float(limit.get('effort')) == joint.effort_limit_nm
        assert float(limit.get('velocity')) == joint.velocity_limit_rad_s
        if both.model.jnt_limited[compiled.id]:
            ends = [float(limit.get(key)) for key in ('lower', 'upper')]
            np.testing.assert_array_equal(ends, compiled.range)
        else:
            assert moving[joint.name].get('type') == 'continuous'
            assert limit.get('lower') is None and limit.get('upper') is None
    for link, body in both.body_of.items():
        read, compiled = both.urdf.body(link), both.model.body(body)
        if compiled.mass[0] > 0:
            np.testing.assert_allclose(read.mass, compiled.mass, rtol=1e-9)
            np.testing.assert_allclose(
                np.sort(read.inertia), np.sort(compiled.inertia), rtol=1e-5, atol=1e-12
            )


def surface(model, body, data):
    """Return the corners of what bounds each mesh of a body, in the world."""
    corners = []
    for geom in range(model.ngeom):
        if model.geom_bodyid[geom] == body and model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
            mesh = model.geom_dataid[geom]
            first = model.mesh_vertadr[mesh]
            vertices = model.mesh_vert[first : first + model.mesh_vertnum[mesh]]
            corners.append(vertices @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom])
    return np.concatenate(corners) if corners else np.zeros((0, 3))


@pytest.mark.parametrize('name', ['jaco', 'strange'])
def test_meshes_are_where_they_are_in_the_model(arms, name):
    both = arms[name]
    one, other = mujoco.MjData(both.model), mujoco.MjData(both.urdf)
    # At zero of each, which is where the joints' references are.
    one.qpos[:] = 0.0
    other.qpos[:] = 0.0
    mujoco.mj_kinematics(both.model, one)
    mujoco.mj_kinematics(both.urdf, other)
    compared = 0
    for link, body in both.body_of.items():
        expected = surface(both.model, body, one)
        if not len(expected):
            continue
        found = surface(both.urdf, both.urdf.body(link).id, other)
        for bound in (np.min, np.max):
            np.testing.assert_allclose(bound(found, 0), bound(expected, 0), atol=1e-6)
        compared += 1
    assert compared == {'jaco': 13, 'strange': 1}[name]


def test_what_urdf_has_no_word_for(arms):
    robot = arms['strange'].robot
    links = {link.get('name'): link for link in robot.iter('link')}
    assert set(links) == {
        *('world', 'base', 'end_effector', 'base_link', 'last'),
        *('end_effector_link', 'end_effector_link_anchor'),
    }
    # The floor has no end; a body with something to look at is not shown as what it collides with.
    assert [v.find('geometry')[0].tag for v in links['base'].iter('visual')] == ['box']
    shown = [v.find('geometry')[0] for v in links['end_effector_link'].iter('visual')]
    assert [s.attrib for s in shown] == [{'radius': '0.09'}]
    colour = links['end_effector_link'].find('visual/material/color').get('rgba')
    assert colour == '0.0 1.0 0.0 1.0'
    touched = [c.find('geometry')[0].tag for c in links['end_effector_link'].iter('collision')]
    assert touched == ['cylinder', 'sphere', 'sphere']
    mesh = links['last'].find('visual/geometry/mesh').get('filename')
    corners = read_stl(Path(unquote(urlparse(mesh).path))).reshape(-1, 3)
    np.testing.assert_allclose(np.abs(corners).max(0), [0.01, 0.02, 0.03], rtol=1e-6)
    joints = [j.get('name') for j in robot.iter('joint')]
    assert len(set(joints)) == len(joints)


def test_a_base_that_is_the_world_has_no_other_above_it(arms):
    both = arms['ur5e']
    tree = link_tree(both.model, both.arm, WORLD_FRAME)
    assert next(iter(tree.links)) == WORLD_FRAME and tree.links[WORLD_FRAME] == 0
    assert tree.joints[0].parent == WORLD_FRAME and tree.joints[0].child == 'base'
    read_by_mujoco(robot_description('ur5e', both.model, tree, None))


def test_without_a_folder_for_meshes_the_other_shapes_stay(arms):
    both = arms['strange']
    text = robot_description('bare', both.model, both.tree, None)
    assert '<mesh' not in text and text.count('<cylinder') == 1 and text.count('<box') == 2
    read_by_mujoco(text)


def test_the_same_meshes_are_written_once(arms, tmp_path):
    both = arms['jaco']
    for _ in range(2):
        robot_description('jaco', both.model, both.tree, MeshFolder(tmp_path))
        files = sorted(tmp_path.iterdir())
        assert len(files) == both.model.nmesh
        times = [file.stat().st_mtime_ns for file in files]
    robot_description('jaco', both.model, both.tree, MeshFolder(tmp_path))
    assert [file.stat().st_mtime_ns for file in sorted(tmp_path.iterdir())] == times
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match='file'):
        robot_description('jaco', both.model, both.tree, MeshFolder(tmp_path / 'file' / 'in'))
