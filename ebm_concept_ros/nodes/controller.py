# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `controller` (lifecycle): enacts the concept on the arm by torque MPC.

Configure loads arm, workspace and weights and refuses what does not fit; activate starts the
threads; deactivate stops them, and with them every torque. In real time three threads run beside
the executor: control (500 Hz, absolute deadline on the wall clock), planning and targeting (who
takes part, and the energy field, once per scene or concept); the control thread looks for joint
states itself, as to be woken for each costs more. In lockstep one thread does all of it in turn and
answers every joint state with just one command of the same stamp.

Times: a joint state's stamp is simulated time and so are plans; how old a state is, and when the
next torque is due, are questions of the wall clock. The node therefore needs no /clock.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.control.control_law import Decision
from ebm_concept_ros.control.control_threads import ControlThreads
from ebm_concept_ros.control.enactor import Enactor, goal_clock
from ebm_concept_ros.control.journal import NO_JOURNAL
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.control.target import require_one_actor
from ebm_concept_ros.control.targeting import Targeting
from ebm_concept_ros.control.tracking_controller import TrackingController
from ebm_concept_ros.field.making import FieldMaker, make_field
from ebm_concept_ros.field.obstacles import hand_radius_m
from ebm_concept_ros.nodes.controller_reports import ControllerReports
from ebm_concept_ros.nodes.controller_setup import (
    LIVE,
    REFUSE,
    ControllerParameters,
    Setup,
    declare_planner_settings,
    load_setup,
    retuned,
)
from ebm_concept_ros.nodes.effort_output import EffortOutput
from ebm_concept_ros.nodes.enact_action import EnactAction
from ebm_concept_ros.nodes.joint_state_input import JointStateInput
from ebm_concept_ros.nodes.joint_state_reader import JointStateReader
from ebm_concept_ros.nodes.live_parameters import on_change
from ebm_concept_ros.nodes.model_process import ModelProcess, TargetModel
from ebm_concept_ros.nodes.recording import Recording
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, declare
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.stops import Stops
from ebm_concept_ros.package_files import load_weights
from ebm_concept_ros.types import AnyConcept, JointSample
from ebm_core.world.scene import InvalidInput

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Controller(RunnableDefaults, LifecycleNode):
    """Converts messages, holds the inputs and runs the threads; `TrackingController` decides."""

    events_executor = True
    _states: JointStateInput | None = None  # there, before the node is made or could not be
    _enact: EnactAction | None = None

    def __init__(
        self,
        load_model: Callable[[str], TargetModel] = load_weights,
        make_field: FieldMaker = make_field,
    ) -> None:
        super().__init__('controller')
        self._load_model, self._make_field = load_model, make_field
        self.parameters = declare(self, ControllerParameters, LIVE)
        self._planner_settings = declare_planner_settings(self, self.parameters.planner)
        self._diagnostics = Diagnostics(self)
        self._undo: list[Callable[[], object]] = []  # of configure, first things first
        self._threads: ControlThreads | None = None
        self._recording: Recording | None = None
        self._reports: ControllerReports | None = None
        self._setup: Setup | None = None
        on_change(self, lambda: (self.parameters, self._planner_settings), self._retune)

    def start(self) -> None:
        """Configure and activate if the parameters say so."""
        if not self.parameters.autostart:
            self._diagnostics.set('state', Level.OK, 'unconfigured')
        elif self.trigger_configure() == _SUCCESS and self.trigger_activate() != _SUCCESS:
            self.get_logger().error('activation failed')

    def stop(self) -> None:
        """Stop every torque."""
        self._stop_threads()
        if self._enact is not None:
            self._enact.wait_until_told()

    def destroy_node(self) -> None:
        """Give all back that the middleware has given."""
        if self._states is not None:
            self._states.destroy()
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load arm, workspace and weights; subscribe."""
        p = self.parameters
        try:
            setup = self._setup = load_setup(p, self._planner_settings, self._load_model)
            self._controller = TrackingController(
                *(setup.arm, setup.planner, p.max_state_age_s),
                predict=not p.lockstep,
                period_s=p.period_s,
                on_contact=p.on_contact,
            )
            self._targeting = Targeting(
                *(setup.model, setup.workspace, self._controller, self._diagnostics, p.seed),
                hand_radius_m(setup.arm),
                p.goal_margin,
                self._make_field,
            )
            self._output = EffortOutput(self, p, setup.joint_names)
            reader = JointStateReader(
                p, setup.joint_names, lambda: self.get_clock().now().nanoseconds, p.lockstep
            )
        except Exception as error:  # of whatever is loaded: said here, where it can be mended
            self._setup = None
            return self._refused('unconfigured', error)
        self._diagnostics.refused = 0
        self._states = JointStateInput(
            self, p.lockstep, reader, self._diagnostics, self._on_joint_state
        )
        clock_s = goal_clock(self._controller, p.lockstep)
        enactor = Enactor(self._controller, self._targeting, clock_s)
        self._enact = EnactAction(
            *(self, enactor, self._checked, lambda: self._threads is not None),
            *(self._diagnostics, p.second_goal == REFUSE, p.learner_timeout_s),
        )
        stops = Stops(self, enactor, self._enact.stop)
        self._reports = ControllerReports(
            *(self, p, lambda: self._setup, self._controller, self._diagnostics, self._enact.tick)
        )
        topics = [(ros.Scene, 'scene', self._on_scene)]
        if p.follow_topic:
            topics.append((ros.Concept, 'concept', self._on_concept))
        subscriptions = [
            self.create_subscription(*topic, **qos.overridable(qos.LATCHED)) for topic in topics
        ]
        self._undo = [
            self._states.destroy,
            *(lambda s=s: self.destroy_subscription(s) for s in subscriptions),
            stops.destroy,
            self._enact.destroy,
            self._reports.destroy,
            self._output.destroy,
        ]
        self._diagnostics.set('state', Level.OK, f'inactive, weights {setup.model.sha256[:12]}')
        return _SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start from the next measured state."""
        try:
            recording = Recording.of(self.parameters, self._setup, self._diagnostics)
        except Exception as error:  # of a folder, or of the arm's files
            return self._refused('inactive', error)
        if (result := super().on_activate(state)) != _SUCCESS:
            return result
        self._recording = recording
        self._controller.restart(self._recording.log if self._recording else NO_JOURNAL)
        self._states.forget()
        self._threads = ControlThreads(
            *(self.parameters, self._controller, self._targeting),
            *(self._states.look, self._act, self._reports.failed, self._reports.scheduled),
        )
        self._reports.threads = self._threads
        gc.freeze()  # what is loaded stays, and need not be looked through beside the loops
        self._threads.start()
        return _SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop every torque; the simulator, or the arm's own brakes, hold."""
        ended = self._stop_threads()
        self._diagnostics.set('state', Level.OK, 'inactive')
        if not ended:  # a second set of threads must not share its planner
            self.get_logger().error('a thread has not ended; configure again')
            return TransitionCallbackReturn.ERROR
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget everything that was received and loaded."""
        self._undo_configure()
        return _SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop, from whatever state."""
        self._stop_threads()
        self._undo_configure()
        return _SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Fall back to unconfigured, without torque."""
        self._stop_threads()
        self._undo_configure()
        return _SUCCESS

    def _retune(self, p: ControllerParameters, planner_settings: dict[str, object]) -> None:
        """Take what is live in the parameters; raises InvalidParameter."""
        if self._recording is not None:
            raise InvalidParameter('record_dir is set: a run that is changed cannot be replayed')
        if self._setup is not None:
            setup = self._setup = retuned(self._setup, p, planner_settings)
            self._controller.retune(setup.arm, setup.planner, p.max_state_age_s, p.on_contact)
            self._targeting.set_workspace(setup.workspace)
        self.parameters, self._planner_settings = p, planner_settings

    def _refused(self, former: str, error: Exception) -> TransitionCallbackReturn:
        reason = str(error) if isinstance(error, ValueError) else repr(error)
        self._diagnostics.set('state', Level.ERROR, f'{former}: {reason}')
        return _FAILURE

    def _undo_configure(self) -> None:
        for undo in self._undo:
            undo()
        self._undo, self._setup, self._reports = [], None, None
        self._diagnostics.set('state', Level.OK, 'unconfigured')

    def _stop_threads(self) -> bool:
        """Return whether all have ended."""
        threads, self._threads = self._threads, None
        ended = threads is None or threads.stop()
        if threads is not None:
            gc.unfreeze()  # with what was imported, which later collections look through
            self._enact.end_all('the controller was deactivated')
        if self._reports is not None:
            self._reports.stopped()
        recording, self._recording = self._recording, None
        if threads is not None and recording is not None:
            recording.save(threads.timing.record())
        return ended

    # Executor thread -------------------------------------------------------------------------

    def _on_scene(self, message: ros.Scene) -> None:
        try:
            scene = conversions.scene_from_message(message, self._setup.workspace)
            require_one_actor(scene)
        except InvalidInput as error:
            self._diagnostics.refuse('scene', error)
            return
        self._diagnostics.accept('scene')
        self._targeting.set_scene(scene)

    def _on_concept(self, message: ros.Concept) -> None:
        try:
            concept = self._checked(message)
            if self.parameters.second_goal == REFUSE and self._enact.is_busy:
                raise InvalidInput(f'concept: {concept.name!r} came while a goal is active')
        except InvalidInput as error:
            self._diagnostics.refuse('concept', error)
            return
        self._diagnostics.accept('concept')
        self._enact.follow(concept)

    def _checked(self, message: ros.Concept) -> AnyConcept:
        model = self._setup.model
        return conversions.concept_from_message(message, model.sha256, model.code_size)

    def _on_joint_state(self, sample: JointSample, arrived_s: float | None) -> None:
        """Take a state, in the control thread; in lockstep in the executor's."""
        self._controller.on_state(sample, arrived_s)
        threads = self._threads  # which the main thread may be ending
        if threads is not None:
            threads.answer(sample)

    # The controller's own threads ------------------------------------------------------------

    def _act(self, decision: Decision) -> None:
        if decision.effort_nm is not None:
            self._output.publish(decision)
        self._reports.decided(decision)


def run_beside(process: ModelProcess) -> int:
    """Run the node beside the process of its model, and end both."""

    def controller() -> Controller:
        return Controller(process.load, process.make_field)

    try:
        return run(controller)
    finally:
        process.end()


def main() -> int:
    """Run the node; `controller_start` has the process of its model begin sooner."""
    return run_beside(ModelProcess())


if __name__ == '__main__':
    sys.exit(main())
