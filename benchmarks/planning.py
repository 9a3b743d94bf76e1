# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a plan costs, against the calls of MuJoCo that it would be made of.

    python -m benchmarks.planning --arms jaco iiwa7 --plans 300

An arm follows its own plans to a goal. In turn with each plan, in the same thread, stand the calls
that iLQG by finite differences makes of MuJoCo for it: two rollouts of mj_step, and along one the
kinematics, the effector's Jacobian, and mjd_transitionFD at every second step. Times are the
thread's own processor time, medians, so what else runs counts little, and the ratio is that of
neighbours in time. *Beside Python* is by how much longer a plan takes by the clock while another
thread of the process computes in Python: about 1 where the interpreter is let go.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.field.energy_field import FIELD_SIZE, EnergyField
from ebm_concept_ros.package_files import WORKSPACE, arm_file, package_path, shipped_arms
from ebm_concept_ros.planning.ilqg import IlqgPlanner
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.workspace import Workspace, load_workspace

_GOAL = np.array([0.4, 0.3])
_REPLAN_S = 0.008
_ROLLOUTS, _DIFFERENCES_EVERY, _DIFFERENCE = 2, 2, 1e-6
# What the control node sets, so that threads hand the interpreter over often.
_SWITCH_INTERVAL_S = 2e-4


class MujocoCalls:
    """The calls of MuJoCo alone, along a plan."""

    def __init__(self, planner: IlqgPlanner, arm: ArmConfig) -> None:
        self._model, self._data = planner.model.model, planner.model.data
        n = self._model.nv
        self._site = self._model.site(arm.effector_site).id
        self._a, self._b = np.empty((2 * n, 2 * n)), np.empty((2 * n, n))
        self._place, self._turn = np.empty((3, n)), np.empty((3, n))

    def __call__(self, plan: Plan) -> None:
        """Make them."""
        model, data, n = self._model, self._data, self._model.nv
        for _ in range(_ROLLOUTS):
            data.qpos[:], data.qvel[:] = plan.states[0, :n], plan.states[0, n:]
            for effort in plan.efforts:
                data.ctrl[:] = effort
                mujoco.mj_step(model, data)
        for k, state in enumerate(plan.states):
            data.qpos[:], data.qvel[:] = state[:n], state[n:]
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_jacSite(model, data, self._place, self._turn, self._site)
            if k < len(plan.efforts) and k % _DIFFERENCES_EVERY == 0:
                data.ctrl[:] = plan.efforts[k]
                mujoco.mjd_transitionFD(
                    *(model, data, _DIFFERENCE, False, self._a, self._b, None, None)
                )


@contextmanager
def busy_thread() -> Iterator[None]:
    """Have another thread compute in Python meanwhile."""
    done = threading.Event()

    def compute() -> None:
        while not done.is_set():
            sum(range(1000))

    thread = threading.Thread(target=compute)
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)


def timed(call: Callable[[], object], clock: Callable[[], int]) -> float:
    """Return how long a call took by a clock of ns, ms."""
    began = clock()
    call()
    return (clock() - began) / 1e6


def measure(arm: ArmConfig, workspace: Workspace, plans: int, compiled: bool) -> dict[str, float]:
    """Return medians, ms, and ratios over a series of plans."""
    planner = IlqgPlanner(arm, workspace, compiled=compiled)
    calls, n = MujocoCalls(planner, arm), len(arm.joints)
    field = EnergyField.tabulate(
        lambda points: ((points - _GOAL) ** 2).sum(-1), workspace.half_width_units, FIELD_SIZE
    )
    state = np.concatenate([arm.home_rad, np.zeros(n)])
    plan = planner.plan(0.0, state[:n], state[n:], field)
    problems, times = [], []
    for i in range(1, plans + 1):
        state = plan.states[0] + _REPLAN_S / plan.step_s * (plan.states[1] - plan.states[0])
        problem = (i * _REPLAN_S, state[:n], state[n:], field, plan)
        problems.append(problem)
        plan_ms = timed(lambda p=problem: planner.plan(*p), time.thread_time_ns)
        calls_ms = timed(lambda p=plan: calls(p), time.thread_time_ns)
        times.append((plan_ms, calls_ms, plan_ms / calls_ms))
        plan = planner.plan(*problem)
    alone, beside = [], []
    for problem in problems[:: max(1, plans // 50)]:
        alone.append(timed(lambda p=problem: planner.plan(*p), time.perf_counter_ns))
        with busy_thread():
            beside.append(timed(lambda p=problem: planner.plan(*p), time.perf_counter_ns))
    plan_ms, calls_ms, ratio = (median(column) for column in zip(*times, strict=True))
    return {
        **{'plan_ms': plan_ms, 'mujoco_ms': calls_ms, 'ratio': ratio},
        'beside_python': median(beside) / median(alone),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--arms', nargs='+', choices=shipped_arms(), default=shipped_arms())
    parser.add_argument('--plans', type=int, default=300, help='of each arm (default 300)')
    parser.add_argument('--json', type=Path, help='file for every number')
    options = parser.parse_args(arguments)
    if options.plans < 1:
        parser.error(f'--plans: {options.plans} refused, 1 or more is allowed')
    workspace = load_workspace(package_path('', WORKSPACE))
    rows = []
    print("| arm | version | a plan, ms | MuJoCo's calls, ms | ratio | beside Python |")
    print('|---|---|---|---|---|---|')
    for name in options.arms:
        arm = load_arm(arm_file(name))
        for version, compiled in (('compiled', True), ('readable', False)):
            plans = options.plans if compiled else max(1, options.plans // 10)
            row = {'arm': name, 'version': version, **measure(arm, workspace, plans, compiled)}
            rows.append(row)
            print(
                '| {arm} | {version} | {plan_ms:.2f} | {mujoco_ms:.2f} | {ratio:.2f} | '
                '{beside_python:.1f} |'.format(**row),
                flush=True,
            )
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
