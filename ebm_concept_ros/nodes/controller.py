"""Node `controller` (lifecycle): enacts the concept on the arm by torque MPC.

Configure loads arm, workspace and weights and refuses what does not fit; activate starts the
threads; deactivate stops them, and with them every torque. In real time three threads run beside
the executor: control (500 Hz, absolute deadline on the wall clock), planning and targeting (who
takes part, and the energy field, once per scene or concept). In lockstep one thread does all of it
in turn and answers every joint state with just one command of the same stamp.

Times: a joint state's stamp is simulated time and so are plans; how old a state is, and when the
next torque is due, are questions of the wall clock. The node therefore needs no /clock.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from pydantic import Field
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.control.enactor import Decision, Enactor, Mode
from ebm_concept_ros.control.pacing import Pacer
from ebm_concept_ros.control.target import require_one_actor
from ebm_concept_ros.mpc.ilqg import IlqgPlanner
from ebm_concept_ros.mpc.plan_model import PlanModel
from ebm_concept_ros.nodes import qos
from ebm_concept_ros.nodes.diagnostics import Diagnostics, Level
from ebm_concept_ros.nodes.parameters import ConfigurationError, Parameters, declare
from ebm_concept_ros.nodes.resources import (
    load_arm_parameter,
    load_weights,
    load_workspace_parameter,
)
from ebm_concept_ros.nodes.running import RunnableDefaults, run
from ebm_concept_ros.nodes.status import status_message
from ebm_concept_ros.nodes.targeting import Targeting
from ebm_core.scene import InvalidInput

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
_JOIN_TIMEOUT_S = 5.0
_IDLE_S = 0.1
_LEVELS = {
    Mode.WAITING: Level.OK,
    Mode.HOLDING: Level.WARN,
    Mode.TRACKING: Level.OK,
    Mode.FAULT: Level.ERROR,
}


class ControllerParameters(Parameters):
    """Parameters of the controller."""

    model_dir: str = Field('', description='folder of the weights; empty: those of the package')
    arm_config: str = Field('', description='YAML of the arm; empty: the Jaco')
    workspace_config: str = Field('', description="YAML of the workspace; empty: the package's")
    autostart: bool = Field(True, description='configure and activate without being asked')
    lockstep: bool = Field(False, description='answer every joint state, plan in between')
    control_rate: float = Field(500.0, ge=50.0, le=2000.0, description='torque commands, Hz')
    plan_rate: float = Field(100.0, ge=1.0, le=500.0, description='plans at most, Hz')
    lockstep_plan_ticks: int = Field(
        5, ge=1, le=1000, description='in lockstep, joint states from one plan to the next'
    )
    status_rate: float = Field(50.0, ge=1.0, le=500.0, description='controller/status, Hz')
    max_state_age_s: float = Field(
        0.05, ge=0.005, le=1.0, description='age at which a joint state is not acted on, s'
    )
    seed: int = Field(0, ge=0, description='of the noise in identification')


class Controller(RunnableDefaults, LifecycleNode):
    """Converts messages, holds the inputs and runs the threads; `Enactor` decides."""

    def __init__(self) -> None:
        super().__init__('controller')
        self.parameters = declare(self, ControllerParameters)
        self._diagnostics = Diagnostics(self)
        self._undo: list[Callable[[], object]] = []  # of configure, first things first
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._input = threading.Condition()  # guards _unanswered
        self._unanswered: conversions.JointSample | None = None
        self._decision = Decision(Mode.WAITING, 'not active')
        self._missed_deadlines = 0

    def start(self) -> None:
        """Configure and activate if the parameters say so."""
        if (
            self.parameters.autostart
            and self.trigger_configure() == _SUCCESS
            and self.trigger_activate() != _SUCCESS
        ):
            self.get_logger().error('activation failed')

    def stop(self) -> None:
        """Stop every torque."""
        self._stop_threads()

    # Lifecycle -------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load arm, workspace and weights; subscribe."""
        p = self.parameters
        try:
            self._arm = load_arm_parameter(p.arm_config)
            self._workspace = load_workspace_parameter(p.workspace_config)
            self._model = load_weights(p.model_dir)
            planner = IlqgPlanner(self._arm, self._workspace)
            self._enactor = Enactor(self._arm, planner, p.max_state_age_s, predict=not p.lockstep)
            self._targeting = Targeting(
                self._model, self._workspace, self._enactor, self._diagnostics, p.seed
            )
            self._status_model = PlanModel(self._arm, planner.config.step_s)
        except (ConfigurationError, ValueError) as error:
            self._diagnostics.set('state', Level.ERROR, f'unconfigured: {error}')
            return _FAILURE
        self._diagnostics.refused = 0
        self._command_publisher = self.create_lifecycle_publisher(
            JointState, 'joint_effort_commands', qos.COMMANDS
        )
        self._status_publisher = self.create_publisher(
            ros.ControllerStatus, 'controller/status', qos.STATUS
        )
        subscriptions = [
            self.create_subscription(ros.Scene, 'scene', self._on_scene, qos.LATCHED),
            self.create_subscription(ros.Concept, 'concept', self._on_concept, qos.LATCHED),
            self.create_subscription(
                JointState,
                'joint_states',
                self._on_joint_state,
                qos.JOINT_STATES_LOCKSTEP if p.lockstep else qos.JOINT_STATES_REAL_TIME,
            ),
        ]
        timer = self.create_timer(
            1.0 / p.status_rate,
            self._publish_status,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        self._undo = [
            *(lambda s=s: self.destroy_subscription(s) for s in subscriptions),
            lambda: self.destroy_timer(timer),
            lambda: self.destroy_publisher(self._status_publisher),
            lambda: self.destroy_lifecycle_publisher(self._command_publisher),
        ]
        self._diagnostics.set('state', Level.OK, f'inactive, weights {self._model.sha256[:12]}')
        return _SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start from the next measured state."""
        result = super().on_activate(state)
        if result != _SUCCESS:
            return result
        self._enactor.restart()
        self._unanswered = None
        self._missed_deadlines = 0
        self._stop.clear()
        loops = (
            {'lockstep': self._lockstep_loop}
            if self.parameters.lockstep
            else {
                'targeting': self._targeting_loop,
                'planning': self._planning_loop,
                'control': self._control_loop,
            }
        )
        self._threads = [
            threading.Thread(target=self._guarded, args=(loop,), name=name, daemon=True)
            for name, loop in loops.items()
        ]
        for thread in self._threads:
            thread.start()
        return _SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop every torque; the simulator, or the arm's own brakes, hold."""
        self._stop_threads()
        self._decision = Decision(Mode.WAITING, 'not active')
        self._diagnostics.set('state', Level.OK, 'inactive')
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

    def _undo_configure(self) -> None:
        for undo in self._undo:
            undo()
        self._undo = []
        self._diagnostics.set('state', Level.OK, 'unconfigured')

    def _stop_threads(self) -> None:
        self._stop.set()
        with self._input:
            self._input.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_TIMEOUT_S)
        self._threads = []

    # Executor thread -------------------------------------------------------------------------

    def _on_scene(self, message: ros.Scene) -> None:
        try:
            scene = conversions.scene_from_message(message, self._workspace)
            require_one_actor(scene)
        except InvalidInput as error:
            self._diagnostics.refuse('scene', error)
            return
        self._diagnostics.accept('scene')
        self._targeting.set_scene(scene)

    def _on_concept(self, message: ros.Concept) -> None:
        try:
            concept = conversions.concept_from_message(
                message, self._model.sha256, self._model.code_size
            )
        except InvalidInput as error:
            self._diagnostics.refuse('concept', error)
            return
        self._diagnostics.accept('concept')
        self._targeting.set_concept(concept)

    def _on_joint_state(self, message: JointState) -> None:
        try:
            sample = conversions.joint_state_from_message(message, self._arm.joint_names)
        except InvalidInput as error:
            self._diagnostics.refuse('joint_states', error)
            return
        self._diagnostics.accept('joint_states')
        self._enactor.on_state(sample)
        if self.parameters.lockstep:
            with self._input:
                self._unanswered = sample
                self._input.notify_all()

    def _publish_status(self) -> None:
        message = status_message(self._enactor, self._decision, self._status_model, self._workspace)
        message.missed_deadlines = self._missed_deadlines
        message.refused_inputs = self._diagnostics.refused
        self._status_publisher.publish(message)

    # The controller's own threads ------------------------------------------------------------

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except Exception as error:  # no torque comes from an unknown state; the simulator holds
            name = threading.current_thread().name
            self._stop.set()
            self._decision = Decision(Mode.FAULT, f'{name}: {type(error).__name__}: {error}')
            self._diagnostics.set('state', Level.ERROR, self._decision.reason)

    def _control_loop(self) -> None:
        pacer = Pacer(1.0 / self.parameters.control_rate)
        while not self._stop.is_set():
            pacer.wait()
            self._missed_deadlines = pacer.missed
            self._act(self._enactor.decide(time.monotonic()))

    def _planning_loop(self) -> None:
        pacer = Pacer(1.0 / self.parameters.plan_rate)
        planned_from = None
        while not self._stop.is_set():
            pacer.wait()
            state = self._enactor.state
            if state is not planned_from:
                planned_from = state
                self._enactor.replan()

    def _targeting_loop(self) -> None:
        while not self._stop.is_set():
            self._targeting.wait(_IDLE_S)
            self._targeting.update()

    def _lockstep_loop(self) -> None:
        answered: Decision | None = None
        ticks = 0
        while not self._stop.is_set():
            with self._input:
                self._input.wait_for(
                    lambda: self._stop.is_set() or self._unanswered is not None, timeout=_IDLE_S
                )
                sample, self._unanswered = self._unanswered, None
            if sample is None or self._stop.is_set():
                continue
            if answered is not None and answered.stamp_ns == sample.stamp_ns:
                self._act(answered)  # the state was sent again: so is its answer
                continue
            self._targeting.update()
            if ticks % self.parameters.lockstep_plan_ticks == 0 or self._enactor.plan is None:
                self._enactor.replan()
            decision = self._enactor.decide(time.monotonic())
            self._act(decision)
            # Without a torque the state stays unanswered, and the simulator sends it again: time
            # begins when scene and concept are there.
            if decision.effort_nm is not None:
                answered = decision
                ticks += 1

    def _act(self, decision: Decision) -> None:
        if decision.effort_nm is not None and not self._stop.is_set():
            self._command_publisher.publish(
                conversions.effort_to_message(
                    self._arm.joint_names, decision.effort_nm, decision.stamp_ns
                )
            )
        before, self._decision = self._decision, decision
        if before.mode != decision.mode or before.reason != decision.reason:
            self._diagnostics.set('state', _LEVELS[decision.mode], decision.reason)


def main() -> int:
    """Run the node."""
    return run(Controller)


if __name__ == '__main__':
    sys.exit(main())
