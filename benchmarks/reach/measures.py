# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Numbers of one run, and of many."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.intervals import wilson_interval
from benchmarks.reach.lockstep import Run
from ebm_concept_ros.arm.config import ArmConfig

MEASURED_S = 0.25
_NEAR_JOINT_LIMIT_RAD = 0.01
# MuJoCo's joint limits give way by so much to an arm that leans on them.
_BEYOND_JOINT_LIMIT_RAD = 0.02
_ROUNDING = 1e-9
_TOUCHED = ('joint_limit_share', 'velocity_limit_share', 'touched_share')


def measure(run: Run, arm: ArmConfig, joint_ranges_rad: np.ndarray, timestep_s: float) -> dict:
    """Return the numbers of one run, in SI units; the errors are means over its last MEASURED_S.

    joint_ranges_rad: (n, 2). Where no distance to the goal is known, the error to it
    is None.
    """
    at_end = slice(-max(1, round(MEASURED_S / timestep_s)), None)
    moved = motion(
        run.positions_rad, run.velocities_rad_s, run.efforts_nm, arm, joint_ranges_rad, timestep_s
    )
    rates = np.abs(np.diff(run.efforts_nm, axis=0)) / timestep_s
    peak_rate_share = float((rates / arm.effort_rate_limits_nm_s).max(initial=0.0))
    moved['within_limits'] &= peak_rate_share <= 1.0 + _ROUNDING
    return {
        'success': run.reach_time_s is not None
        and moved['within_limits']
        and not run.touched.any()
        and run.noticed_at_s is None,
        'peak_effort_rate_share': peak_rate_share,
        'reach_time_s': run.reach_time_s,
        'goal_error_m': _finite_mean(run.to_goal_m, at_end),
        'minimum_error_m': float(run.to_minimum_m[at_end].mean()),
        **moved,
        'touched_share': float(run.touched.mean()),
        **blow(run, arm, timestep_s),
        'contacts': int((np.diff(run.touched.astype(int), prepend=0) > 0).sum()),
        'untracked_share': float(1.0 - run.tracked.mean()),
        'plan_failures': run.plan_failures,
        'plan_times_s': run.plan_times_s.round(6).tolist(),
        'wall_s': round(run.wall_s, 3),
    }


def blow(run: Run, arm: ArmConfig, timestep_s: float) -> dict:
    """Return what the controller made of a contact, None where there was none.

    false_alarm: it noticed one before there was any. noticed_after_s: from the first contact.
    undisturbed_share: the most that it saw of what it takes for a blow, of a run without contact.
    struck_peak_speed_share: the highest speed of any joint from the first contact on, of its limit.
    """
    first = int(np.argmax(run.touched)) if run.touched.any() else None
    noticed_s = run.noticed_at_s
    contact_s = None if first is None else first * timestep_s
    false_alarm = noticed_s is not None and (contact_s is None or noticed_s < contact_s)
    speeds = np.abs(run.velocities_rad_s) / arm.velocity_limits_rad_s
    return {
        'false_alarm': false_alarm,
        'undisturbed_share': run.undisturbed_share if first is None else None,
        'noticed_after_s': None
        if false_alarm or noticed_s is None or contact_s is None
        else round(noticed_s - contact_s, 9),
        'struck_peak_speed_share': None if first is None else float(speeds[first:].max()),
    }


def motion(
    positions_rad: np.ndarray,
    velocities_rad_s: np.ndarray,
    efforts_nm: np.ndarray,
    arm: ArmConfig,
    joint_ranges_rad: np.ndarray,
    timestep_s: float,
) -> dict:
    """Return what the joints did in T ticks, U of them with a torque.

    positions_rad, velocities_rad_s: (T, n); efforts_nm: (U, n); joint_ranges_rad: (n, 2).
    """
    speeds = np.abs(velocities_rad_s) / arm.velocity_limits_rad_s
    low, high = joint_ranges_rad.T
    at_limit = (positions_rad <= low + _NEAR_JOINT_LIMIT_RAD) | (
        positions_rad >= high - _NEAR_JOINT_LIMIT_RAD
    )
    beyond = (positions_rad < low - _BEYOND_JOINT_LIMIT_RAD) | (
        positions_rad > high + _BEYOND_JOINT_LIMIT_RAD
    )
    changes = np.abs(np.diff(efforts_nm, axis=0)).sum(1)
    return {
        'within_limits': not (speeds > 1.0).any() and not beyond.any(),
        'torque_variation_nm_per_s': float(changes.sum() / (max(len(changes), 1) * timestep_s)),
        'joint_limit_share': float(at_limit.any(1).mean()),
        'velocity_limit_share': float((speeds > 1.0).any(1).mean()),
        'peak_speed_share': float(speeds.max()),
    }


def summarise(runs: list[dict]) -> dict:
    """Return the numbers of many runs; `success_interval` is Wilson's, 95 %.

    A limit that was touched, or a thing, also counts by scenes: `joint_limit_scenes` and so on.
    """
    successes = sum(run['success'] for run in runs)
    out: dict = {
        'scenes': len(runs),
        'successes': successes,
        'success': successes / len(runs),
        'success_interval': wilson_interval(successes, len(runs)),
    }
    for key in ('reach_time_s', 'goal_error_m', 'minimum_error_m'):
        values = [run[key] for run in runs if run.get(key) is not None]
        for name, share in (('median', 50), ('p95', 95)):
            out[f'{key}_{name}'] = float(np.percentile(values, share)) if values else None
    for key in (
        *('torque_variation_nm_per_s', 'joint_limit_share', 'velocity_limit_share'),
        *('touched_share', 'untracked_share'),
    ):
        values = [run[key] for run in runs if run.get(key) is not None]
        out[key] = float(np.mean(values)) if values else None
        if key in _TOUCHED:
            scenes = sum(value > 0 for value in values)
            out[key.replace('share', 'scenes')] = scenes if values else None
    out['false_alarms'] = sum(run.get('false_alarm', False) for run in runs)
    out['noticed'] = sum(run.get('noticed_after_s') is not None for run in runs)
    for key in (
        *('peak_speed_share', 'peak_effort_rate_share', 'plan_failures'),
        *('noticed_after_s', 'struck_peak_speed_share', 'undisturbed_share'),
    ):
        values = [run[key] for run in runs if run.get(key) is not None]
        out[key] = max(values) if values else None
    plan_times = [value for run in runs for value in run.get('plan_times_s', ())]
    for name, share in (('median', 50), ('p95', 95), ('p99', 99)):
        out[f'plan_time_s_{name}'] = float(np.percentile(plan_times, share)) if plan_times else None
    out['understood'] = sum(run.get('understood', True) for run in runs)
    for key in ('target_time_s', 'identified'):
        values = [run[key] for run in runs if run.get(key) is not None]
        reduce = np.median if key == 'target_time_s' else np.mean
        out[key] = float(reduce(values)) if values else None
    return out


def _finite_mean(values: np.ndarray | None, part: slice) -> float | None:
    mean = np.nan if values is None else float(values[part].mean())
    return mean if math.isfinite(mean) else None
