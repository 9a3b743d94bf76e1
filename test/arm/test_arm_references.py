# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a model and its meshes may lie: package://, file://, .dae, xacro, robot_description."""

import importlib.util
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import yaml

from ebm_concept_ros.arm import urdf
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.model import compile_arm
from ebm_concept_ros.config_files import ConfigError

CASES = Path(__file__).parent / 'cases'
MESH = 'package://my_arm_description/meshes/link.stl'


def stl(size_m=0.01):
    """Return a tetrahedron as a binary STL file."""
    corners = size_m * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)]
    packed = [struct.pack('<12fH', 0, 0, 0, *corners[list(face)].ravel(), 0) for face in faces]
    return b'\0' * 80 + struct.pack('<I', len(faces)) + b''.join(packed)


def write(folder, mesh, **changes):
    """Write the case u06 with its meshes called `mesh`; return the path of its YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (CASES / 'u06_package.urdf').read_text()
    (folder / 'u06_package.urdf').write_text(text.replace(MESH, mesh))
    content = yaml.safe_load((CASES / 'u06_package.yaml').read_text())
    path = folder / 'arm.yaml'
    path.write_text(yaml.safe_dump(content | changes))
    return path


def package(folder):
    meshes = folder / 'my_arm_description' / 'meshes'
    meshes.mkdir(parents=True)
    (meshes / 'link.stl').write_bytes(stl())
    return folder


def number_of_meshes(path):
    return compile_arm(load_arm(path)).nmesh


def test_a_package_is_found_in_package_dirs(tmp_path):
    package(tmp_path / 'elsewhere')
    beside = write(tmp_path / 'arm', MESH, package_dirs=['../elsewhere'])
    assert number_of_meshes(beside) == 1
    itself = write(tmp_path / 'arm', MESH, package_dirs=['../elsewhere/my_arm_description'])
    assert number_of_meshes(itself) == 1


def test_a_package_is_found_in_the_ament_index(tmp_path, monkeypatch):
    package(tmp_path / 'prefix' / 'share')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{tmp_path / "nowhere"}:{tmp_path / "prefix"}')
    assert number_of_meshes(write(tmp_path / 'arm', MESH)) == 1


def test_a_package_is_found_above_the_file(tmp_path):
    package(tmp_path)
    assert number_of_meshes(write(tmp_path / 'my_arm_description' / 'urdf', MESH)) == 1
    assert number_of_meshes(write(tmp_path / 'others' / 'deep', MESH)) == 1


def test_the_model_itself_may_be_in_a_package(tmp_path):
    package(tmp_path)
    write(tmp_path / 'my_arm_description' / 'urdf', MESH)
    model = 'package://my_arm_description/urdf/u06_package.urdf'
    assert number_of_meshes(write(tmp_path / 'config', MESH, model=model)) == 1


@pytest.mark.parametrize('form', ['file://{}', '{}', 'file://localhost{}'])
def test_files_are_found_by_address_and_by_path(tmp_path, form):
    (tmp_path / 'a mesh.stl').write_bytes(stl())
    absolute = str(tmp_path / 'a mesh.stl')
    if form.startswith('file'):
        absolute = absolute.replace(' ', '%20')
    assert number_of_meshes(write(tmp_path, form.format(absolute))) == 1
    assert number_of_meshes(write(tmp_path, 'a mesh.stl')) == 1


def test_a_mesh_that_is_not_there_is_refused_with_where_it_was_looked_for(tmp_path):
    package(tmp_path)
    path = write(tmp_path / 'arm', MESH.replace('link', 'chain'))
    with pytest.raises(ConfigError, match=r'link turret: mesh package://.*chain\.stl: there is no'):
        load_arm(path)


def test_a_dae_without_a_converter_names_the_remedy(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        urdf.importlib.util, 'find_spec', lambda name: None if name == 'collada' else find(name)
    )
    (tmp_path / 'link.dae').write_text('<COLLADA/>')
    with pytest.raises(ConfigError, match=r'link turret: mesh link\.dae: .* no \.dae; pip'):
        load_arm(write(tmp_path, 'link.dae'))


def test_what_is_only_looked_at_need_not_be_readable(tmp_path):
    path = write(tmp_path, 'link.stl')
    (tmp_path / 'link.stl').write_bytes(stl())
    model = tmp_path / 'u06_package.urdf'
    seen = '<visual><geometry><mesh filename="package://nowhere/link.dae"/></geometry></visual>'
    model.write_text(model.read_text().replace('<collision>', f'{seen}<collision>'))
    assert number_of_meshes(path) == 1


def fake_xacro(tmp_path, script):
    program = tmp_path / 'bin' / 'xacro'
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n{script}\n')
    program.chmod(0o755)
    return str(program)


def test_xacro_expands_the_file_with_its_arguments(tmp_path, monkeypatch):
    program = fake_xacro(tmp_path, f'[ "$2" = prefix:=left_ ] && cat {CASES / "u00_good.urdf"}')
    monkeypatch.setattr(shutil, 'which', lambda name: program)
    (tmp_path / 'arm.urdf.xacro').write_text('<robot/>')
    path = write(tmp_path, MESH, model='arm.urdf.xacro', xacro_arguments={'prefix': 'left_'})
    assert load_arm(path).joint_names == ('shoulder', 'pitch', 'elbow', 'wrist')


def test_what_xacro_says_is_passed_on(tmp_path, monkeypatch):
    program = fake_xacro(tmp_path, 'echo "No such file: x.xacro" >&2; exit 2')
    monkeypatch.setattr(shutil, 'which', lambda name: program)
    (tmp_path / 'arm.urdf.xacro').write_text('<robot/>')
    with pytest.raises(ConfigError, match=r'xacro cannot expand .*\(No such file: x\.xacro\)'):
        load_arm(write(tmp_path, MESH, model='arm.urdf.xacro'))


def test_a_robot_description_is_taken_in_place_of_a_file(tmp_path):
    path = write(tmp_path, MESH, model='robot_description')
    text = (CASES / 'u00_good.urdf').read_text()
    arm = load_arm(path, robot_description=text)
    assert compile_arm(arm).nu == 4
    with pytest.raises(ConfigError, match='robot_description is asked for, and none was given'):
        load_arm(path)
    with pytest.raises(ConfigError, match='robot_description is no URDF'):
        load_arm(path, robot_description='<mujoco/>')


@pytest.mark.parametrize(
    ('inertia', 'is_mended'), [('ixx="0.002" ixy="0.02"', True), ('ixx="0.2" ixy="0"', False)]
)
def test_inertias_that_no_body_has_are_mended(tmp_path, caplog, inertia, is_mended):
    """A moment that is negative, and one greater than the sum of the others."""
    text = (CASES / 'u00_good.urdf').read_text()
    own = 'ixx="0.002" iyy="0.02" izz="0.02" ixy="0"'
    assert text.count(own) == 4
    (tmp_path / 'arm.urdf').write_text(
        text.replace(own, f'{inertia} iyy="0.02" izz="0.02"', 1).replace('"turret"', '"odd"')
    )
    model = compile_arm(load_arm(write(tmp_path, MESH, model='arm.urdf')))
    moments = np.sort(model.body('odd').inertia)
    assert moments[0] > 0.0 and moments[2] <= moments[0] + moments[1] + 1e-9
    assert ('links odd: no body has such an inertia' in caplog.text) == is_mended
