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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rclpy.duration import Duration

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.action import ArrangeConcept, EnactConcept
from ebm_concept_ros.client.goals import Goals, tell_driver
from ebm_concept_ros.client.node_calls import NodeCalls, Refused
from ebm_concept_ros.client.outcome import Feedback, Outcome, not_yet, outcome_of
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import Workspace, load_workspace
from ebm_core.world.scene import Demonstration

_Enacted, _Arranged = EnactConcept.Result, ArrangeConcept.Result
# The arm has not set out, and goes on with what it did.
_NOT_ENACTED = (
    _Enacted.INVALID_GOAL,
    _Enacted.UNKNOWN_CONCEPT,
    _Enacted.NO_LEARNER,
    _Enacted.NOT_UNDERSTOOD,
    _Enacted.BUSY,
)
# Whether the rest can be, an arranger has to think about: `wait` says it.
_NOT_ARRANGED = (_Arranged.INVALID_GOAL, _Arranged.UNKNOWN_CONCEPT, _Arranged.NO_LEARNER)


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
    """A client of `concept_learner`, and of `controller` or `arranger`, whichever drives the arm.

    Methods raise Refused with the reason where a node refuses, and TimeoutError where nobody
    answers within timeout_s, s. A controller enacts what the learner infers as soon as it does;
    `pause` before `teach` keeps the arm where it is.
    """

    def __init__(self, timeout_s: float = 30.0, workspace: Workspace | None = None) -> None:
        """workspace: the nodes' workspace; None: the package's."""
        self.workspace = workspace or load_workspace(package_path('', WORKSPACE))
        self._calls = NodeCalls('concept_arm', timeout_s)
        self._status: ros.ControllerStatus | None = None
        self._scene: ros.Scene | None = None
        self._concepts: list[ros.Concept] = []
        self._shown = 0
        self._enact = Goals(self._calls, EnactConcept, 'controller', 'enact', _NOT_ENACTED)
        self._arrange = Goals(self._calls, ArrangeConcept, 'arranger', 'arrange', _NOT_ARRANGED)
        self._asked: Goals | None = None  # of whom something was asked last
        node = self._calls.node
        self._demonstrations = node.create_publisher(
            ros.Demonstration, 'demonstrations', qos.DEMONSTRATIONS
        )
        node.create_subscription(ros.Concept, 'concept', self._concepts.append, qos.LATCHED)
        node.create_subscription(ros.Scene, 'scene', self._on_scene, qos.LATCHED)
        node.create_subscription(
            ros.ControllerStatus, 'controller/status', self._on_status, qos.STATUS_LOOKED_AT
        )

    def __enter__(self) -> ConceptArm:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Take leave; the arm goes on with what it does."""
        self._calls.close()

    # Teaching --------------------------------------------------------------------------------

    def teach(self, name: str, demonstrations: Sequence[Demonstration]) -> ros.Concept | None:
        """Show demonstrations under a name; return the concept once there are enough, else None."""
        before, needed = self._collected(name)
        self._calls.spin_until(self._is_heard_by_all, 'a learner on demonstrations')
        self._concepts.clear()
        for demonstration in demonstrations:
            self._show(conversions.demonstration_to_message(name, demonstration, self.workspace))
        if before + len(demonstrations) < needed:
            self._calls.spin_until(
                lambda: self._collected(name)[0] >= before + len(demonstrations),
                f'{len(demonstrations)} more of {name!r}',
            )
            return None

        def inferred() -> list[ros.Concept]:
            return [c for c in self._concepts if name in [term.name for term in c.terms]]

        self._calls.spin_until(inferred, f'the concept {name!r}')
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
        return self._calls.call(srv.ReplaceDemonstration, service, **given).message

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
        listed = self._calls.call(srv.ListConcepts, 'concept_learner/list_concepts')
        return [
            KnownConcept(c.name, c.demonstrations, c.is_saved, c.understanding)
            for c in listed.concepts
        ]

    # What concepts mean ----------------------------------------------------------------------

    def identify(self, name: str, scene: ros.Scene) -> dict[str, float]:
        """Return the attention, 0 or 1, that each entity of a scene has in a concept, by id."""
        answer = self._calls.call(
            srv.Identify, 'concept_learner/identify', concept=name, scene=scene
        )
        ids = [entity.id for entity in scene.entities]
        return dict(zip(ids, answer.attention, strict=True))

    def generate(self, name: str, scene: ros.Scene) -> ros.Scene:
        """Return the scene with those who take part and can move where a concept brings them."""
        service = 'concept_learner/generate'
        return self._calls.call(srv.Generate, service, concept=name, scene=scene).scene

    def satisfied(
        self, name: str, scene: ros.Scene, tolerance_m: float = 0.02
    ) -> tuple[bool, float, float]:
        """Return whether a concept is satisfied in a scene, the energy, and the distance, m.

        It is where the one movable entity is within tolerance_m of a place where the energy is as
        low as anywhere.
        """
        given = {'concept': name, 'scene': scene, 'tolerance_m': float(tolerance_m)}
        answer = self._calls.call(srv.Satisfied, 'concept_learner/satisfied', **given)
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
        self._asked = self._enact
        self._enact.ask(
            **_names_and_weights(concept),
            tolerance_m=float(tolerance_m),
            hold_time_s=float(hold_s),
            timeout_s=float(timeout_s),
        )

    def arrange(self, concept: str | Mapping[str, float], timeout_s: float = 0.0) -> None:
        """Have a concept, or a sum of several, brought about by moving what it is about.

        concept: as of `enact`; for an arm that grasps.

        Returns once the arranger has it as its goal, and thinks about whether it can be: `wait`
        says where it cannot. timeout_s: after which it gives up and holds; 0: never.
        """
        self._asked = self._arrange
        self._arrange.ask(**_names_and_weights(concept), timeout_s=float(timeout_s))

    def wait(
        self,
        timeout_s: float = 60.0,
        on_feedback: Callable[[Feedback], None] = lambda feedback: None,
    ) -> Outcome:
        """Wait for the end of what `enact` or `arrange` began, however that comes.

        A pause is waited for. After timeout_s, s by the wall clock, it returns what there is by
        then; the arm goes on. on_feedback: told how it goes.
        """
        if self._asked is None:
            raise Refused('nothing was asked for')
        result = self._asked.wait(timeout_s, on_feedback)
        return not_yet(timeout_s, self._asked.feedback) if result is None else outcome_of(result)

    def pause(self) -> str:
        """Hold until `resume`."""
        return tell_driver(self._calls, 'pause', self._asked)

    def resume(self) -> str:
        """End a pause; the arm goes on from where it is."""
        return tell_driver(self._calls, 'resume', self._asked)

    def cancel(self) -> str:
        """Hold until something else is asked for, whoever asked for what is done now.

        What is in the hand stays there.
        """
        ended = '' if self._asked is None else self._asked.cancel()
        return ended or tell_driver(self._calls, 'stop', self._asked)

    def status(self) -> ros.ControllerStatus:
        """Return the newest status of the controller, or of the arranger."""
        self._status = None
        self._calls.spin_until(
            lambda: self._status is not None, 'a status of the controller or the arranger'
        )
        return self._status

    def scene(self) -> ros.Scene:
        """Return the scene that was heard last; nodes send it when it changes."""
        self._calls.spin_until(lambda: self._scene is not None, 'a scene')
        return self._scene

    def _on_scene(self, scene: ros.Scene) -> None:
        self._scene = scene

    def _on_status(self, status: ros.ControllerStatus) -> None:
        self._status = status

    def _show(self, message: ros.Demonstration) -> None:
        # Only where it would push another one out: what is published is acknowledged at the next
        # heartbeat, which is 3 s away.
        if self._shown and self._shown % qos.DEMONSTRATIONS.depth == 0:
            self._demonstrations.wait_for_all_acked(Duration(seconds=self._calls.timeout_s))
        self._demonstrations.publish(message)
        self._shown += 1

    def _is_heard_by_all(self) -> bool:
        """Tell whether the learner, and whoever else subscribes, will get what is shown now."""
        ends = self._calls.node.get_subscriptions_info_by_topic(self._demonstrations.topic_name)
        matched = self._demonstrations.get_subscription_count()
        return matched >= len(ends) and 'concept_learner' in [end.node_name for end in ends]

    def _collected(self, name: str) -> tuple[int, int]:
        """Return how many demonstrations of a name wait for more, and how many are needed."""
        listed = self._calls.call(srv.ListDemonstrations, 'concept_learner/list_demonstrations')
        return dict(zip(listed.names, listed.collected, strict=True)).get(name, 0), listed.needed

    def _by_name(self, service: str, name: str) -> str:
        return self._calls.call(srv.ConceptByName, f'concept_learner/{service}', name=name).message


def _names_and_weights(concept: str | Mapping[str, float]) -> dict[str, list]:
    weights = {concept: 1.0} if isinstance(concept, str) else dict(concept)
    return {'concepts': list(weights), 'weights': [float(w) for w in weights.values()]}
