# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated arm over its table: torques in, joint states out. No ROS in here."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.effort_rate import EffortRateLimit
from ebm_concept_ros.arm.hold import HoldLaw, carrying_effort_nm
from ebm_concept_ros.arm.names import own
from ebm_concept_ros.arm.scene_model import check_home_is_clear, scene_spec
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.workspace import Workspace


class InvalidEffort(ValueError):
    """A torque command that is refused; the message names the reason."""


def within_limits_nm(effort_nm: np.ndarray, limits_nm: np.ndarray, arm: ArmConfig) -> np.ndarray:
    """Return the torque (n,) N·m of an arm's joints, clipped to the limits (n,).

    Raises InvalidEffort when it has another length or is not finite.
    """
    effort = np.asarray(effort_nm, float)
    if effort.shape != limits_nm.shape:
        raise InvalidEffort(
            f'effort: shape {effort.shape}, expected {limits_nm.shape}, '
            f'one for each of {", ".join(arm.joint_names)}'
        )
    if not np.isfinite(effort).all():
        raise InvalidEffort('effort: contains NaN or infinity')
    return np.clip(effort, -limits_nm, limits_nm)


class ArmSimulation:
    """An arm of n joints, driven by torque motors, in the full MuJoCo scene.

    The torque of the last `apply` acts until the next one; a fresh simulation holds. Raises
    ConfigError where the arm cannot start at home over this table.
    """

    def __init__(
        self,
        arm: ArmConfig,
        workspace: Workspace,
        table_scene: TableScene,
        timestep_s: float = 0.002,
    ) -> None:
        self.arm = arm
        self.workspace = workspace
        self.table_scene = table_scene
        self.model = scene_spec(arm, workspace, table_scene, timestep_s).compile()
        check_home_is_clear(arm, self.model)
        self.data = mujoco.MjData(self.model)
        n = len(arm.joints)
        # Entities are mocap bodies without joints, so the arm's come first and alone.
        assert self.model.nq == self.model.nv == self.model.nu == n
        self._limits = arm.effort_limits_nm
        self._hold = HoldLaw(self.model, arm.home_rad, self._limits)
        self._rate_limit = EffortRateLimit(arm.effort_rate_limits_nm_s, timestep_s)
        self._site = self.model.site(arm.effector_site).id
        self.reset()

    @property
    def timestep_s(self) -> float:
        """Return the simulation step, s."""
        return float(self.model.opt.timestep)

    @property
    def time_s(self) -> float:
        """Return the simulated time since reset, s."""
        return float(self.data.time)

    @property
    def joint_positions_rad(self) -> np.ndarray:
        """Return a copy, (n,) rad."""
        return self.data.qpos.copy()

    @property
    def joint_velocities_rad_s(self) -> np.ndarray:
        """Return a copy, (n,) rad/s."""
        return self.data.qvel.copy()

    @property
    def effector_in_base_m(self) -> np.ndarray:
        """Return a copy, (3,) m."""
        return self.data.site_xpos[self._site].copy()

    @property
    def applied_effort_nm(self) -> np.ndarray:
        """Return a copy of the torque that acts now, (n,) N·m."""
        return self.data.ctrl.copy()

    def reset(self) -> None:
        """Go back to time zero: the arm at home, at rest and held, entities where they started."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:] = self.arm.home_rad
        mujoco.mj_forward(self.model, self.data)
        self.apply(self.hold_effort())

    def hold_effort(self) -> np.ndarray:
        """Return the torque that carries the arm's weight and damps its motion, (n,) N·m."""
        return self._hold.effort_nm(carrying_effort_nm(self.data), self.data.qvel)

    def hold(self) -> None:
        """Set the torque that holds, or what its rate lets come nearest to it, for one step."""
        self.approach(self.hold_effort())

    def approach(self, effort_nm: np.ndarray) -> bool:
        """Set the torque (n,) N·m, or what its rate lets come nearest to it, for one step.

        Returns whether it is the torque itself; raises InvalidEffort as `apply`.
        """
        before = self.applied_effort_nm
        self.apply(effort_nm)
        wanted = self.applied_effort_nm
        limited = self._rate_limit.limited(wanted, before, self.timestep_s)
        self.apply(limited)
        return bool((limited == wanted).all())

    def take_over(self, former: ArmSimulation) -> None:
        """Go on from the state of a simulation of the same arm over another table.

        The entities that both have stay where they are.
        """
        self.data.time = former.data.time
        for name in ('qpos', 'qvel', 'ctrl', 'qacc_warmstart'):
            getattr(self.data, name)[:] = getattr(former.data, name)
        places = dict(zip(former.table_scene.ids, former.data.mocap_pos, strict=True))
        for index, id_ in enumerate(self.table_scene.ids):
            if id_ in places:
                self.data.mocap_pos[index] = places[id_]
        mujoco.mj_forward(self.model, self.data)

    def move(self, id_: str, position_in_base_m: tuple[float, float]) -> None:
        """Put an entity of the table somewhere else, (x, y) m."""
        self.data.mocap_pos[self.table_scene.ids.index(id_), :2] = position_in_base_m
        mujoco.mj_forward(self.model, self.data)

    def link_touched_by(self, id_: str) -> str | None:
        """Return the name of a body of the arm that touches the entity now, or None."""
        entity = self.model.body(own(id_)).id
        for geoms, distance_m in zip(self.data.contact.geom, self.data.contact.dist, strict=True):
            bodies = {int(body) for body in self.model.geom_bodyid[geoms]}
            if entity in bodies and distance_m <= 0.0:
                return self.model.body((bodies - {entity}).pop()).name
        return None

    def apply(self, effort_nm: np.ndarray) -> None:
        """Set the torque, (n,) N·m, clipped to the limits.

        Raises InvalidEffort when it has another length or is not finite; the last torque stays.
        """
        self.data.ctrl[:] = within_limits_nm(effort_nm, self._limits, self.arm)

    def step(self) -> None:
        """Advance by one timestep."""
        # In two halves, so that site and bias forces belong to the state after the step.
        mujoco.mj_step2(self.model, self.data)
        mujoco.mj_step1(self.model, self.data)

    def entity_positions_in_base_m(self) -> np.ndarray:
        """Return (N, 2) m, in the order of the table scene."""
        return self.data.mocap_pos[:, :2].copy()
