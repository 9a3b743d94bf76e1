# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An arm that is measured and blocks that are seen, as what moves are made in.

Blocks are seen less often than joints are measured. What is decided by where they are goes by the
hand where it was then; torques go by the newest joint state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.control.momentum_observer import Impulse
from ebm_concept_ros.grasping.blocks import BlockTable, Pose
from ebm_concept_ros.grasping.hand import HandConfig, with_grasp_site, with_live_fingers
from ebm_concept_ros.grasping.world import WorldChanged
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.types import JointSample
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import Scene

# So many joint states are kept, to tell where the hand was when blocks were seen.
_KEPT = 200


@dataclass(frozen=True, eq=False)
class SeenBlocks:
    """All blocks at one instant.

    table: what they are, and where they stand as nobody holds them. poses: of their middles, by id.
    scene: (N,) particle units, what they look like, in the table's order.
    """

    stamp_ns: int
    table: BlockTable
    poses: Mapping[str, Pose]
    scene: Scene


@dataclass(frozen=True, eq=False)
class Sensed:
    """The newest joint state (n + f,), and the blocks as they were seen last.

    impulse: of the motors (n + f,) up to that state, None where no efforts are reported.
    """

    sample: JointSample
    seen: SeenBlocks
    impulse: Impulse | None = None


# Has a torque act, which answers a joint state, and returns what is so when the next one is due.
# Without a torque it returns what is so now.
Exchange = Callable[[JointSample | None, np.ndarray | None], Sensed]


class SensedWorld:
    """See `world.BlockWorld`. All is called by one thread."""

    def __init__(
        self,
        arm: ArmConfig,
        hand: HandConfig,
        workspace: Workspace,
        timestep_s: float,
        exchange: Exchange,
    ) -> None:
        self.arm, self.hand, self.workspace, self.timestep_s = arm, hand, workspace, timestep_s
        planned = with_grasp_site(arm, hand)
        live = with_live_fingers(planned, hand)
        self.joint_names = live.joint_names
        self.effort_limits_nm = live.effort_limits_nm
        self.effort_rate_limits_nm_s = live.effort_rate_limits_nm_s
        self.velocity_limits_rad_s = live.velocity_limits_rad_s
        self._exchange = exchange
        self._n = len(arm.joints)
        self._model = PlanModel(planned, timestep_s)
        self._site = self._model.model.site(planned.effector_site).id
        self._kept: deque[tuple[int, np.ndarray]] = deque(maxlen=_KEPT)
        self._wanted_nm: np.ndarray | None = None
        self._applied_nm: np.ndarray | None = None  # None: what the joint state says
        self._now: Sensed | None = None
        self._sent: JointSample | None = None  # what a torque answers that nothing came after yet

    def look(self) -> None:
        """Take what is so now: before the first step, and after a time without any.

        Whoever exchanges waits until there is something to be seen.
        """
        self._take(self._exchange(self._sent, None))
        self._applied_nm = None

    def catch_up(self, anew: bool = False) -> None:
        """Look where a step was given up as it waited; anew: or where there were none for a time.

        No second torque answers a joint state.
        """
        if anew and self._now is not None:
            self.look()
        elif self._sent is not None:
            before = self._sent
            self._take(self._exchange(before, None))
            if self._now.sample.stamp_ns < before.stamp_ns:
                self._applied_nm = None

    @property
    def table(self) -> BlockTable:
        """Return what stands there."""
        return self._now.seen.table

    @property
    def scene(self) -> Scene:
        """Return what it looks like."""
        return self._now.seen.scene

    @property
    def time_s(self) -> float:
        """Return the stamp of the joint state, s."""
        return self._now.sample.stamp_s

    @property
    def seen_age_s(self) -> float:
        """Return how long before the joint state the blocks were seen, s."""
        return (self._now.sample.stamp_ns - self._now.seen.stamp_ns) / 1e9

    @property
    def impulse(self) -> Impulse | None:
        """Return what motors of joints and fingers have exerted, None where nobody says it."""
        return self._now.impulse

    @property
    def joint_positions_rad(self) -> np.ndarray:
        """Return (n + f,) rad."""
        return self._now.sample.positions_rad

    @property
    def joint_velocities_rad_s(self) -> np.ndarray:
        """Return (n + f,) rad/s."""
        return self._now.sample.velocities_rad_s

    @property
    def applied_effort_nm(self) -> np.ndarray:
        """Return the last torque (n + f,) N·m: what was told, or, of somebody else, is reported.

        Where nobody reports any, somebody has carried the arm.
        """
        if self._applied_nm is not None:
            return self._applied_nm
        reported = self._now.sample.efforts_nm
        return self._carrying_nm() if reported is None else reported

    @property
    def grasp_pose(self) -> Pose:
        """Return where the grasp centre was as the blocks were seen."""
        return self._hand

    def block_poses(self) -> Mapping[str, Pose]:
        """Return where the blocks were seen, by id."""
        return self._now.seen.poses

    def apply(self, effort_nm: np.ndarray) -> None:
        """Have this torque act from the next step on; it is cut to the limits."""
        limits_nm = self.effort_limits_nm
        self._wanted_nm = np.clip(effort_nm, -limits_nm, limits_nm)

    def step(self) -> None:
        """Send the torque and wait for the next joint state; raises WorldChanged."""
        before = self._now
        self._sent, self._applied_nm = before.sample, self._wanted_nm
        now = self._exchange(before.sample, self._wanted_nm)
        self._take(now)
        if now.sample.stamp_ns < before.sample.stamp_ns:
            self._applied_nm = None
            raise WorldChanged('time began anew')
        gone, new = (
            ', '.join(sorted(set(one.seen.table.ids) - set(other.seen.table.ids)))
            for one, other in ((before, now), (now, before))
        )
        if gone:
            raise WorldChanged(f'{gone} is on the table no more')
        if new:
            raise WorldChanged(f'{new} has come onto the table')

    def _take(self, now: Sensed) -> None:
        before, self._now, self._sent = self._now, now, None
        if before is not None and now.sample.stamp_ns < before.sample.stamp_ns:
            self._kept.clear()
        self._kept.append((now.sample.stamp_ns, now.sample.positions_rad))
        if before is None or now.seen is not before.seen:
            self._hand = self._hand_at(now.seen.stamp_ns)

    def _carrying_nm(self) -> np.ndarray:
        n, limits_nm = self._n, self.effort_limits_nm
        carrying_nm = np.zeros_like(limits_nm)
        carrying_nm[:n] = self._model.bias_nm(
            self.joint_positions_rad[:n], self.joint_velocities_rad_s[:n]
        )
        return np.clip(carrying_nm, -limits_nm, limits_nm)

    def _hand_at(self, stamp_ns: int) -> Pose:
        _, positions = min(self._kept, key=lambda kept: abs(kept[0] - stamp_ns))
        data = self._model.data
        data.qpos[:] = positions[: self._n]
        mujoco.mj_kinematics(self._model.model, data)
        return Pose(
            data.site_xpos[self._site].copy(), data.site_xmat[self._site].reshape(3, 3).copy()
        )
