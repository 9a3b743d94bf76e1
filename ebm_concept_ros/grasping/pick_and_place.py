# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The public face: a move in; a block picked up, carried and put down; an outcome."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.table_scene import require_in_workspace
from ebm_concept_ros.arranging.footprints import wrapped
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.config_files import Config, ConfigError
from ebm_concept_ros.grasping.attempts import Attempts
from ebm_concept_ros.grasping.blocks import Block, extent_m
from ebm_concept_ros.grasping.cost import GraspWeights
from ebm_concept_ros.grasping.grip import Fingers, FingerTarget, Grip, Open, now_as
from ebm_concept_ros.grasping.hand import with_grasp_site
from ebm_concept_ros.grasping.hand_motion import HandMotion
from ebm_concept_ros.grasping.motion import straight
from ebm_concept_ros.grasping.outcome import Outcome, Peaks
from ebm_concept_ros.grasping.phases import Phases
from ebm_concept_ros.grasping.reach import Reach
from ebm_concept_ros.grasping.stages import Arrival, Phase, PhaseConfig, Stage, Target
from ebm_concept_ros.grasping.view import View, lowest_m
from ebm_concept_ros.grasping.watch import Watch, WatchConfig
from ebm_concept_ros.grasping.world import BlockWorld
from ebm_concept_ros.planning.planner import PlanningFailed
from ebm_concept_ros.planning.policy import InvalidState

# A longer time from one torque to the next is a break: the arm was held, by whomever.
_BREAK_S = 0.05
_SYMMETRY_RAD = {'box': np.pi, 'prism': 2 * np.pi / 3}


class MoveRefused(ValueError):
    """A move that cannot be; nothing has moved, and the message says why."""


class PickAndPlaceConfig(Config):
    """How moves are made and watched."""

    weights: GraspWeights = GraspWeights()
    phases: PhaseConfig = PhaseConfig()
    watch: WatchConfig = WatchConfig()

    @classmethod
    def of(cls, arm: ArmConfig) -> PickAndPlaceConfig:
        """Return how an arm moves blocks, as its configuration has it."""
        handling = arm.handling
        return cls(
            weights=GraspWeights(effort=handling.effort, velocity=handling.velocity),
            phases=PhaseConfig(reach_speed_m_s=handling.reach_speed_m_s),
        )


class PickAndPlace:
    """Moves blocks one after another. Not for two threads at once."""

    def __init__(
        self,
        simulation: BlockWorld,
        config: PickAndPlaceConfig | None = None,
        replan_every: int = 4,
    ) -> None:
        """simulation: or what is like one. config: None for the arm's. replan_every: torques."""
        self._simulation = simulation
        self._config = config or PickAndPlaceConfig.of(simulation.arm)
        hand, period_s = simulation.hand, simulation.timestep_s
        self._n, self._open = len(simulation.arm.joints), Open(hand.openings[0].joint)
        self._motion = HandMotion(
            *(simulation.arm, hand, simulation.workspace, period_s),
            *(self._config.weights, replan_every),
        )
        self._reach = Reach(with_grasp_site(simulation.arm, hand))
        self._fingers = Fingers(hand, period_s)
        self._peaks = self._new_peaks()
        self._told: FingerTarget = self._open
        self._holds: str | None = None  # what is in the hand between two moves
        self._attempts: Attempts | None = None  # of the newest move

    @property
    def in_the_hand(self) -> str | None:
        """Return the id of the block that the fingers press on, or None."""
        return self._holds if self._holds in self._simulation.table.ids else None

    @property
    def tries(self) -> int:
        """Return how often the block of this move was reached for."""
        return 0 if self._attempts is None else 1 + self._attempts.retries

    def hold(self, duration_s: float) -> None:
        """Stay where the hand is; fingers do what they did, so that nothing is dropped."""
        steps = iter(range(round(duration_s / self._simulation.timestep_s)))
        self.hold_while(lambda: next(steps, None) is not None)

    def hold_while(self, is_held: Callable[[], bool]) -> None:
        """Stay where the hand is, as long as that says so before each step."""
        view = self._view()
        self._look_into_the_hand(view)
        path = straight(view.time_s, view.hand, view.hand.position_m, view.hand.yaw_rad, None)
        stage = Stage(Phase.RETREAT, view.time_s, path, self._told, Arrival(0.0, 0.0))
        while is_held():
            self._step(stage)

    def move(self, move: Move, each_step: Callable[[Stage], None] | None = None) -> Outcome:
        """Pick a block up and put it down elsewhere; return when it stands, or cannot be moved.

        What is in the hand already is carried on. each_step: is called after each step of the
        simulation, with what is being done; where it takes time, the move goes on from where the
        hand is then. Raises MoveRefused for an unknown block, one too wide for the hand, a place
        off the workspace, or while the hand holds another block.
        """
        simulation, config = self._simulation, self._config
        before = self._view()
        self._look_into_the_hand(before)
        block, grip_yaw_rad, target = self._checked(move, before)
        table_height_m = simulation.workspace.table_height_in_base_m
        common = (block, simulation.table, table_height_m, simulation.hand)
        watch = Watch(*common, config.watch, config.phases.timeout_s)
        self._peaks, self._attempts = self._new_peaks(), None
        wrong = None if self._holds else watch.not_on_table(before)
        if trouble := wrong or watch.taken(target, before):
            return self._outcome(move, block, target, before, trouble.reason)
        ways = []
        for yaw_rad in self._same_grips(grip_yaw_rad):
            phases = Phases(*common, config.phases, yaw_rad, target, self._turn_rad)
            ways.append((*self._way_there(phases, before), phases))
        turned_rad, reason, phases = min(ways, key=lambda way: way[0])
        if math.isinf(turned_rad):
            return self._outcome(move, block, target, before, reason)
        first = phases.lift(before) if self._holds else phases.above(before)
        attempts = self._attempts = Attempts(phases, watch, first)
        reason = ''
        try:
            while not attempts.is_over:
                self._holds = move.entity if attempts.grips else None
                began_s = simulation.time_s
                self._step(attempts.stage)
                if each_step is not None:
                    each_step(attempts.stage)
                view = self._view()
                if (passed_s := view.time_s - began_s) > _BREAK_S:
                    attempts.go_on(view, passed_s)
                attempts.advance(view)
        except (PlanningFailed, InvalidState) as error:
            reason = f'no plan: {error}'
        return self._outcome(move, block, target, before, reason or attempts.reason, attempts)

    def take_over(self) -> None:
        """Take what hangs from the hand, gripped by whoever commanded before, for what is held."""
        view, watch = self._view(), self._config.watch
        table_height_m = self._simulation.workspace.table_height_in_base_m
        for block in self._simulation.table.blocks:
            pose = view.blocks[block.id]
            away_m = np.linalg.norm(pose.position_m - view.hand.position_m)
            if away_m < watch.dropped_m and lowest_m(block, pose) > table_height_m + watch.moved_m:
                full_nm = self._simulation.hand.grip.full_nm
                self._holds, self._told = block.id, Grip(full_nm, full_nm)

    def _look_into_the_hand(self, view: View) -> None:
        """Forget, and grip no more, what is elsewhere or gone, as after a reset."""
        if self._holds is None:
            return
        pose = view.blocks.get(self._holds)
        most_m = 2 * self._config.watch.dropped_m
        if pose is None or np.linalg.norm(pose.position_m - view.hand.position_m) > most_m:
            self._holds, self._told = None, self._open

    def _checked(self, move: Move, view: View) -> tuple[Block, float, Target]:
        """Return the block, the closing axis's yaw from its own, and where it is to stand."""
        simulation = self._simulation
        if move.entity not in simulation.table.ids:
            raise MoveRefused(
                f'entity: {move.entity!r} is unknown; on the table are '
                f'{", ".join(simulation.table.ids)}'
            )
        try:
            require_in_workspace(move.place_in_base_m, simulation.workspace, 'place_in_base_m')
        except ConfigError as error:
            raise MoveRefused(str(error)) from None
        block, yaw_rad = simulation.table[move.entity], view.blocks[move.entity].yaw_rad
        if self._holds not in (None, move.entity):
            raise MoveRefused(f'entity: {move.entity!r} refused, the hand holds {self._holds!r}')
        grip_yaw_rad = wrapped((view.hand.yaw_rad if self._holds else move.pick_yaw_rad) - yaw_rad)
        begin, end = extent_m(block, grip_yaw_rad)
        if not self._holds and end - begin > simulation.hand.room.widest_m:
            raise MoveRefused(
                f'pick_yaw_rad: {block.id!r} is {1e3 * (end - begin):.0f} mm wide along it, the '
                f'hand closes around {1e3 * simulation.hand.room.widest_m:.0f} mm at most'
            )
        # It turns with the hand.
        return (
            block,
            grip_yaw_rad,
            Target(move.place_in_base_m, yaw_rad + move.place_yaw_rad - move.pick_yaw_rad),
        )

    def _same_grips(self, grip_yaw_rad: float) -> list[float]:
        """Return the yaws at which the hand grips alike; what it holds, it goes on holding."""
        if self._holds or not self._simulation.hand.is_symmetric:
            return [grip_yaw_rad]
        return [grip_yaw_rad, wrapped(grip_yaw_rad + math.pi)]

    def _turn_rad(self, place_m: np.ndarray, yaw_rad: float) -> float:
        """Return roughly how far the hand turns from where it is to where it has to be."""
        posture = self._simulation.joint_positions_rad[: self._n]
        there = self._reach.posture(posture, place_m, yaw_rad)
        return 0.0 if there is None else self._reach.turn_rad(posture, there)

    def _way_there(self, phases: Phases, view: View) -> tuple[float, str]:
        """Return how far the hand turns in all; or inf, and why it cannot come where it has to."""
        posture, turned_rad = self._simulation.joint_positions_rad[: self._n], 0.0
        for what, place_m, yaw_rad in phases.stations(view):
            before, posture = posture, self._reach.posture(posture, place_m, yaw_rad)
            if posture is None:
                x, y, z = place_m
                return math.inf, (
                    f'{what} is out of reach: the hand cannot point down at ({x:.3f}, {y:.3f}, '
                    f'{z:.3f}) m, turned by {yaw_rad:.2f} rad'
                )
            turned_rad += abs(self._reach.turn_rad(before, posture))
        return turned_rad, ''

    def _view(self) -> View:
        simulation = self._simulation
        return View(
            simulation.time_s,
            simulation.grasp_pose,
            simulation.block_poses(),
            simulation.joint_velocities_rad_s[: self._n],
            simulation.joint_positions_rad[self._n :],
        )

    def _step(self, stage: Stage) -> None:
        simulation, n = self._simulation, self._n
        time_s, former = simulation.time_s, simulation.applied_effort_nm
        positions, velocities = simulation.joint_positions_rad, simulation.joint_velocities_rad_s
        arm_nm = self._motion.effort_nm(
            stage.path, time_s, positions[:n], velocities[:n], former[:n]
        )
        self._told = now_as(stage.fingers, time_s - stage.begin_s)
        fingers_nm = self._fingers.effort_nm(
            *(self._told, positions[n:], velocities[n:]), former[n:]
        )
        simulation.apply(np.concatenate([arm_nm, fingers_nm]))
        simulation.step()
        self._peaks.add(
            *(simulation.applied_effort_nm, former, simulation.timestep_s),
            simulation.joint_velocities_rad_s,
        )

    def _new_peaks(self) -> Peaks:
        simulation = self._simulation
        return Peaks(
            *(simulation.effort_limits_nm, simulation.effort_rate_limits_nm_s),
            simulation.velocity_limits_rad_s,
        )

    def _outcome(
        self,
        move: Move,
        block: Block,
        target: Target,
        before: View,
        reason: str,
        attempts: Attempts | None = None,
    ) -> Outcome:
        after = self._view()
        pose = after.blocks[block.id]
        turned_rad = wrapped(pose.yaw_rad - target.yaw_rad)
        if block.shape == 'cylinder':
            turned_rad = 0.0
        else:
            symmetry = _SYMMETRY_RAD[block.shape]
            turned_rad = (turned_rad + symmetry / 2) % symmetry - symmetry / 2
        return Outcome(
            entity=move.entity,
            success=not reason,
            reason=reason,
            placing_error_m=float(np.linalg.norm(pose.position_m[:2] - target.place_m)),
            placing_error_rad=abs(turned_rad),
            time_s=after.time_s - before.time_s,
            slips=attempts.slips if attempts else 0,
            retries=attempts.retries if attempts else 0,
            troubles=tuple(attempts.troubles) if attempts else (),
            peak_effort_share=self._peaks.effort,
            peak_effort_rate_share=self._peaks.effort_rate,
            peak_speed_share=self._peaks.speed,
            bystanders_m={
                id_: float(np.linalg.norm(pose.position_m - before.blocks[id_].position_m))
                for id_, pose in after.blocks.items()
                if id_ != block.id
            },
        )
