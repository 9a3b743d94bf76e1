# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The processor time of a command is that of all processes that it starts."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / 'scripts' / 'cpu_time.py'
BUSY_S = 0.4
# Ends at once; the child that it leaves behind works on.
LEAVES_A_CHILD = f"""
import os, sys, time
if os.fork() == 0:
    while time.process_time() < {BUSY_S}:
        pass
    os._exit(0)
sys.exit(3)
"""


def test_a_child_that_outlives_its_parent_is_counted_and_the_status_is_the_commands():
    command = [sys.executable, str(SCRIPT), sys.executable, '-S', '-c', LEAVES_A_CHILD]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert finished.returncode == 3
    (used_s,) = re.findall(r'^([\d.]+) s of processor time$', finished.stderr, re.MULTILINE)
    assert float(used_s) >= BUSY_S
