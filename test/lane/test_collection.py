# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Plain `pytest` finds every test, and without ROS those that do not need it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLLECT = """
import sys
for name in sys.argv[1:]:
    sys.modules[name] = None  # as if it were not installed
import pytest
raise SystemExit(pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider']))
"""


@pytest.mark.parametrize(
    ('missing', 'with_nodes'),
    [((), True), (('rclpy', 'ament_index_python', 'ebm_concept_ros.msg'), False)],
    ids=['with ROS', 'without ROS'],
)
def test_everything_that_can_run_is_collected(missing, with_nodes):
    finished = subprocess.run(
        [sys.executable, '-c', COLLECT, *missing],
        cwd=ROOT,
        env={**os.environ, 'PYTEST_ADDOPTS': ''},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert finished.returncode == 0, finished.stdout[-2000:]
    assert ('test_referee_node.py' in finished.stdout) == with_nodes
    for name in ('test_workspace.py', 'core/test_scene.py'):
        assert name in finished.stdout
