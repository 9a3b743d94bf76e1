# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The correspondence between the 3-D scene and the particle plane, and configuration files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reaching import CONFIG, shipped_workspace

from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.nodes.runtime.texts import ARM, FILE, FOLDER, HAND
from ebm_concept_ros.package_files import arm_file, hand_file, package_path
from ebm_concept_ros.workspace import load_workspace

coordinate = st.floats(-1.5, 1.5)


@given(coordinate, coordinate)
def test_to_base_and_back_is_the_same_point(x, y):
    workspace = shipped_workspace()
    there = workspace.to_base(np.array([x, y]))
    np.testing.assert_allclose(workspace.to_plane(there), [x, y], atol=1e-12)


def test_one_unit_is_so_many_metres_along_the_base_axes():
    workspace = shipped_workspace()
    origin, right = workspace.to_base(np.array([[0.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_allclose(origin, workspace.centre_in_base_m)
    np.testing.assert_allclose(right - origin, [workspace.metres_per_unit, 0.0])


def test_height_is_ignored_on_the_way_into_the_plane():
    workspace = shipped_workspace()
    points = np.array([[0.4, 0.1, 0.0], [0.4, 0.1, 0.9]])
    below, above = workspace.to_plane(points)
    np.testing.assert_array_equal(below, above)


@pytest.mark.parametrize(
    ('change', 'names'),
    [
        (('metres_per_unit: 0.25', 'metres_per_unit: 0'), ('metres_per_unit', '0', 'greater')),
        (('metres_per_unit', 'meters_per_unit'), ('meters_per_unit', 'unknown key')),
        (('hover_height_m: 0.12', ''), ('hover_height_m', 'missing')),
        (('[0.45, 0.0]', '[0.45'), ('not valid YAML',)),
        (('[0.45, 0.0]', '[.nan, 0.0]'), ('centre_in_base_m.0', 'nan', 'finite')),
        (('[0.45, 0.0]', '[0.45, -.inf]'), ('centre_in_base_m.1', 'inf', 'finite')),
        (('[0.45, 0.0]', '[0.45, 450]'), ('centre_in_base_m', '450', 'from -10.0 to 10.0')),
        (('base_frame: base', 'base_frame: particle_plane'), ("both are 'particle_plane'",)),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_and_reason(tmp_path, change, names):
    text = (CONFIG / 'workspace.yaml').read_text()
    assert change[0] in text
    path = tmp_path / 'workspace.yaml'
    path.write_text(text.replace(*change))
    with pytest.raises(ConfigError) as refusal:
        load_workspace(path)
    for name in (str(path), *names):
        assert name in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'nowhere\.yaml'):
        load_workspace(tmp_path / 'nowhere.yaml')


@pytest.mark.parametrize('text', ['metres_per_unit: 2024-13-45', '[' * 5000, 'a: !!int x'])
def test_what_yaml_stumbles_over_is_refused_with_the_file(tmp_path, text):
    path = tmp_path / 'odd.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=r'odd\.yaml: not valid YAML'):
        load_workspace(path)


def test_a_path_begins_at_a_home_that_is_known_or_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'mine.yaml').write_text((CONFIG / 'workspace.yaml').read_text())
    assert load_workspace('~/mine.yaml') == shipped_workspace()
    given = '~nobody-of-this-name/mine.yaml'
    for refused in (load_workspace, arm_file, hand_file, lambda path: package_path(path, '')):
        with pytest.raises(ConfigError, match=f'{given}: nobody knows whose home that is'):
            refused(given)
    for text in (FILE, FOLDER, ARM, HAND):
        with pytest.raises((ValueError, OSError)):
            text.parse(given)
