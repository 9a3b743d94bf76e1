# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `referee`: judges a run from what is on the topics, and leaves its record.

It goes by the concept's definition, not by the learned energy, and takes the effector's place
from the joint states. When the run is decided it writes `result.json`, a picture and a video into
`out_dir`, prints the result as one JSON line and ends with status 0 only on success. Drawing begins
after the run is decided, so it takes no time from the controller before; in lockstep simulated time
stands still while it draws.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Annotated

from pydantic import Field
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.arm.composed_table import SUM
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.conversions.serialised_joints import JointSampleReading
from ebm_concept_ros.nodes.judging import JudgingNode
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.polled import PolledSubscription
from ebm_concept_ros.nodes.runtime.resources import load_arm_parameter, load_workspace_parameter
from ebm_concept_ros.nodes.runtime.running import run
from ebm_concept_ros.nodes.runtime.texts import ARM, EXISTING_FOLDER, FILE, FOLDER
from ebm_concept_ros.nodes.task_parameters import (
    TaskParameters,
    Weights,
    composition_parameter,
    requested_concepts,
)
from ebm_concept_ros.oracle.joint_goal import JointGoal, goal_of
from ebm_concept_ros.oracle.judge import ReachJudge
from ebm_concept_ros.oracle.true_goal import TrueGoal
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.report.recorder import RunRecorder
from ebm_core.world.scene import InvalidInput

# Some of the 500 joint states a second are enough; in lockstep they may come several times as fast.
_LOOK_EVERY_S, _LOOK_EVERY_IN_LOCKSTEP_S = 0.02, 0.01


class RefereeParameters(TaskParameters):
    """Parameters of the referee."""

    weights: Weights = Field(
        (1.0, 1.0), description='of the two in the sum; what weighs 0 is not judged'
    )
    scene_seed: int = Field(1, ge=0, description='only repeated in the result')
    tolerance_m: float = Field(0.02, ge=0.001, le=0.5, description='distance that counts, m')
    hold_s: float = Field(0.5, ge=0.0, le=60.0, description='how long to stay, s simulated')
    timeout_s: float = Field(20.0, ge=0.1, le=3600.0, description='time to reach, s simulated')
    wall_timeout_s: float = Field(
        180.0, ge=1.0, le=36000.0, description='for the whole run, s on the wall clock'
    )
    silence_s: float = Field(
        10.0, ge=0.5, le=3600.0, description='without controller/status it has failed, s wall clock'
    )
    out_dir: Annotated[str, FOLDER] = Field(
        'out', description='folder for result.json, picture and video'
    )
    render: bool = Field(True, description='draw picture and video')
    lockstep: bool = Field(False, description='drawing need not leave time for a real-time loop')
    model_dir: Annotated[str, EXISTING_FOLDER] = Field(
        '', description="weights for the heat-map; empty: the package's"
    )
    arm: Annotated[str, ARM] = Field(
        'jaco', description='name of a shipped arm, or the YAML of another'
    )
    robot_description: str = Field(
        '', description='URDF of an arm whose YAML has model: robot_description'
    )
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )


class Referee(JudgingNode):
    """Watches, judges, and reports once."""

    events_executor = True

    def __init__(self) -> None:
        super().__init__('referee', RefereeParameters)
        p = self.parameters
        self._concepts, self._colours = requested_concepts(p, spatial=True)
        self._names = tuple(concept.name for concept in self._concepts)
        self._weights: tuple[float, ...] = (1.0,)
        if p.also:
            self._weights = composition_parameter(self._names, p.weights, 'weights').weights
        self._arm = load_arm_parameter(p.arm, p.robot_description)
        self._workspace = load_workspace_parameter(p.workspace_config)
        self._model = PlanModel(self._arm, 0.02)
        self._judge = ReachJudge(p.tolerance_m, p.hold_s)
        self._goal: TrueGoal | JointGoal | None = None
        self._why_no_task = 'no scene came'
        self._codes: ros.Concept | None = None
        self._status: ros.ControllerStatus | None = None
        self._status_at_s = math.inf  # on the monotonic clock
        self._began_s: float | None = None
        self._heard_states = False
        self._reading = JointSampleReading(self._arm.joint_names)
        self._record = RunRecorder()
        for kind, topic, take, profile in (
            (ros.Scene, 'scene', self._on_scene, qos.LATCHED),
            (ros.Concept, 'concept', self._on_concept, qos.LATCHED),
        ):
            self.create_subscription(kind, topic, take, **qos.overridable(profile))
        self._states = PolledSubscription(
            self, JointState, 'joint_states', qos.JOINT_STATES_REAL_TIME
        )
        self._statuses = PolledSubscription(
            self, ros.ControllerStatus, 'controller/status', qos.STATUS
        )
        self._polled = self._states, self._statuses
        # An executor takes longer to find out that it is time than it takes to look.
        self._watch_every_s = _LOOK_EVERY_IN_LOCKSTEP_S if p.lockstep else _LOOK_EVERY_S

    # Executor thread -------------------------------------------------------------------------

    def _on_scene(self, message: ros.Scene) -> None:
        if self._decided.is_set():
            return
        try:
            scene = conversions.scene_from_message(message, self._workspace)
            goal = goal_of(
                self._concepts,
                self._colours,
                self._weights,
                scene,
                self._workspace,
                self.parameters.tolerance_m,
            )
        except InvalidInput as error:
            self._diagnostics.refuse('scene', error)
            self._why_no_task = f'every scene was refused, the last because of {error}'
            return
        self._diagnostics.accept('scene')
        first = self._goal is None
        self._goal = goal
        if first:
            try:
                x, y = goal.place_m(goal.effector_m)
            except ValueError as error:  # of a sum, which no motion would bring about here
                self._decide(str(error))
                return
            self._diagnostics.set('scene', Level.OK, f'goal at {x:.3f}, {y:.3f} m')

    def _on_concept(self, message: ros.Concept) -> None:
        self._codes = message

    # Report thread ---------------------------------------------------------------------------

    def _watch(self) -> None:
        """Read the statuses and the joint state that have come since the last look."""
        for status, _ in self._statuses.messages():
            self._on_status(deserialize_message(status, ros.ControllerStatus))
        data = self._states.newest()
        if data is None:
            return
        try:
            sample = self._reading.sample(data)
        except InvalidInput as error:
            self._diagnostics.refuse('joint_states', error)
            return
        self._diagnostics.accept('joint_states')
        time_s = sample.stamp_ns / 1e9
        self._heard_states = True
        goal = self._goal
        if goal is None or self._began_s is None:
            return
        self._record.add(time_s, sample.positions_rad)
        effector_m = self._model.effector_in_base_m(sample.positions_rad)[:2]
        if self._judge.update(time_s, goal.distance_m(effector_m)):
            self._decide('success' + self._unseen())
        elif time_s - self._began_s - self._judge.unseen_s > self.parameters.timeout_s:
            self._decide(
                f'not reached within {self.parameters.timeout_s} s of simulated time'
                + self._unseen()
            )

    def _on_status(self, message: ros.ControllerStatus) -> None:
        if len(message.entity_ids) != len(message.attention):
            self._diagnostics.refuse(
                'status',
                f'controller/status.attention: {len(message.attention)} values for '
                f'{len(message.entity_ids)} entities',
            )
            return
        self._diagnostics.accept('status')
        self._status = message
        self._status_at_s = time.monotonic()
        if self._began_s is None and message.state == ros.ControllerStatus.TRACKING:
            self._began_s = conversions.stamp_to_ns(message.header.stamp) / 1e9
            self._diagnostics.set('run', Level.OK, f'began at {self._began_s:.3f} s')

    def _unseen(self) -> str:
        unseen_s = self._judge.unseen_s
        return f'; {unseen_s:.2f} s besides were not seen' if unseen_s else ''

    def _why_over(self) -> str:
        silence_s = self.parameters.silence_s
        is_silent = time.monotonic() - self._status_at_s > silence_s
        return f'controller/status has been silent for {silence_s} s' if is_silent else ''

    def _what_is_missing(self) -> str:
        if self._goal is None:
            return self._why_no_task
        if not self._heard_states:
            return 'no joint states came'
        if self._codes is None:
            return 'no concept came'
        if self._status is None:
            return 'no controller/status came'
        return f'the controller said: {self._status.reason}'

    def _report(self) -> dict[str, object]:
        judge, status = self._judge, self._status
        level = Level.OK if judge.success else Level.ERROR
        self._diagnostics.set('run', level, self._verdict)
        reach_time_s = None
        if judge.success and judge.reached_at_s is not None and self._began_s is not None:
            reach_time_s = round(max(judge.reached_at_s - self._began_s, 0.0), 4)
        attention = {}
        energy = math.nan
        if status is not None:
            energy = status.energy
            attention = {
                name: _finite(value, 4)
                for name, value in zip(status.entity_ids, status.attention, strict=True)
            }
        has_distance = self._goal is not None and self._goal.has_distance
        return {
            'success': judge.success,
            'distance_m': _finite(judge.distance_m, 5) if has_distance else None,
            'reach_time_s': reach_time_s,
            'energy': _finite(energy, 6),
            'attention': attention,
            'concept': SUM.join(self._names),
            'scene_seed': self.parameters.scene_seed,
        }

    def _draw(self, out_dir: Path, report: dict[str, object]) -> None:
        # Imported here: drawing needs torch and a renderer, judging neither.
        from ebm_concept_ros.nodes.referee_pictures import draw_run

        p = self.parameters
        goal = self._goal
        if goal is None or len(self._record) == 0:
            raise ValueError('there is nothing to draw: the run did not begin')
        name = f'reach_{"_".join(self._names)}_{p.scene_seed}'
        verdict = 'reached' if report['success'] else 'not reached'
        if goal.has_distance and math.isfinite(self._judge.distance_m):
            verdict += f', {self._judge.distance_m * 1e3:.1f} mm'
        files = draw_run(
            out_dir,
            name,
            self._arm,
            self._workspace,
            goal.named,
            self._codes,
            p.model_dir,
            self._record,
            goal.place_m(goal.effector_m) if goal.has_distance else None,
            f'{SUM.join(self._names)}, scene {p.scene_seed}: {verdict}',
            self._stop.is_set,
            niceness=0 if p.lockstep else 10,
        )
        if files.problem:
            self._diagnostics.set('report', Level.WARN, files.problem)
        else:
            self._diagnostics.set('report', Level.OK, f'{files.picture} and {files.video}')


def _finite(value: float, digits: int) -> float | None:
    """Return the rounded value, or None where JSON has no number for it."""
    return round(value, digits) if math.isfinite(value) else None


def main() -> int:
    """Run the node."""
    return run(Referee)


if __name__ == '__main__':
    sys.exit(main())
