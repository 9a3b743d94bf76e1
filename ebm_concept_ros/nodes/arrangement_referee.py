# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `arrangement_referee`: asks for an arrangement, judges what came of it, and leaves a record.

It gives the arranger the goal as soon as the concept was learned and the arranger is active. It
goes by the concept's definition, not by the learned energy, and by where blocks are on `scene`: in
the end the concept holds of those who were to be moved, all is at rest and upright, and nobody else
was moved by a centimetre. It writes `result.json` and a picture into `out_dir`, prints the result
as one JSON line and ends with status 0 only on success.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field
from rclpy.action import ActionClient
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros.action import ArrangeConcept
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.conversions.blocks import BlockReader
from ebm_concept_ros.conversions.serialised_joints import JointSampleReading
from ebm_concept_ros.grasping.hand import with_live_fingers
from ebm_concept_ros.grasping.sensed import SeenBlocks
from ebm_concept_ros.nodes.judging import POLL_S, JudgingNode
from ebm_concept_ros.nodes.managed_peer import ACTIVE, ManagedPeer
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.parameters import Parameters
from ebm_concept_ros.nodes.runtime.polled import PolledSubscription
from ebm_concept_ros.nodes.runtime.resources import (
    load_arm_parameter,
    load_hand_parameter,
    load_workspace_parameter,
)
from ebm_concept_ros.nodes.runtime.running import run
from ebm_concept_ros.nodes.runtime.texts import ARM, FILE, FOLDER, HAND, one_of
from ebm_concept_ros.nodes.task_parameters import Colour, TaskParameters, requested_arrangement
from ebm_concept_ros.oracle.arrangement_judge import ArrangementJudge
from ebm_concept_ros.oracle.arrangements import ARRANGEMENTS
from ebm_core.world.scene import InvalidInput

_AT_REST_S = 0.5  # simulated, that the end is watched


class ArrangementRefereeParameters(Parameters):
    """Parameters of the arrangement referee."""

    concept: Annotated[str, one_of(*ARRANGEMENTS)] = Field(
        'square', description='name of the arrangement that is asked for'
    )
    reference_colour: Colour = Field('blue', description='colour of what the concept refers to')
    scene_seed: int = Field(1, ge=0, description='only repeated in the result')
    tolerance_m: float = Field(
        0.02, ge=0.001, le=0.5, description='by which the concept may be missed, m'
    )
    timeout_s: float = Field(300.0, ge=1.0, le=36000.0, description='to arrange, s simulated')
    wall_timeout_s: float = Field(
        900.0, ge=1.0, le=36000.0, description='for the whole run, s on the wall clock'
    )
    out_dir: Annotated[str, FOLDER] = Field('out', description='folder for result.json and picture')
    render: bool = Field(True, description='draw the picture')
    lockstep: bool = Field(False, description='drawing need not leave time for a real-time loop')
    arm: Annotated[str, ARM] = Field(
        'jaco', description='name of a shipped arm, or the YAML of another'
    )
    hand: Annotated[str, HAND] = Field(
        'jaco', description='name of a shipped hand, or the YAML of another'
    )
    robot_description: str = Field(
        '', description='URDF of an arm whose YAML has model: robot_description'
    )
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )


class ArrangementReferee(JudgingNode):
    """Asks once, watches, judges, and reports."""

    def __init__(self) -> None:
        super().__init__('arrangement_referee', ArrangementRefereeParameters)
        p = self.parameters
        task = TaskParameters(concept=p.concept, reference_colour=p.reference_colour)
        concept = requested_arrangement(task)
        self._workspace = load_workspace_parameter(p.workspace_config)
        self._judge = ArrangementJudge(concept, p.reference_colour, self._workspace)
        self._arm = load_arm_parameter(p.arm, p.robot_description)
        self._hand = load_hand_parameter(p.hand)
        self._joint_names = with_live_fingers(self._arm, self._hand).joint_names
        self._blocks = BlockReader(self._workspace)
        self._first: SeenBlocks | None = None
        self._last: SeenBlocks | None = None
        self._joints: list[np.ndarray] = []  # the first, and the last
        self._is_known = self._is_asked = False
        self._missing = 'no scene came'
        self._result: ArrangeConcept.Result | None = None
        self._ended_ns = 0
        for kind, topic, take in (
            (ros.Scene, 'scene', self._on_scene),
            (ros.Concept, 'concept', self._on_concept),
        ):
            self.create_subscription(kind, topic, take, **qos.overridable(qos.LATCHED))
        self._reading = JointSampleReading(self._joint_names)
        self._states = PolledSubscription(
            self, JointState, 'joint_states', qos.JOINT_STATES_REAL_TIME
        )
        self._polled = (self._states,)
        self._goals = ActionClient(self, ArrangeConcept, 'arranger/arrange')
        self._arranger = ManagedPeer(self, 'arranger', p.wall_timeout_s, self._decided)
        self.create_timer(POLL_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    # Executor thread -------------------------------------------------------------------------

    def _on_scene(self, message: ros.Scene) -> None:
        if self._decided.is_set():
            return
        try:
            seen = self._blocks.read(message)
        except InvalidInput as error:
            self._diagnostics.refuse('scene', error)
            return
        self._diagnostics.accept('scene')
        self._first, self._last = self._first or seen, seen
        if self._result is not None and seen.stamp_ns >= self._ended_ns + _AT_REST_S * 1e9:
            self._decide('')

    def _on_concept(self, message: ros.Concept) -> None:
        self._is_known |= message.name == self.parameters.concept

    def _look(self) -> None:
        data = self._states.newest()
        if data is not None:
            self._read(data)
        if self._is_asked or self._first is None:
            return
        self._missing = f'{self.parameters.concept} was not learned'
        if self._is_known:
            self._missing = 'no arranger came'
            if self._goals.server_is_ready():
                # It offers the action from before it is active, when it would refuse the goal.
                self._missing = 'the arranger is not active'
                if self._arranger.state == ACTIVE:
                    self._ask()
                else:
                    self._arranger.ask()

    def _read(self, data: bytes) -> None:
        try:
            sample = self._reading.sample(data)
        except InvalidInput as error:
            self._diagnostics.refuse('joint_states', error)
            return
        self._joints = [*self._joints[:1], sample.positions_rad]

    def _ask(self) -> None:
        p = self.parameters
        self._is_asked, self._missing = True, 'the arranger did not answer'
        goal = ArrangeConcept.Goal(concepts=[p.concept], timeout_s=p.timeout_s)
        asked = self._goals.send_goal_async(goal, self._on_feedback)
        asked.add_done_callback(
            lambda future: future.result().get_result_async().add_done_callback(self._on_result)
        )

    def _on_feedback(self, message: object) -> None:
        self._missing = message.feedback.reason

    def _on_result(self, future: object) -> None:
        result = self._result = future.result().result
        self._ended_ns = self._last.stamp_ns
        level = Level.OK if result.code == result.ARRANGED else Level.ERROR
        self._diagnostics.set('run', level, result.message)
        if level is not Level.OK:
            self._decide('')

    # Report thread ---------------------------------------------------------------------------

    def _what_is_missing(self) -> str:
        return self._missing

    def _report(self) -> dict[str, object]:
        p, result = self.parameters, self._result
        why_not, off_m = self._verdict, None
        if self._first is not None:
            off_m = self._judge.off_m(self._last)
            off_m = round(off_m, 5) if math.isfinite(off_m) else None  # JSON has no infinity
        if result is not None and not why_not:
            if result.code != result.ARRANGED:
                why_not = result.message or f'the arranger ended with code {result.code}'
            why_not = why_not or self._judge.why_not(self._first, self._last, p.tolerance_m)
        return {
            'success': result is not None and not why_not,
            'reason': why_not,
            'off_m': off_m,
            'moved': [] if result is None else list(result.moved),
            'troubles': [] if result is None else list(result.troubles),
            'time_s': None if result is None else round(result.duration_s, 3),
            'concept': p.concept,
            'scene_seed': p.scene_seed,
        }

    def _draw(self, out_dir: Path, report: dict[str, object]) -> None:
        # Imported here: judging needs no renderer.
        from ebm_concept_ros.report.arrangement_report import ArrangementJob
        from ebm_concept_ros.report.run_report import drawn_elsewhere

        p, first, last = self.parameters, self._first, self._last
        if first is None or first.table.ids != last.table.ids or not self._joints:
            raise ValueError('there is nothing to draw, or not the same blocks in the end')
        picture = out_dir.absolute() / f'arrange_{p.concept}_{p.scene_seed}.png'
        number = len(report['moved'])
        came = f'{1e3 * report["off_m"]:.1f} mm off' if report['success'] else report['reason']
        job = ArrangementJob(
            *(picture, self._arm, self._hand, self._workspace, self._judge.coloured(first)),
            *(first.poses, last.poses, np.stack([self._joints[0], self._joints[-1]])),
            (f'{p.concept}, scene {p.scene_seed}: before', f'{number} moved: {came}'),
            niceness=0 if p.lockstep else 10,
        )
        if problem := drawn_elsewhere(job, self._stop.is_set):
            self._diagnostics.set('report', Level.WARN, problem)
        else:
            self._diagnostics.set('report', Level.OK, f'{picture}')


def main() -> int:
    """Run the node."""
    return run(ArrangementReferee)


if __name__ == '__main__':
    sys.exit(main())
