# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the node tests share: nodes as real processes, and a probe that talks to them over DDS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ament_index_python.packages import get_package_prefix
from domains import claim_domain
from forked import Forked
from probe import Probe, forgetful_server, keeping
from sensor_msgs.msg import JointState
from waiting import PATIENCE_S, wait_until

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.resources import load_arm_parameter, load_workspace_parameter
from ebm_core.relational.config import preset
from ebm_core.relational.learner import Learner
from ebm_core.relational.model import save_model

__all__ = [
    'ARM',
    'JOINTS',
    'LOCKSTEP',
    'PATIENT',
    'WORKSPACE',
    'NodeProcess',
    'Probe',
    'RestingArm',
    'claim_domain',
    'forgetful_server',
    'keeping',
    'largest_speed',
    'last_words',
    'running',
    'set_simulation_state',
    'step_simulation',
    'time_standing_still',
    'untrained_weights',
    'wait_until',
    'wait_until_heard',
]


# Of a referee: on a busy machine controllers fall silent for longer than it allows by default.
PATIENT = {'wall_timeout_s': 3600.0, 'silence_s': 600.0}
EXECUTABLES = Path(get_package_prefix('ebm_concept_ros')) / 'lib' / 'ebm_concept_ros'
ARM = load_arm_parameter('')
WORKSPACE = load_workspace_parameter('')
JOINTS = ARM.joint_names
# Parameters of both nodes; half of the default rates is half of the work, where they are no matter.
LOCKSTEP = {
    'simulator': {'lockstep': True, 'rate': 250.0},
    'controller': {'lockstep': True, 'state_rate': 250.0, 'control_rate': 250.0},
}


_newest: deque[NodeProcess] = deque(maxlen=6)


class NodeProcess:
    """One of the package's executables, as `ros2 run` would start it, or forked: see `forked`.

    script: a Python file of the tests that is run instead. remap: names of topics, to others.
    fresh: start it as `ros2 run` does, with an interpreter of its own.
    """

    def __init__(
        self,
        name: str,
        log: Path,
        script: Path | None = None,
        remap: dict[str, str] | None = None,
        fresh: bool = False,
        **parameters: object,
    ) -> None:
        self.name = name
        self._log = log
        self._out = log.with_name(f'{log.name}.out')
        arguments = ['--ros-args']
        for key, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            arguments += ['-p', f'{key}:={text}']
        for old, new in (remap or {}).items():
            arguments += ['-r', f'{old}:={new}']
        command = [str(script or EXECUTABLES / name), *arguments]
        log.touch()
        self._out.touch()
        if fresh:
            with self._out.open('w') as out, log.open('w') as errors:
                python = [] if script is None else [sys.executable]
                self.process = subprocess.Popen([*python, *command], stdout=out, stderr=errors)
        else:
            self.process = Forked(command, self._out, log)
        _newest.append(self)

    @property
    def log(self) -> str:
        """Return what it has written to standard error so far."""
        return self._log.read_text()

    @property
    def out(self) -> str:
        """Return what it has written to standard output so far."""
        return self._out.read_text()

    def wait_for_log(self, text: str, timeout_s: float = PATIENCE_S) -> str:
        """Wait until its log contains text; return the log."""
        wait_until(
            lambda: text in self.log or self.process.poll() is not None,
            f'{text!r} in the log of {self.name}',
            timeout_s,
        )
        assert text in self.log, f'{self.name} ended with {self.process.poll()}:\n{self.log}'
        return self.log

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, timeout_s: float = PATIENCE_S) -> tuple[int, str]:
        """Wait for the end; return status and standard output. It is gone afterwards, or killed."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        return status, self._out.read_text()

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self.process.poll() is None


@contextmanager
def running(
    name: str,
    folder: Path,
    script: Path | None = None,
    fresh: bool = False,
    **parameters: object,
) -> Iterator[NodeProcess]:
    """Start a node; make sure that it is gone afterwards."""
    log = folder / f'{name}_{time.monotonic_ns()}.log'
    node = NodeProcess(name, log, script, fresh=fresh, **parameters)
    try:
        yield node
    finally:
        if node.is_running():
            node.send(signal.SIGTERM)
            node.end()


def last_words() -> str:
    """Return the last lines of the nodes that were started last, and how busy the machine is."""
    lines = [f'load {" ".join(f"{load:.1f}" for load in os.getloadavg())}']
    for node in _newest:
        status = node.process.poll()
        state = 'runs' if status is None else f'ended with {status}'
        with suppress(OSError):  # its folder is gone
            lines += [f'{node.name} ({state}) {line}' for line in node.log.splitlines()[-3:]]
    return '\n'.join(lines)


def set_simulation_state(probe: Probe, state: int) -> None:
    """Have the simulator play or pause; state as in SimulationState."""
    request = srv.SetSimulationState.Request(state=ros.SimulationState(state=state))
    answer = probe.call(srv.SetSimulationState, 'simulator/set_simulation_state', request)
    assert answer.result.result == ros.Result.RESULT_OK, answer.result.error_message


def step_simulation(probe: Probe, steps: int) -> None:
    """Have a simulator that is paused do so many steps."""
    request = srv.StepSimulation.Request(steps=steps)
    answer = probe.call(srv.StepSimulation, 'simulator/step_simulation', request)
    assert answer.result.result == ros.Result.RESULT_OK, answer.result.error_message


@contextmanager
def time_standing_still(probe: Probe) -> Iterator[None]:
    """Pause the simulator: in lockstep it races on, with both cores, whatever is waited for."""
    set_simulation_state(probe, ros.SimulationState.STATE_PAUSED)
    try:
        yield
    finally:
        set_simulation_state(probe, ros.SimulationState.STATE_PLAYING)


class RestingArm:
    """Publishes the joint states of an arm that stays at home, at 200 Hz, until it is stopped."""

    def __init__(self, probe: Probe) -> None:
        self._publisher = probe.publisher(JointState, 'joint_states', qos.JOINT_STATES_PUBLISHED)
        self.time_ns = 1_000_000_000
        self.order = list(range(len(JOINTS)))
        self.efforts_nm = np.zeros(len(JOINTS))  # reported; something carries the arm
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def publish_message(self, message: JointState) -> None:
        """Publish one message beside its own."""
        self._publisher.publish(message)

    def stop(self) -> None:
        """Fall silent."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        zeros = np.zeros(len(JOINTS))
        while not self._stopped.wait(0.005):
            self.time_ns += 5_000_000
            self._publisher.publish(
                conversions.joint_state_to_message(
                    [JOINTS[i] for i in self.order],
                    ARM.home_rad[self.order],
                    zeros,
                    self.efforts_nm[self.order],
                    self.time_ns,
                )
            )


def wait_until_heard(*heard: list[Any]) -> None:
    """Wait for the first message of each `Probe.listen`.

    Discovery may take longer than a motion: who is to see one must hear everybody before it begins.
    """
    wait_until(lambda: all(heard), 'a first message of everybody')


def largest_speed(states: list[Any], since: int = 0) -> float:
    """Return the largest joint speed, rad/s, of the joint states from number `since` on."""
    return max((np.abs(state.velocity).max() for state in states[since:]), default=0.0)


def untrained_weights(folder: Path, seed: int = 0) -> Path:
    """Write the weights of a small, untrained model; everything but the learning is real."""
    torch.manual_seed(seed)
    tiny = preset('tiny')
    save_model(folder, Learner(tiny.model), tiny, {'steps': 0})
    return folder
