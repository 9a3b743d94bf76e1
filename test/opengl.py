# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Drawing in a process of its own: MuJoCo asks for its OpenGL as it is imported."""

import os
import subprocess
import sys


def environment() -> dict[str, str]:
    """Return what such a process is started with; it imports what the tests can."""
    egl = os.environ.get('MUJOCO_GL', 'disable')
    return {
        **os.environ,
        'MUJOCO_GL': 'egl' if egl == 'disable' else egl,
        'PYTHONPATH': os.pathsep.join(sys.path),
    }


def has_opengl() -> bool:
    """Tell whether there is any."""
    code = 'import mujoco; mujoco.GLContext(8, 8).make_current()'
    command = [sys.executable, '-c', code]
    return subprocess.run(command, env=environment(), capture_output=True).returncode == 0
