# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The examples do what the tutorial says of them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from harness import Probe, wait_until

import ebm_concept_ros.msg as ros
from ebm_concept_ros.nodes.runtime import qos

ROOT = Path(__file__).parents[2]


def example(name, *arguments):
    return subprocess.Popen(
        [sys.executable, str(ROOT / 'examples' / name), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
    )


def test_a_closed_loop_without_ros_ends_at_its_goal():
    process = example('reach_without_ros.py')
    out, _ = process.communicate(timeout=1200)
    assert process.returncode == 0
    assert float(re.match(r'([\d.]+) mm', out).group(1)) < 20


def test_demonstrations_of_ones_own_are_enacted(tmp_path):
    launch = subprocess.Popen(
        [
            *(shutil.which('ros2'), 'launch', 'ebm_concept_ros', 'reach_between.launch.py'),
            *('demonstrations:=0', 'concept:=north', 'reference_colour:=green'),
            *('simulation_rate:=250.0', 'control_rate:=250.0'),
            *('lockstep:=true', 'render:=false', f'out_dir:={tmp_path}'),
            *('wall_timeout_s:=3600', 'silence_s:=600'),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    teacher = example('own_demonstrations.py')
    try:
        out, err = launch.communicate(timeout=1200)
        teacher.communicate(timeout=1200)
    finally:
        for process in (teacher, launch):
            if process.poll() is None:  # interrupted, the launch ends its nodes
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=1200)
    assert teacher.returncode == 0
    assert launch.returncode == 0, err
    result = json.loads(out.splitlines()[-1])
    assert result['success'] is True
    assert result['attention']['green_0'] > 0.5


def test_weights_are_asked_for_by_name():
    process = example('weigh_concepts.py', 'between=1', 'north=0.5')
    probe = Probe()
    try:
        heard = probe.listen(ros.Composition, 'composition', qos.LATCHED)
        wait_until(lambda: heard, 'the composition')
        process.communicate(timeout=1200)
        assert process.returncode == 0
        assert heard[0].concepts == ['between', 'north']
        assert list(heard[0].weights) == [1.0, 0.5]
    finally:
        probe.close()
