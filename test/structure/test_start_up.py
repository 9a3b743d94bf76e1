# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What nodes do not import before they need it: each of these costs a start longer than a node."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import start_up

# Nodes that none of the modules comes with, beside torch, which comes with weights.
WITHOUT = {
    ('bag_recorder', 'demonstrator', 'concept_learner', 'lifecycle_manager'): (
        'mujoco',
        'scipy',
        'imageio',
    ),
    ('simulator', 'referee', 'arrangement_referee', 'live_view', 'controller'): (
        *('scipy', 'glfw', 'imageio'),
    ),
    ('arranger',): ('glfw', 'imageio'),
}


@pytest.mark.parametrize('nodes', WITHOUT, ids='+'.join)
def test_a_node_imports_nothing_that_is_dear_and_not_needed_at_its_start(nodes):
    modules = [f'ebm_concept_ros.nodes.{node}' for node in nodes]
    dear = ['torch', 'matplotlib', *WITHOUT[nodes]]
    script = (
        f'import sys\nfor name in {modules!r}:\n    __import__(name)\n'
        f'print([name for name in {dear!r} if name in sys.modules])\n'
    )
    out = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == '[]'


def test_a_launch_file_imports_no_more_to_know_the_parameters():
    launch = Path(__file__).parents[2] / 'launch' / 'reach_between.launch.py'
    tree = ast.parse(launch.read_text())
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module.startswith('ebm_concept_ros')
    ]
    assert len(tree.body) > 5
    dear = ['torch', 'matplotlib', 'scipy', 'rosbags', 'glfw', 'imageio']
    script = f'import sys\n{ast.unparse(tree)}\nprint([n for n in {dear!r} if n in sys.modules])'
    out = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == '[]'


def test_start_up_is_measured_against_an_empty_node(tmp_path):
    start_up.main(['--repetitions', '1', '--nodes', 'demonstrator', '--json', str(tmp_path / 'x')])
    rows = json.loads((tmp_path / 'x').read_text())
    assert [(row['node'], row['stage']) for row in rows] == [
        *(('empty', 'import'), ('empty', 'ready')),
        *(('demonstrator', 'import'), ('demonstrator', 'ready')),
    ]
    assert [row['ratio'] for row in rows[:2]] == [1, 1]
    assert all(row['cpu_s'] > 0.05 and row['ratio'] > 1 for row in rows[2:])
    assert set(start_up.NODES) == {name for nodes in WITHOUT for name in nodes}
