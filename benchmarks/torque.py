# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What one torque costs: the control law, and the reflex that notices contact, in processor time.

Beside it, what following a plan costs by itself, compiled and in the plain version. With --cold
nothing is in the caches before each of them, as in a loop of 500 Hz beside other programs.

python -m benchmarks.torque
python -m benchmarks.torque --cold --ticks 1000
python -m benchmarks.torque --arms jaco panda --ticks 5000 --json out/torque.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.control.compiled_torques import torques_of
from ebm_concept_ros.control.contact_reflex import HOLD, ContactReflex
from ebm_concept_ros.control.control_law import ControlLaw, ControllerInputs
from ebm_concept_ros.control.torques import PlainTorques, Torques
from ebm_concept_ros.package_files import shipped_arms
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.types import JointSample

PERIOD_S, MAX_STATE_AGE_S = 0.002, 0.05
_STEPS, _STEP_S = 25, 0.02
_NUMBERS_IN_CACHES = 2_000_000


def measure(name: str, ticks: int, cold: bool = False, seed: int = 0) -> dict:
    """Return the median microseconds of processor time of a shipped arm's torque and reflex."""
    arm = load_arm(Path('config/arms') / f'{name}.yaml')
    law = ControlLaw(arm, MAX_STATE_AGE_S, PERIOD_S)
    reflex = ContactReflex(arm, HOLD, MAX_STATE_AGE_S)
    inputs = _inputs(arm, ticks, seed)
    followed, plain = (
        _median_us(lambda now, torques=torques: _follow(torques, now), inputs, cold)
        for torques in (
            torques_of(arm, PlanModel(arm, PERIOD_S), PERIOD_S),
            PlainTorques(arm, PlanModel(arm, PERIOD_S), PERIOD_S),
        )
    )
    return {
        'arm': name,
        'torque_us': _median_us(law.decide, inputs, cold),
        'reflex_us': _median_us(reflex.watch, inputs, cold),
        'following_us': followed,
        'plainly_us': plain,
    }


def _follow(torques: Torques, now: ControllerInputs) -> None:
    sample = now.sample
    torques.following_nm(now.plan, sample.stamp_s, sample)


def _median_us(
    call: Callable[[ControllerInputs], object], inputs: list[ControllerInputs], cold: bool
) -> float:
    times, others = [], np.zeros(_NUMBERS_IN_CACHES)
    for each in inputs:
        if cold:
            others += 1.0
        began = time.thread_time()
        call(each)
        times.append(time.thread_time() - began)
    return 1e6 * float(np.median(times))


def _inputs(arm: ArmConfig, ticks: int, seed: int) -> list[ControllerInputs]:
    """Return what is known at so many ticks of a plan that stays at home, noisily."""
    rng = np.random.default_rng(seed)
    n = len(arm.joints)
    plan = Plan(
        start_s=0.0,
        expires_at_s=ticks * PERIOD_S,
        step_s=_STEP_S,
        states=np.tile(np.append(arm.home_rad, np.zeros(n)), (_STEPS + 1, 1)),
        efforts=np.zeros((_STEPS, n)),
        gains=np.zeros((_STEPS, n, 2 * n)),
        friction_nm=np.zeros(n),
        limits_nm=arm.effort_limits_nm,
        cost=0.0,
        iterations=1,
        plan_time_s=0.0,
    )
    return [
        ControllerInputs(
            JointSample(
                round(1e9 * PERIOD_S * tick),
                arm.home_rad + rng.normal(0.0, 1e-3, n),
                rng.normal(0.0, 0.01, n),
            ),
            *(0.0, 'any', plan),
            former_nm=np.zeros(n),
            elapsed_s=PERIOD_S,
        )
        for tick in range(ticks)
    ]


def main(argv: list[str] | None = None) -> int:
    """Print a line for each arm."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.torque',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--arms', nargs='+', choices=shipped_arms(), default=list(shipped_arms()))
    parser.add_argument('--ticks', type=int, default=2000, help='torques of each')
    parser.add_argument('--cold', action='store_true', help='with nothing in the caches')
    parser.add_argument('--json', type=Path, help='where every number goes')
    args = parser.parse_args(argv)
    if args.ticks < 1:
        parser.error(f'--ticks {args.ticks}: at least 1')
    rows = [measure(name, args.ticks, args.cold) for name in args.arms]
    numbers = [name for name in rows[0] if name != 'arm']
    print('  '.join(['arm     ', *(name.replace('_', ' ') for name in numbers)]))
    for row in rows:
        print(f'{row["arm"]:8}', *(f'{row[name]:{len(name) + 1}.0f}' for name in numbers))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps({'rows': rows}, indent=1) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
