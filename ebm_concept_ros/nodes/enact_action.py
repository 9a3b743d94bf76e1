# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The action `enact`: the learner says what the goal's names mean, the enactor enacts it.

Every goal is accepted and those that are refused end at once: a rejection in ROS 2 has no words.
The learner is asked while what was enacted before goes on; only a good answer takes its place.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.action import CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future

import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.action import EnactConcept
from ebm_concept_ros.control.control_law import Decision
from ebm_concept_ros.control.enactment import Code, Enactment, Result
from ebm_concept_ros.control.enactor import STOPPED, Enactor
from ebm_concept_ros.control.measured import Measured
from ebm_concept_ros.control.understanding import why_not_understood
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.goal_server import GoalServer
from ebm_concept_ros.nodes.runtime.questions import Questions
from ebm_concept_ros.types import AnyConcept, CompositionRequest, Goal
from ebm_core.world.scene import InvalidInput

# A learner that has just come may not have discovered yet who asks: then its answer is lost.
_ASK_AGAIN_S, _TOLD_WITHIN_S = 2.0, 1.0
_ENDS_WELL = (Code.REACHED, Code.CANCELLED, Code.PREEMPTED)


@dataclass(eq=False)
class _Pursuit:
    """A goal that has not ended. asked_at_s: when the learner was asked last."""

    handle: ServerGoalHandle
    request: CompositionRequest
    goal: Goal
    ended: Future
    gives_up_at_s: float
    asked_at_s: float = -math.inf


class EnactAction:
    """Serves the action; all is called by the executor's thread.

    checked: returns the concept of the learner's message, or raises InvalidInput. refuses_second:
    whether a goal is refused while another is active; else it takes its place.
    """

    def __init__(
        self,
        node: Node,
        enactor: Enactor,
        checked: Callable[[Any], AnyConcept],
        is_active: Callable[[], bool],
        diagnostics: Diagnostics,
        refuses_second: bool,
        learner_timeout_s: float,
    ) -> None:
        self._node = node
        self._enactor = enactor
        self._checked = checked
        self._is_active = is_active
        self._diagnostics = diagnostics
        self._refuses_second = refuses_second
        self._learner_timeout_s = learner_timeout_s
        self._waiting: _Pursuit | None = None  # for the learner's answer
        self._enacted: tuple[_Pursuit, Enactment] | None = None
        self._questions = Questions()  # of the goal that waits
        self._learner = node.create_client(srv.GetConcept, 'concept_learner/get_concept')
        self._server = GoalServer(node, EnactConcept, '~/enact', self._execute, self._cancel)

    def destroy(self) -> None:
        """Offer it no more, once the goals that have ended are told so."""
        self._server.destroy()
        self._node.destroy_client(self._learner)

    def wait_until_told(self) -> None:
        """Return once whoever had a goal knows its end; by another thread than the executor's."""
        self._server.wait_until_told(_TOLD_WITHIN_S)

    @property
    def is_busy(self) -> bool:
        """Tell whether a goal is active, or is about to be."""
        return self._waiting is not None or self._enactor.active is not None

    def follow(self, concept: AnyConcept) -> None:
        """Enact what came on the topic, in place of a goal, unless the goal asks for just that."""
        waiting = self._waiting
        if waiting is not None and waiting.request.concepts == (concept.name,):
            return
        self._end_waiting(Result(Code.PREEMPTED, f'{concept.name} came on the topic concept'))
        self._enactor.follow(concept)

    def tick(self, decision: Decision, known: Measured) -> None:
        """Take what is known of the controller now: the goal may end, or there is feedback."""
        if self._waiting is not None:
            self._ask(self._waiting)
        self._enactor.observe(decision, known)
        if self._enacted is not None:
            pursuit, enactment = self._enacted
            pursuit.handle.publish_feedback(_feedback(decision, known, enactment))

    def stop(self) -> str:
        """Hold until something comes that was sent afterwards; return why it holds.

        A goal that waits for the learner was sent before.
        """
        self._end_waiting(Result(Code.STOPPED, STOPPED))
        return self._enactor.stop()

    def end_all(self, reason: str) -> None:
        """End whatever goal there is."""
        self._end_waiting(Result(Code.STOPPED, reason))
        self._enactor.give_up(reason)

    async def _execute(self, handle: ServerGoalHandle) -> EnactConcept.Result:
        ended = Future()
        try:
            self._begin(handle, ended)
        except InvalidInput as error:
            ended.set_result(Result(Code.INVALID_GOAL, str(error)))
        result = await ended
        if result.code in _ENDS_WELL:
            self._diagnostics.accept('enact')
        else:
            self._diagnostics.refuse('enact', result.message)
        match result.code:
            case Code.REACHED:
                handle.succeed()
            case Code.CANCELLED:
                handle.canceled()
            case _:
                handle.abort()
        return EnactConcept.Result(
            code=int(result.code),
            message=result.message,
            distance_m=result.distance_m,
            duration_s=result.duration_s,
        )

    def _begin(self, handle: ServerGoalHandle, ended: Future) -> None:
        request, goal = conversions.enact_goal_from_message(handle.request)
        if not self._is_active():
            ended.set_result(Result(Code.STOPPED, 'the controller is not active'))
            return
        if self._refuses_second and self.is_busy:
            ended.set_result(Result(Code.BUSY, 'another goal is active'))
            return
        self._end_waiting(Result(Code.PREEMPTED, 'another goal took its place'))
        gives_up_at_s = time.monotonic() + self._learner_timeout_s
        self._waiting = _Pursuit(handle, request, goal, ended, gives_up_at_s)
        self._ask(self._waiting)

    def _ask(self, pursuit: _Pursuit) -> None:
        """Ask the learner, again where an answer may be lost; or give up."""
        now_s = time.monotonic()
        if now_s > pursuit.gives_up_at_s:
            name = self._learner.srv_name
            self._end_waiting(
                Result(Code.NO_LEARNER, f'{name}: no answer within {self._learner_timeout_s:g} s')
            )
        elif now_s > pursuit.asked_at_s + _ASK_AGAIN_S and self._learner.service_is_ready():
            pursuit.asked_at_s = now_s
            names, weights = pursuit.request.concepts, pursuit.request.weights
            asked = srv.GetConcept.Request(concepts=list(names), weights=list(weights))
            self._questions.ask(
                self._learner, asked, lambda answer: self._answered(pursuit, answer)
            )

    def _answered(self, pursuit: _Pursuit, answer: srv.GetConcept.Response) -> None:
        if pursuit is not self._waiting:
            return  # it was cancelled, or another goal took its place
        if not answer.success:
            self._end_waiting(Result(Code.UNKNOWN_CONCEPT, answer.message))
            return
        try:
            concept = self._checked(answer.concept)
        except InvalidInput as error:
            self._end_waiting(Result(Code.REFUSED, str(error)))
            return
        if reason := why_not_understood(concept):
            self._end_waiting(Result(Code.NOT_UNDERSTOOD, reason))
            return
        self._waiting = None
        self._questions.forget()

        def ended(result: Result) -> None:
            self._enacted = None
            pursuit.ended.set_result(result)

        self._enacted = pursuit, self._enactor.begin(concept, pursuit.goal, ended)

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        if self._waiting is not None and self._waiting.handle == handle:
            self._end_waiting(Result(Code.CANCELLED, 'cancelled before it began'))
        elif self._enacted is not None and self._enacted[0].handle == handle:
            self._enactor.cancel()
        return CancelResponse.ACCEPT

    def _end_waiting(self, result: Result) -> None:
        waiting, self._waiting = self._waiting, None
        self._questions.forget()
        if waiting is not None:
            waiting.ended.set_result(result)


def _feedback(decision: Decision, known: Measured, enactment: Enactment) -> EnactConcept.Feedback:
    is_mine = known.concept is enactment.concept
    return EnactConcept.Feedback(
        state=int(decision.mode),
        reason=decision.reason,
        energy=known.energy if is_mine else math.nan,
        distance_m=enactment.distance_m,
        satisfied=enactment.is_satisfied,
        taking_part=list(known.taking_part) if is_mine else [],
        plan_age_s=known.plan_age_s,
    )
