# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the controller says of itself: how it does, in its turn, and every change for itself.

All is published by the executor's thread; the control thread only says what has changed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode

import ebm_concept_ros.msg as ros
from ebm_concept_ros.control.control_law import Decision, Mode
from ebm_concept_ros.control.control_threads import ControlThreads
from ebm_concept_ros.control.measured import Measured, measured
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.control.timing import timing_numbers
from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.controller_setup import ControllerParameters, Setup
from ebm_concept_ros.nodes.intentions import Intentions
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.status import status_message
from ebm_concept_ros.planning.plan_model import PlanModel

NOT_ACTIVE = Decision(Mode.WAITING, 'not active')
_TIMING_PERIOD_S, _TIMING_WINDOW_S = 1.0, 10.0
LEVELS = {
    Mode.WAITING: Level.OK,
    Mode.HOLDING: Level.WARN,
    Mode.TRACKING: Level.OK,
    Mode.FAULT: Level.ERROR,
}


class ControllerReports:
    """Statuses, diagnostics and intentions of one configuration.

    threads: those at work now, which this is told, or None.
    """

    def __init__(
        self,
        node: LifecycleNode,
        p: ControllerParameters,
        setup: Callable[[], Setup],
        controller: TrackingController,
        diagnostics: Diagnostics,
        observe: Callable[[Decision, Measured], None],
    ) -> None:
        """setup: as it is now. observe: is told how the controller does, as often as statuses."""
        self.threads: ControlThreads | None = None
        self._node, self._parameters, self._setup = node, p, setup
        self._controller, self._diagnostics, self._observe = controller, diagnostics, observe
        self._decision = self._said = NOT_ACTIVE
        self._changes: deque[Decision] = deque(maxlen=1000)  # not yet in a status of their own
        self._model = PlanModel(setup().arm, setup().planner.config.step_s)
        self._intentions = Intentions(node, setup().arm.joint_names, p.plan_view_rate)
        self._publisher = node.create_publisher(
            ros.ControllerStatus, 'controller/status', **qos.overridable(qos.STATUS)
        )
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timers = [
            node.create_timer(period_s, report, clock=steady)
            for period_s, report in (
                (1.0 / p.status_rate, self._report_status),
                (_TIMING_PERIOD_S, self._report_timing),
            )
        ]

    def destroy(self) -> None:
        """Report no more, nor what a task that is queued would yet say."""
        self._changes.clear()
        for timer in self._timers:
            self._node.destroy_timer(timer)
        self._intentions.destroy()
        self._node.destroy_publisher(self._publisher)

    # For any thread --------------------------------------------------------------------------

    def decided(self, decision: Decision) -> None:
        """Take what was decided, in the control thread; a change is said at once."""
        before, self._decision = self._decision, decision
        if _differ(before, decision):
            self._report_change(decision)

    def failed(self, thread: str, error: Exception) -> None:
        """Take that a thread has ended; it has the last word."""
        self._decision = Decision(Mode.FAULT, f'{thread}: {name_and_reason(error)}')
        self._report_change(self._decision)

    def scheduled(self, how: str) -> None:
        """Take how the system runs the control thread."""
        self._diagnostics.set('scheduling', Level.OK, f'the control thread: {how}')

    def stopped(self) -> None:
        """Take that the controller is not active any more."""
        self.threads = None
        self._decision = NOT_ACTIVE
        self._changes.append(NOT_ACTIVE)

    def _report_change(self, decision: Decision) -> None:
        """Say it on /diagnostics, and in a status of its own, however short it lasts."""
        self._diagnostics.set('state', LEVELS[decision.mode], decision.reason)
        self._changes.append(decision)
        # In the executor's thread, as all that is published but torques.
        self._node.executor.create_task(self._publish_changes)

    # Executor thread -------------------------------------------------------------------------

    def _report_status(self) -> None:
        self._publish_changes()
        decision, known = self._decision, self._measured()
        if not _differ(decision, self._said):  # or else it is a change, and is said in its turn
            self._publish(decision, known)
        self._observe(decision, known)
        plan = self._controller.plan if decision.mode is Mode.TRACKING else None
        workspace = self._setup().workspace
        self._intentions.publish(known.target, plan, workspace, decision.stamp_ns)

    def _measured(self) -> Measured:
        return measured(self._controller, self._model, self._setup().workspace)

    def _publish_changes(self) -> None:
        while self._changes:
            self._said = self._changes.popleft()
            self._publish(self._said, self._measured())

    def _publish(self, decision: Decision, known: Measured) -> None:
        frame = self._setup().workspace.base_frame
        message = status_message(self._controller, decision, known, frame)
        threads = self.threads
        message.missed_deadlines = 0 if threads is None else threads.missed_deadlines
        message.refused_inputs = self._diagnostics.refused
        self._publisher.publish(message)

    def _report_timing(self) -> None:
        threads, p = self.threads, self._parameters
        if threads is None or p.lockstep:
            return
        newest = round(_TIMING_WINDOW_S * max(p.control_rate, p.plan_rate))
        recent = threads.timing.record(newest).since(time.monotonic() - _TIMING_WINDOW_S)
        numbers = timing_numbers([recent], 1.0 / p.control_rate)
        known = {name: f'{value:.6g}' for name, value in numbers.items() if value is not None}
        self._diagnostics.set(
            'timing', Level.OK, f'of the last {_TIMING_WINDOW_S:g} s with torques', **known
        )


def _differ(one: Decision, other: Decision) -> bool:
    return one.mode is not other.mode or one.reason != other.reason
