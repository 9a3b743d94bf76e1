# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Many damped rollouts at once, in MuJoCo's own loop: what sampling planners evaluate."""

from __future__ import annotations

import mujoco
import mujoco.rollout
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.plan_model import Rollout, plan_spec


class DampedRollouts:
    """The plan model, its weight carried and its joints damped, under S torques at once.

    The torque of a rollout is gravity's + damping · (set-point - velocity). The set-point, rad/s,
    is the speed that a joint would tend to, which makes samples alike in scale for every joint, and
    the speed limits limits of the samples. Coriolis torques are left out. Not for two threads.
    """

    def __init__(self, arm: ArmConfig, step_s: float, damping: np.ndarray) -> None:
        """damping: (n,) N·m·s/rad."""
        spec = plan_spec(arm, step_s)
        for body in spec.bodies[1:]:
            body.gravcomp = 1.0
        # MuJoCo integrates a joint's own damping implicitly, so that it is stable at any step.
        by_name = dict(zip(arm.joint_names, damping, strict=True))
        for joint in spec.joints:
            joint.damping[0] += by_name[joint.name]
        site = mujoco.mjtObj.mjOBJ_SITE
        for kind in (mujoco.mjtSensor.mjSENS_FRAMEPOS, mujoco.mjtSensor.mjSENS_FRAMEZAXIS):
            spec.add_sensor(type=kind, objtype=site, objname=arm.effector_site)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._rollout = mujoco.rollout.Rollout(nthread=0)
        self._damping = damping
        size = mujoco.mj_stateSize(self._model, mujoco.mjtState.mjSTATE_FULLPHYSICS)
        n = self._model.nv
        self._state = np.zeros(size)
        self._physics = slice(size - 2 * n, size)  # after the time: positions, velocities

    def __call__(self, start: np.ndarray, setpoints: np.ndarray, limits_nm: np.ndarray) -> Rollout:
        """Roll out from `start` (2n,) under velocity set-points (S, N, n), rad/s.

        limits_nm: (n,), what the torque of a set-point may be. The arrays of the returned rollout
        have a leading axis S; its efforts are those beyond gravity, its bias is zero.
        """
        samples, steps, n = setpoints.shape
        torque = np.clip(setpoints * self._damping, -limits_nm, limits_nm)
        # A step's sensors are those of the state that it starts from: one step more shows the last.
        torque = np.concatenate([torque, torque[:, -1:]], axis=1)
        self._state[self._physics] = start
        states, sensors = self._rollout.rollout(
            self._model,
            self._data,
            np.broadcast_to(self._state, (samples, len(self._state))),
            torque,
        )
        knots = np.empty((samples, steps + 1, 2 * n))
        knots[:, 0], knots[:, 1:] = start, states[:, :-1, self._physics]
        efforts = torque[:, :-1] - self._damping * knots[:, :-1, n:]
        return Rollout(knots, efforts, np.zeros_like(efforts), sensors[..., :3], sensors[..., 3:6])
