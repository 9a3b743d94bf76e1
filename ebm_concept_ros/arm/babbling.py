# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Babbling: an arm that is driven at random, and what its states did under which torques.

Each episode starts at rest somewhere about home. The arm carries its weight and follows velocities
that are drawn anew all the time, so that it neither falls nor stands. Steps that touch something
are left out: contacts belong to the scene, not to the arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import carrying_effort_nm, hold_damping_nms_per_rad
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.workspace import Workspace

STEP_S = 0.02  # a transition, through which the torque stays
_TIMESTEP_S = 0.002
_EPISODE_STEPS = 50
_ABOUT_HOME_RAD = 1.0
_KEPT_STEPS = 5  # through which a velocity that was drawn is followed
_SPEED_SHARE = 2.0  # drawn velocities, of the limits: they are approached, not reached
_NOISE_SHARE = 0.03  # of the torque limits, 1 sigma


@dataclass(frozen=True)
class Babble:
    """N transitions of n joints.

    states, nexts: (N, 2n) rad and rad/s; efforts: (N, n) N·m, constant for STEP_S.
    """

    states: np.ndarray
    efforts: np.ndarray
    nexts: np.ndarray

    def write(self, path: Path, arm: ArmConfig) -> None:
        """Write an .npz file of states with the velocities first, and the limits as actions of 1.

        Velocities explain positions, and a frame takes what explains the rest first.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        n = len(arm.joints)
        states, nexts = (np.roll(x, n, 1).astype(np.float32) for x in (self.states, self.nexts))
        np.savez_compressed(
            path,
            states=states,
            actions=(self.efforts / arm.effort_limits_nm).astype(np.float32),
            nexts=nexts,
            step_s=STEP_S,
            names=np.array(arm.joint_names),
        )


def babble(arm: ArmConfig, workspace: Workspace, number: int, seed: int = 0) -> Babble:
    """Return `number` transitions over a table; ConfigError for fewer than one."""
    if number < 1:
        raise ConfigError(f'transitions: {number} refused, at least 1')
    table = random_table_scene(1, 2, 'blue', workspace)
    simulation = ArmSimulation(arm, workspace, table, _TIMESTEP_S)
    rng, n = np.random.default_rng(seed), len(arm.joints)
    damping = hold_damping_nms_per_rad(simulation.model, arm.home_rad)
    found: list[tuple[np.ndarray, ...]] = []
    while len(found) < number:
        simulation.reset()
        simulation.data.qpos[:] = arm.home_rad + rng.uniform(-1, 1, n) * _ABOUT_HOME_RAD
        _settle(simulation)
        wanted = np.zeros(n)
        for step in range(_EPISODE_STEPS):
            if step % _KEPT_STEPS == 0:
                wanted = rng.uniform(-1, 1, n) * _SPEED_SHARE * arm.velocity_limits_rad_s
            before = _state(simulation)
            effort = carrying_effort_nm(simulation.data) + damping * (wanted - before[n:])
            effort += _NOISE_SHARE * rng.standard_normal(n) * arm.effort_limits_nm
            touched = _advance(simulation, effort)
            if touched:
                break
            found.append((before, simulation.applied_effort_nm, _state(simulation)))
    return Babble(*(np.array(column) for column in zip(*found[:number], strict=True)))


def _settle(simulation: ArmSimulation) -> None:
    """Make forces and contacts those of positions that were set."""
    simulation.data.qvel[:] = 0
    simulation.step()


def _advance(simulation: ArmSimulation, effort_nm: np.ndarray) -> bool:
    """Apply a torque for STEP_S; tell whether anything was touched."""
    simulation.apply(effort_nm)
    touched = bool(simulation.data.ncon)
    for _ in range(round(STEP_S / _TIMESTEP_S)):
        simulation.step()
        touched |= bool(simulation.data.ncon)
    return touched


def _state(simulation: ArmSimulation) -> np.ndarray:
    return np.concatenate((simulation.joint_positions_rad, simulation.joint_velocities_rad_s))
