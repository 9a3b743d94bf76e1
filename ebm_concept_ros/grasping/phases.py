# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The phases of a move: what is done in each, and which comes next.

    ABOVE → DOWN → CLOSE → LIFT → CARRY → LOWER → RELEASE → OPEN → RETREAT

Each begins where the one before has arrived, from what is measured then. A move that has to be
tried again puts down what it holds (LOWER … RETREAT) and begins anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ebm_concept_ros.arranging.footprints import wrapped
from ebm_concept_ros.grasping.blocks import Block, BlockTable, Pose, extent_m
from ebm_concept_ros.grasping.grip import FingerTarget, Grip, Open
from ebm_concept_ros.grasping.hand import HandConfig
from ebm_concept_ros.grasping.motion import straight
from ebm_concept_ros.grasping.stages import Arrival, Phase, PhaseConfig, Stage, Target
from ebm_concept_ros.grasping.view import View, highest_m, lowest_m

_TURNING = (Phase.ABOVE, Phase.CARRY)


class Phases:
    """Makes the stages of one move from what is measured."""

    def __init__(
        self,
        block: Block,
        table: BlockTable,
        table_height_m: float,
        hand: HandConfig,
        config: PhaseConfig,
        grip_yaw_rad: float,
        target: Target,
        turn_rad: Callable[[np.ndarray, float], float],
    ) -> None:
        """grip_yaw_rad: of the closing axis from the block's own x axis.

        turn_rad: roughly how far the hand turns from where it is now to a place (3,) m and a yaw.
        """
        self.block, self.target, self.grip_yaw_rad = block, target, grip_yaw_rad
        self._table, self._table_height_m = table, table_height_m
        self._hand, self._config, self._turn_rad = hand, config, turn_rad
        begin, end = extent_m(block, grip_yaw_rad)
        self._middle_m, half_width_m = (begin + end) / 2, (end - begin) / 2
        self._open = Open(hand.opening_joint(half_width_m + hand.room.opening_m))
        self.half_width_m = half_width_m
        self.aimed_at: Pose | None = None  # the block, as the hand went for it
        # The block in the frame of the hand, as it was gripped, and as it has lain there since.
        self.gripped: Pose | None = None
        self.held: Pose | None = None

    def stations(self, view: View) -> list[tuple[str, np.ndarray, float]]:
        """Return where the hand has to be: what is there in words, place (3,) m, yaw rad."""
        found = []
        pose = view.blocks[self.block.id]
        for what, place_m, yaw_rad in (
            (f'{self.block.id!r}', pose.position_m[:2], pose.yaw_rad),
            (f'the place of {self.block.id!r}', self.target.place_m, self.target.yaw_rad),
        ):
            yaw_rad += self.grip_yaw_rad
            down = self._grasp_m(place_m, yaw_rad)
            above = np.array([*down[:2], self._carry_height_m(view)])
            found += [(what, above, yaw_rad), (what, down, yaw_rad)]
        return found

    def above(self, view: View) -> Stage:
        """Return the way to above the block, with the fingers as far apart as it needs."""
        pose = self.aimed_at = view.blocks[self.block.id]
        self.gripped = self.held = None
        yaw = pose.yaw_rad + self.grip_yaw_rad
        goal = self._grasp_m(pose.position_m, yaw)
        goal[2] = self._carry_height_m(view)
        speed_m_s = self._config.reach_speed_m_s
        return self._stage(Phase.ABOVE, view, goal, yaw, speed_m_s, self._open, Arrival(0.004, 0.1))

    def is_over(self, stage: Stage, view: View) -> bool:
        """Tell whether a stage has done what it is for; LOWER has as soon as the block stands."""
        if stage.has_arrived(view):
            return True
        standing_at_m = self._table_height_m + self._config.standing_m
        return (
            stage.phase is Phase.LOWER
            and lowest_m(self.block, view.blocks[self.block.id]) < standing_at_m
        )

    def after(self, stage: Stage, view: View) -> Stage | None:
        """Return the stage that follows one that has arrived, or None where it was the last."""
        return {
            Phase.ABOVE: self._down,
            Phase.DOWN: self._close,
            Phase.CLOSE: lambda stage, view: self.lift(view),
            Phase.LIFT: self._carry,
            Phase.CARRY: self.lower,
            Phase.LOWER: self.release,
            Phase.RELEASE: self.open_up,
            Phase.OPEN: self.retreat,
            Phase.RETREAT: lambda stage, view: None,
        }[stage.phase](stage, view)

    def _down(self, stage: Stage, view: View) -> Stage:
        goal = self._grasp_m(self.aimed_at.position_m, stage.path.goal_yaw_rad)
        return self._stage(
            *(Phase.DOWN, view, goal, stage.path.goal_yaw_rad, self._config.line_speed_m_s),
            *(self._open, Arrival(0.002, 0.02)),
        )

    def _close(self, stage: Stage, view: View) -> Stage:
        half, grip = self._config.close_s / 2, self._hand.grip
        fingers = Grip(grip.first_nm, grip.full_nm, wait_s=half, ramp_s=half)
        return self._staying(Phase.CLOSE, stage, view, fingers, self._config.close_s)

    def take_as_held(self, view: View) -> None:
        """Take the block in the hand, as it lies now, for how it is to stay there."""
        self.held = view.blocks[self.block.id].seen_from(view.hand)

    def lift(self, view: View) -> Stage:
        """Return the way straight up with what is in the hand."""
        self.take_as_held(view)
        if self.gripped is None:
            self.gripped = self.held
        if self.aimed_at is None:
            self.aimed_at = view.blocks[self.block.id]
        goal = view.hand.position_m.copy()
        goal[2] = self._carry_height_m(view)
        return self._stage(
            *(Phase.LIFT, view, goal, view.hand.yaw_rad, self._config.line_speed_m_s),
            *(self._full_grip, Arrival(0.004, 0.1)),
        )

    def _carry(self, stage: Stage, view: View) -> Stage:
        # It settles between the fingers as it leaves the table: from here on it is to stay.
        self.take_as_held(view)
        yaw = view.hand.yaw_rad + wrapped(self.target.yaw_rad - view.blocks[self.block.id].yaw_rad)
        c, s = math.cos(yaw), math.sin(yaw)
        x, y, _ = self.held.position_m  # of the block, from a hand that points down
        ahead = np.array([c * x + s * y, s * x - c * y])
        goal = np.append(self.target.place_m - ahead, self._carry_height_m(view))
        return self._stage(
            *(Phase.CARRY, view, goal, yaw, self._config.carry_speed_m_s),
            *(self._full_grip, Arrival(0.003, 0.05)),
        )

    def lower(self, stage: Stage, view: View, place: Target | None = None) -> Stage:
        """Return the way down to where a block in the hand stands, at its place or another."""
        pose = view.blocks[self.block.id]
        goal = view.hand.position_m.copy()
        goal[:2] += (place or self.target).place_m - pose.position_m[:2]
        gap_m = lowest_m(self.block, pose) - self._table_height_m - self._config.press_m
        goal[2] -= gap_m
        return self._stage(
            *(Phase.LOWER, view, goal, view.hand.yaw_rad, self._config.lower_speed_m_s),
            *(self._full_grip, Arrival(0.002, 0.02)),
        )

    def release(self, stage: Stage, view: View) -> Stage:
        """Return the stage in which the grip goes."""
        fingers = Grip(self._hand.grip.full_nm, 0.0, ramp_s=self._config.release_s)
        return self._staying(Phase.RELEASE, stage, view, fingers, self._config.release_s)

    def open_up(self, stage: Stage, view: View) -> Stage:
        """Return the stage that opens the fingers; the hand stays."""
        way = abs(float(view.fingers_rad.mean()) - self._open.joint)
        duration = self._config.open_s + way / self._hand.grip.opening_rad_s
        return self._staying(Phase.OPEN, stage, view, self._open, duration)

    def retreat(self, stage: Stage, view: View) -> Stage:
        """Return the way straight up with open fingers."""
        goal = view.hand.position_m.copy()
        goal[2] = self._carry_height_m(view)
        return self._stage(
            *(Phase.RETREAT, view, goal, view.hand.yaw_rad, self._config.line_speed_m_s),
            *(self._open, Arrival(0.006, 0.2, within_rad=math.pi)),
        )

    @property
    def _full_grip(self) -> Grip:
        return Grip(self._hand.grip.full_nm, self._hand.grip.full_nm)

    def _grasp_m(self, place_m: Sequence[float], yaw: float) -> np.ndarray:
        """Return where the grasp centre goes: mid between the faces, at half the height."""
        height = max(self.block.height_m / 2, self._hand.least_height_m)
        return np.array(
            [
                place_m[0] + self._middle_m * math.cos(yaw),
                place_m[1] + self._middle_m * math.sin(yaw),
                self._table_height_m + height,
            ]
        )

    def _carry_height_m(self, view: View) -> float:
        """Return the height at which the hand, and what hangs from it, passes over all others."""
        tallest = max(
            (
                highest_m(self._table[id_], pose)
                for id_, pose in view.blocks.items()
                if id_ != self.block.id
            ),
            default=self._table_height_m,
        )
        below = max(self.block.height_m / 2, self._hand.least_height_m)
        return max(
            self._table_height_m + self._config.carry_height_m,
            tallest + self._config.clearance_m + below,
        )

    def _staying(
        self, phase: Phase, stage: Stage, view: View, fingers: FingerTarget, duration_s: float
    ) -> Stage:
        """Return a stage in which the hand stays where the one before has taken it, or ended."""
        goal_m, yaw_rad = view.hand.position_m, view.hand.yaw_rad
        if stage.has_arrived(view):
            goal_m, yaw_rad = stage.path.goal_m, stage.path.goal_yaw_rad
        path = straight(view.time_s, view.hand, goal_m, yaw_rad, None)
        arrival = Arrival(np.inf, np.inf, np.inf, duration_s)
        return Stage(phase, view.time_s, path, fingers, arrival)

    def _stage(
        self,
        phase: Phase,
        view: View,
        goal_m: np.ndarray,
        yaw_rad: float,
        speed_m_s: float | None,
        fingers: FingerTarget,
        arrival: Arrival,
    ) -> Stage:
        # Up and down the hand turns by hundredths of a radian, if at all.
        turn_rad = self._turn_rad(goal_m, yaw_rad) if phase in _TURNING else 0.0
        path = straight(view.time_s, view.hand, goal_m, yaw_rad, speed_m_s, turn_rad)
        return Stage(phase, view.time_s, path, fingers, arrival)
