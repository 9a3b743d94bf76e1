# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""docs/ros_interface.md says what the nodes do: topics, QoS, parameters, messages, refusals."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'scripts' / 'ros_interface.py'


def test_the_page_is_what_the_nodes_say_of_themselves():
    """After a change: python scripts/ros_interface.py writes it anew."""
    finished = subprocess.run(
        [sys.executable, str(SCRIPT), '--check'], capture_output=True, text=True, timeout=400
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
