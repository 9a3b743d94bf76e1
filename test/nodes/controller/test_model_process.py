# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller's model in a process of its own: it says what the model says, and ends with it."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from harness import untrained_weights
from waiting import wait_until

from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.package_files import load_weights
from ebm_core.world.scene import Scene

# In an interpreter of its own, as it has to be forked before there are threads. What it says of the
# model it says twice: before its process is killed, and after.
PROGRAM = """
import json, os, signal, sys
import numpy as np
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.field.energy_field import InvalidField
from ebm_concept_ros.nodes.model_process import ModelFailed, ModelProcess
from ebm_core.world.scene import Scene

process = ModelProcess()
assert 'torch' not in sys.modules
try:
    process.load(sys.argv[2])
except ConfigError as error:
    print(json.dumps(str(error)))
model = process.load(sys.argv[1])
print(json.dumps([model.sha256, model.code_size]))
scene = Scene(**json.loads(sys.argv[3]))
rng = np.random.default_rng(0)
code, points = rng.normal(size=model.code_size), rng.uniform(-0.5, 0.5, (7, 2))
for _ in range(2):
    try:
        model.identify(scene, code[:-1])
    except Exception as error:
        print(json.dumps(type(error).__name__))
    attention = model.identify(scene, code, seed=3)
    roles = model.identify_roles(scene, code, seed=3)
    some = np.ones(len(scene))
    energy = model.actor_energy(scene, some, code, points)
    print(json.dumps([attention.tolist(), roles.tolist(), energy.tolist()]))
    axis = np.linspace(-1.0, 1.0, 17)
    bowl = (axis[:, None] - 0.5) ** 2 + axis**2
    pole = Circles(np.array([[0.1, 0.05]]), np.array([0.2]), above_m=0.1)
    field = process.make_field(bowl, 1.0, 3.0, pole)
    arrays = {name: array.tolist() for name, array in field.arrays().items()}
    try:
        process.make_field(np.ones((17, 17)), 1.0, 3.0, pole)
    except InvalidField as error:
        print(json.dumps([arrays, str(error)]))
    os.kill(process.process_id, signal.SIGKILL)
"""
# It is killed while it waits for nothing, and with it ends the process that it has made.
KILLED = """
import time
from ebm_concept_ros.nodes.model_process import ModelProcess
print(ModelProcess().process_id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def scene():
    return {
        'positions': [[0.0, 0.1], [0.5, -0.2], [-0.4, 0.3]],
        'colours': [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
        'shapes': [0, 1, 0],
        'movable': [False, False, True],
    }


def test_it_says_what_the_model_says_also_after_it_was_killed(tmp_path, scene):
    weights = untrained_weights(tmp_path / 'weights')
    nothing = str(tmp_path / 'nothing')
    arguments = [str(weights), nothing, json.dumps(scene)]
    finished = subprocess.run(
        [sys.executable, '-c', PROGRAM, *arguments], capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == 0, finished.stderr
    refused, about, error, said, made, error_here, said_here, made_here = map(
        json.loads, finished.stdout.splitlines()
    )
    with pytest.raises(ConfigError) as expected:
        load_weights(nothing)
    assert refused == str(expected.value)
    model = load_weights(str(weights))
    assert about == [model.sha256, model.code_size]
    assert error == 'ModelFailed' and error_here != 'ModelFailed'
    rng = np.random.default_rng(0)
    code, points = rng.normal(size=model.code_size), rng.uniform(-0.5, 0.5, (7, 2))
    seen = Scene(**scene)
    assert said == [
        model.identify(seen, code, seed=3).tolist(),
        model.identify_roles(seen, code, seed=3).tolist(),
        model.actor_energy(seen, np.ones(3), code, points).tolist(),
    ]
    assert said_here == said
    assert made_here == made
    arrays, no_field = made
    assert arrays['radii'] == [0.2] and arrays['above_m'] == 0.1 and 'same everywhere' in no_field


def test_it_ends_with_the_process_that_made_it():
    with subprocess.Popen([sys.executable, '-c', KILLED], stdout=subprocess.PIPE) as maker:
        process_id = int(maker.stdout.readline())
        os.kill(process_id, 0)
        maker.send_signal(signal.SIGKILL)

    def ended():
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(ended, 'the end of the process')


def test_the_process_begins_before_the_node_is_imported():
    late = {'rclpy', 'torch', 'mujoco', 'ebm_concept_ros.nodes.controller'}
    program = (
        f'import sys, ebm_concept_ros.nodes.controller_start; print({late} & {{*sys.modules}})'
    )
    finished = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=60
    )
    assert finished.stdout == 'set()\n', finished.stderr
