# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The arm from a program: teach it a concept, keep it, have it enacted, and wait.

    with ConceptArm() as arm:
        arm.teach('beside it', demonstrations)
        arm.save('beside it')
        arm.enact('beside it')
        print(arm.wait())

Everything is done in the thread that calls; nothing happens between calls.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rclpy
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.action import EnactConcept
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import Workspace, load_workspace
from ebm_core.world.scene import Demonstration

Feedback = EnactConcept.Feedback

_LOOK_S = 0.05
_Result = EnactConcept.Result
# The arm has not set out, and goes on with what it did.
_REFUSALS = (
    _Result.INVALID_GOAL,
    _Result.UNKNOWN_CONCEPT,
    _Result.NO_LEARNER,
    _Result.NOT_UNDERSTOOD,
    _Result.BUSY,
)
_NOT_YET = 0
# An answer is lost where the server has not discovered yet who asks, which ROS does not wait for:
# what changes nothing is asked again.
_TIMES_ASKED = 10
_ASKED_AGAIN = tuple(
    f'concept_learner/{name}'
    for name in ('list_demonstrations', 'list_concepts', 'identify', 'generate', 'satisfied')
)


class Refused(RuntimeError):
    """What a node refused to do; the message is the reason that it gave."""


@dataclass(frozen=True)
class Outcome:
    """How an enactment ended, or that it has not.

    code: one of EnactConcept.Result, 0 where it has not ended yet. distance_m: to where the energy
    is as low as anywhere, NaN where it is not known.
    """

    reached: bool
    code: int
    reason: str
    distance_m: float


@dataclass(frozen=True)
class KnownConcept:
    """A concept that the learner knows or has in its library.

    understanding: NaN where its codes have not been inferred yet.
    """

    name: str
    demonstrations: int
    is_saved: bool
    understanding: float


class ConceptArm:
    """A client of `concept_learner` and `controller`.

    Methods raise Refused with the reason where a node refuses, and TimeoutError where nobody
    answers within timeout_s, s. A controller enacts what the learner infers as soon as it does;
    `pause` before `teach` keeps the arm where it is.
    """

    def __init__(self, timeout_s: float = 30.0, workspace: Workspace | None = None) -> None:
        """workspace: the nodes' workspace; None: the package's."""
        self.timeout_s = timeout_s
        self.workspace = workspace or load_workspace(package_path('', WORKSPACE))
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node('concept_arm', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._status: ros.ControllerStatus | None = None
        self._scene: ros.Scene | None = None
        self._concepts: list[ros.Concept] = []
        self._shown = 0
        self._goal: ClientGoalHandle | None = None
        self._result: Future | None = None
        self._feedback: Feedback | None = None
        self._heard: Callable[[Feedback], None] = lambda feedback: None
        self._demonstrations = self._node.create_publisher(
            ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS
        )
        self._enact = ActionClient(self._node, EnactConcept, 'controller/enact')
        self._node.create_subscription(ros.Concept, 'concept', self._concepts.append, qos.LATCHED)
        self._node.create_subscription(ros.Scene, 'scene', self._on_scene, qos.LATCHED)
        self._node.create_subscription(
            ros.ControllerStatus, 'controller/status', self._on_status, qos.STATUS_LOOKED_AT
        )

    def __enter__(self) -> ConceptArm:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Take leave; the arm goes on with what it does."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    # Teaching --------------------------------------------------------------------------------

    def teach(self, name: str, demonstrations: Sequence[Demonstration]) -> ros.Concept | None:
        """Show demonstrations under a name; return the concept once there are enough, else None."""
        before, needed = self._collected(name)
        self._spin_until(self._is_heard_by_all, 'a learner on demonstrations')
        self._concepts.clear()
        for demonstration in demonstrations:
            self._show(conversions.demonstration_to_message(name, demonstration, self.workspace))
        if before + len(demonstrations) < needed:
            self._spin_until(
                lambda: self._collected(name)[0] >= before + len(demonstrations),
                f'{len(demonstrations)} more of {name!r}',
            )
            return None

        def inferred() -> list[ros.Concept]:
            return [c for c in self._concepts if name in [term.name for term in c.terms]]

        self._spin_until(inferred, f'the concept {name!r}')
        return inferred()[-1]

    def undo(self, name: str) -> str:
        """Take the last demonstration of a name back; return what is left, in words."""
        return self._by_name('undo_demonstration', name)

    def forget(self, name: str) -> str:
        """Forget what is being collected under a name."""
        return self._by_name('forget_demonstrations', name)

    def replace(self, name: str, number: int, demonstration: Demonstration) -> str:
        """Put a demonstration in the place of number 1, 2, … of a name."""
        message = conversions.demonstration_to_message(name, demonstration, self.workspace)
        service = 'concept_learner/replace_demonstration'
        given = {'number': number, 'demonstration': message}
        return self._call(srv.ReplaceDemonstration, service, **given).message

    # The library -----------------------------------------------------------------------------

    def save(self, name: str) -> str:
        """Save a concept in the learner's library; return where, in words."""
        return self._by_name('save_concept', name)

    def load(self, name: str) -> str:
        """Load a concept of the library; `enact` and the others do so where they need it."""
        return self._by_name('load_concept', name)

    def delete(self, name: str) -> str:
        """Delete a concept from the library."""
        return self._by_name('delete_concept', name)

    def concepts(self) -> list[KnownConcept]:
        """Return what the learner knows and has in its library, by name."""
        listed = self._call(srv.ListConcepts, 'concept_learner/list_concepts')
        return [
            KnownConcept(c.name, c.demonstrations, c.is_saved, c.understanding)
            for c in listed.concepts
        ]

    # What concepts mean ----------------------------------------------------------------------

    def identify(self, name: str, scene: ros.Scene) -> dict[str, float]:
        """Return the attention, 0 or 1, that each entity of a scene has in a concept, by id."""
        answer = self._call(srv.Identify, 'concept_learner/identify', concept=name, scene=scene)
        ids = [entity.id for entity in scene.entities]
        return dict(zip(ids, answer.attention, strict=True))

    def generate(self, name: str, scene: ros.Scene) -> ros.Scene:
        """Return the scene with those who take part and can move where a concept brings them."""
        service = 'concept_learner/generate'
        return self._call(srv.Generate, service, concept=name, scene=scene).scene

    def satisfied(
        self, name: str, scene: ros.Scene, tolerance_m: float = 0.02
    ) -> tuple[bool, float, float]:
        """Return whether a concept is satisfied in a scene, the energy, and the distance, m.

        It is where the one movable entity is within tolerance_m of a place where the energy is as
        low as anywhere.
        """
        given = {'concept': name, 'scene': scene, 'tolerance_m': float(tolerance_m)}
        answer = self._call(srv.Satisfied, 'concept_learner/satisfied', **given)
        return answer.satisfied, answer.energy, answer.distance_m

    # Motion ----------------------------------------------------------------------------------

    def enact(
        self,
        concept: str | Mapping[str, float],
        tolerance_m: float = 0.02,
        hold_s: float = 0.5,
        timeout_s: float = 0.0,
    ) -> None:
        """Have a concept enacted, by name, or the sum of several: names with their weights.

        Returns once the arm has it as its goal, which is to stay for hold_s within tolerance_m of
        where the energy is as low as anywhere. timeout_s: after which the controller gives up and
        holds; 0: never.
        """
        weights = {concept: 1.0} if isinstance(concept, str) else dict(concept)
        goal = EnactConcept.Goal(
            concepts=list(weights),
            weights=[float(weight) for weight in weights.values()],
            tolerance_m=float(tolerance_m),
            hold_time_s=float(hold_s),
            timeout_s=float(timeout_s),
        )
        self._spin_until(self._enact.server_is_ready, 'the action controller/enact')
        self._feedback = None
        sent = self._enact.send_goal_async(goal, feedback_callback=self._on_feedback)
        self._spin_until(sent.done, 'an answer of controller/enact')
        self._goal = sent.result()
        self._result = self._goal.get_result_async()
        self._spin_until(
            lambda: self._feedback is not None or self._result.done(), 'the goal to begin'
        )
        if self._result.done() and self._result.result().result.code in _REFUSALS:
            self._result, refused = None, self._result.result().result
            raise Refused(refused.message)

    def wait(
        self,
        timeout_s: float = 60.0,
        on_feedback: Callable[[Feedback], None] = lambda feedback: None,
    ) -> Outcome:
        """Wait for the end of what `enact` began, however that comes; a pause is waited for.

        After timeout_s, s by the wall clock, it returns what there is by then; the arm goes on.
        on_feedback: told how it goes.
        """
        if self._result is None:
            raise Refused('nothing was asked to be enacted')
        self._heard = on_feedback
        try:
            self._spin_until(self._result.done, 'the end', timeout_s)
        except TimeoutError:
            last = self._feedback or Feedback(reason='nothing was heard', distance_m=math.nan)
            reason = f'not within {timeout_s:g} s: {last.reason}'
            return Outcome(False, _NOT_YET, reason, last.distance_m)
        finally:
            self._heard = lambda feedback: None
        result = self._result.result().result
        reached = result.code == _Result.REACHED
        return Outcome(reached, result.code, result.message, result.distance_m)

    def pause(self) -> str:
        """Hold until `resume`."""
        return self._call(Trigger, 'controller/pause').message

    def resume(self) -> str:
        """End a pause; the arm goes on from where it is."""
        return self._call(Trigger, 'controller/resume').message

    def cancel(self) -> str:
        """Hold until something else is to be enacted, whoever asked for what is enacted now."""
        if self._result is not None and not self._result.done():
            cancelled = self._goal.cancel_goal_async()
            self._spin_until(cancelled.done, 'an answer of controller/enact')
            self._spin_until(self._result.done, 'the end of the goal')
            if self._result.result().status == GoalStatus.STATUS_CANCELED:
                return self._result.result().result.message
        return self._call(Trigger, 'controller/stop').message

    def status(self) -> ros.ControllerStatus:
        """Return the newest status of the controller."""
        self._status = None
        self._spin_until(lambda: self._status is not None, 'a status of the controller')
        return self._status

    def scene(self) -> ros.Scene:
        """Return the scene that was heard last; nodes send it when it changes."""
        self._spin_until(lambda: self._scene is not None, 'a scene')
        return self._scene

    def _on_scene(self, scene: ros.Scene) -> None:
        self._scene = scene

    def _on_status(self, status: ros.ControllerStatus) -> None:
        self._status = status

    def _on_feedback(self, message: Any) -> None:
        self._feedback = message.feedback
        self._heard(message.feedback)

    def _show(self, message: ros.Demonstration) -> None:
        # Only where it would push another one out: what is published is acknowledged at the next
        # heartbeat, which is 3 s away.
        if self._shown and self._shown % qos.DEMONSTRATIONS.depth == 0:
            self._demonstrations.wait_for_all_acked(Duration(seconds=self.timeout_s))
        self._demonstrations.publish(message)
        self._shown += 1

    def _is_heard_by_all(self) -> bool:
        """Tell whether the learner, and whoever else subscribes, will get what is shown now."""
        ends = self._node.get_subscriptions_info_by_topic(self._demonstrations.topic_name)
        matched = self._demonstrations.get_subscription_count()
        return matched >= len(ends) and 'concept_learner' in [end.node_name for end in ends]

    def _collected(self, name: str) -> tuple[int, int]:
        """Return how many demonstrations of a name wait for more, and how many are needed."""
        listed = self._call(srv.ListDemonstrations, 'concept_learner/list_demonstrations')
        return dict(zip(listed.names, listed.collected, strict=True)).get(name, 0), listed.needed

    def _by_name(self, service: str, name: str) -> str:
        return self._call(srv.ConceptByName, f'concept_learner/{service}', name=name).message

    def _call(self, kind: type, service: str, /, **fields: object) -> Any:
        client = self._node.create_client(kind, service)
        try:
            self._spin_until(client.service_is_ready, f'the service {service}')
            asked = [client.call_async(kind.Request(**fields))]
            began_s, again_s = time.monotonic(), self.timeout_s / _TIMES_ASKED

            def answered() -> list[Any]:
                if service in _ASKED_AGAIN and time.monotonic() - began_s > again_s * len(asked):
                    asked.append(client.call_async(kind.Request(**fields)))
                return [future.result() for future in asked if future.done()]

            self._spin_until(answered, f'an answer of {service}')
            response = next(future.result() for future in asked if future.done())
        finally:
            self._node.destroy_client(client)
        if not response.success:
            raise Refused(response.message)
        return response

    def _spin_until(
        self, holds: Callable[[], object], what: str, timeout_s: float | None = None
    ) -> None:
        within_s = self.timeout_s if timeout_s is None else timeout_s
        ends_s = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > ends_s:
                raise TimeoutError(f'waited {within_s:g} s for {what}')
            self._executor.spin_once(timeout_sec=_LOOK_S)
