# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The action `arrange`: the learner says what was demonstrated, the arm brings it about.

Every goal is accepted and those that are refused end at once: a rejection in ROS 2 has no words.
The learner is asked while what was done before goes on; only a good answer takes its place.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rclpy.action import CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future

import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.action import ArrangeConcept
from ebm_concept_ros.grasping.arranging_arm import ArrangingArm
from ebm_concept_ros.grasping.tasks import Code, Progress, Result, Task, Term
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.goal_server import GoalServer
from ebm_concept_ros.nodes.runtime.questions import Questions
from ebm_concept_ros.types import CompositionRequest
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput

# A learner that has just come may not have discovered yet who asks: then its answer is lost.
_ASK_AGAIN_S, _TOLD_WITHIN_S = 2.0, 1.0
_ENDS_WELL = (Code.ARRANGED, Code.CANCELLED, Code.PREEMPTED)


@dataclass(eq=False)
class _Goal:
    """A goal that has not ended. terms: what the learner has answered. task: once that is all."""

    handle: ServerGoalHandle
    request: CompositionRequest
    timeout_s: float
    ended: Future
    gives_up_at_s: float
    asked_at_s: float = -math.inf
    terms: list[Term] = field(default_factory=list)
    task: Task | None = None


class ArrangeAction:
    """Serves the action; all is called by the executor's thread.

    arm: what carries out, None while the node is not active.
    """

    def __init__(
        self,
        node: Node,
        workspace: Workspace,
        arm: Callable[[], ArrangingArm | None],
        diagnostics: Diagnostics,
        learner_timeout_s: float,
    ) -> None:
        self._node, self._workspace, self._arm = node, workspace, arm
        self._diagnostics = diagnostics
        self._learner_timeout_s = learner_timeout_s
        self._waiting: _Goal | None = None  # for the learner's answer
        self._pursued: _Goal | None = None
        self._questions = Questions()  # of the goal that waits
        self._concepts = node.create_client(srv.GetConcept, 'concept_learner/get_concept')
        self._shown = node.create_client(
            srv.ListDemonstrations, 'concept_learner/list_demonstrations'
        )
        self._server = GoalServer(node, ArrangeConcept, '~/arrange', self._execute, self._cancel)

    def destroy(self) -> None:
        """Offer it no more, once the goals that have ended are told so."""
        self._server.destroy()
        self._node.destroy_client(self._concepts)
        self._node.destroy_client(self._shown)

    def wait_until_told(self) -> None:
        """Return once whoever had a goal knows its end; by another thread than the executor's."""
        self._server.wait_until_told(_TOLD_WITHIN_S)

    def tick(self, progress: Progress) -> None:
        """Ask the learner where it is time, and give feedback."""
        if self._waiting is not None:
            self._ask(self._waiting)
        if self._pursued is not None:
            self._pursued.handle.publish_feedback(_feedback(progress))

    def end_waiting(self, code: Code, reason: str) -> None:
        """End a goal that has not begun."""
        waiting, self._waiting = self._waiting, None
        self._questions.forget()
        if waiting is not None:
            waiting.ended.set_result(Result(code, reason))

    async def _execute(self, handle: ServerGoalHandle) -> ArrangeConcept.Result:
        ended = Future()
        try:
            self._begin(handle, ended)
        except InvalidInput as error:
            ended.set_result(Result(Code.INVALID_GOAL, str(error)))
        result: Result = await ended
        if self._pursued is not None and self._pursued.handle == handle:
            self._pursued = None
        if result.code in _ENDS_WELL:
            self._diagnostics.accept('arrange')
        else:
            self._diagnostics.refuse('arrange', result.message)
        match result.code:
            case Code.ARRANGED:
                handle.succeed()
            case Code.CANCELLED:
                handle.canceled()
            case _:
                handle.abort()
        return ArrangeConcept.Result(
            code=int(result.code),
            message=result.message,
            moved=list(result.moved),
            troubles=list(result.troubles),
            duration_s=result.duration_s,
        )

    def _begin(self, handle: ServerGoalHandle, ended: Future) -> None:
        request, timeout_s = conversions.arrange_goal_from_message(handle.request)
        if self._arm() is None:
            ended.set_result(Result(Code.STOPPED, 'the arranger is not active'))
            return
        self.end_waiting(Code.PREEMPTED, 'another goal took its place')
        gives_up_at_s = time.monotonic() + self._learner_timeout_s
        self._waiting = _Goal(handle, request, timeout_s, ended, gives_up_at_s)
        self._ask(self._waiting)

    def _ask(self, goal: _Goal) -> None:
        """Ask the learner, again where an answer may be lost; or give up."""
        now_s = time.monotonic()
        if now_s > goal.gives_up_at_s:
            self.end_waiting(
                Code.NO_LEARNER,
                f'{self._concepts.srv_name}: no answer within {self._learner_timeout_s:g} s',
            )
        elif now_s > goal.asked_at_s + _ASK_AGAIN_S and self._concepts.service_is_ready():
            goal.asked_at_s = now_s
            # What is in the library alone is loaded by that, with its demonstrations.
            names, weights = list(goal.request.concepts), list(goal.request.weights)
            self._questions.ask(
                self._concepts,
                srv.GetConcept.Request(concepts=names, weights=weights),
                lambda answer: self._is_known(goal, answer),
            )

    def _is_known(self, goal: _Goal, answer: srv.GetConcept.Response) -> None:
        if goal is not self._waiting:
            return  # it was cancelled, or another goal took its place
        if not answer.success:
            self.end_waiting(Code.UNKNOWN_CONCEPT, answer.message)
            return
        self._ask_for_the_next(goal)

    def _ask_for_the_next(self, goal: _Goal) -> None:
        """Ask what the first concept that has no demonstrations yet was taught by."""
        name = goal.request.concepts[len(goal.terms)]
        self._questions.ask(
            self._shown,
            srv.ListDemonstrations.Request(name=name),
            lambda answer: self._was_shown(goal, name, answer),
        )

    def _was_shown(self, goal: _Goal, name: str, answer: srv.ListDemonstrations.Response) -> None:
        arm, request = self._arm(), goal.request
        number = len(goal.terms)
        if goal is not self._waiting or arm is None or name != request.concepts[number]:
            return
        try:
            if not answer.success:
                raise InvalidInput(answer.message)
            shown = tuple(
                conversions.demonstration_from_message(message, self._workspace).demonstration
                for message in answer.demonstrations
            )
        except InvalidInput as error:
            self.end_waiting(Code.REFUSED, str(error))
            return
        goal.terms.append(Term(name, shown, request.weights[number]))
        if len(goal.terms) < len(request.concepts):
            self._ask_for_the_next(goal)
            return
        executor = self._node.executor

        def ended(result: Result) -> None:  # in whichever thread
            executor.create_task(lambda: goal.ended.set_result(result))

        goal.task = Task(request.name, tuple(goal.terms), goal.timeout_s, ended)
        self._waiting, self._pursued = None, goal
        self._questions.forget()
        arm.begin(goal.task)

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        arm = self._arm()
        if self._waiting is not None and self._waiting.handle == handle:
            self.end_waiting(Code.CANCELLED, 'cancelled before it began')
        elif arm is not None and self._pursued is not None and self._pursued.handle == handle:
            arm.interrupt(Code.CANCELLED, 'cancelled')
        return CancelResponse.ACCEPT


def _feedback(progress: Progress) -> ArrangeConcept.Feedback:
    return ArrangeConcept.Feedback(
        state=int(progress.mode),
        reason=progress.reason,
        entity=progress.entity,
        stage=progress.stage,
        move=progress.move,
        moves=progress.moves,
        tries=progress.tries,
        movers=list(progress.movers),
        references=list(progress.references),
    )
