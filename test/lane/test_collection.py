# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Plain `pytest` finds every test where there is ROS, and elsewhere those that need none."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COLLECT = """
import sys
for name in sys.argv[1:]:
    sys.modules[name] = None  # as if it were not installed
import pytest
raise SystemExit(pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider']))
"""


def test_what_can_run_without_ros_is_collected_without_it():
    missing = ('rclpy', 'ament_index_python', 'ebm_concept_ros.msg')
    finished = subprocess.run(
        [sys.executable, '-c', COLLECT, *missing],
        cwd=ROOT,
        env={**os.environ, 'PYTEST_ADDOPTS': ''},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert finished.returncode == 0, finished.stdout[-2000:]
    assert 'test_referee_node.py' not in finished.stdout
    for name in ('test_workspace.py', 'core/test_scene.py'):
        assert name in finished.stdout


def test_no_file_of_tests_hides_another():
    """One process imports all of them as modules beside each other."""
    names = [path.name for path in (ROOT / 'test').rglob('*.py') if path.name != 'conftest.py']
    assert len(set(names)) == len(names)
