# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the page asks, over ROS: coroutines around topics, services and the action.

The node's executor runs in another thread; whatever it hears is handed over to the loop.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.action import ArrangeConcept, EnactConcept
from ebm_concept_ros.nodes.page_calls import PageCalls
from ebm_concept_ros.nodes.page_table import PageTable
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.ros_compat import send_goal
from ebm_concept_ros.page.lesson import Place
from ebm_concept_ros.page.link import Ended, Heard, Known, Moving, Presence, Progress, Refused
from ebm_concept_ros.page.understanding import Understood
from ebm_concept_ros.types import CompositionRequest
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import Demonstration, InvalidInput

_PRESENCE_PERIOD_S = 0.2
_SERVICES = {
    'concept_learner/understood': srv.Understood,
    'concept_learner/replace_demonstration': srv.ReplaceDemonstration,
    'concept_learner/remove_demonstration': srv.RemoveDemonstration,
    'concept_learner/forget_demonstrations': srv.ConceptByName,
    'concept_learner/list_concepts': srv.ListConcepts,
    'concept_learner/save_concept': srv.ConceptByName,
    'concept_learner/load_concept': srv.ConceptByName,
    'concept_learner/delete_concept': srv.ConceptByName,
    # Asked first, and made last: a learner that has answered it has discovered the others before.
    'concept_learner/list_demonstrations': srv.ListDemonstrations,
    **{
        f'{driver}/{service}': Trigger
        for driver in ('controller', 'arranger')
        for service in ('pause', 'resume', 'stop')
    },
    'controller/set_parameters': SetParameters,
    'bag_recorder/record': SetBool,
}


class PageLink:
    """Implements page.link.Link. timeout_s: after which nobody has answered."""

    def __init__(
        self, node: Node, workspace: Workspace, loop: asyncio.AbstractEventLoop, timeout_s: float
    ) -> None:
        self.heard = Heard()
        self._node = node
        self._workspace = workspace
        self._calls = PageCalls(node, loop, timeout_s)
        self._table = PageTable(node, workspace, self._calls, self.heard)
        self._presence = Presence()
        self._stops = 0
        self._demonstrations = node.create_publisher(
            ros.Demonstration, 'demonstrations', **qos.overridable(qos.DEMONSTRATIONS)
        )
        self._enact = ActionClient(node, EnactConcept, 'controller/enact')
        self._arrange = ActionClient(node, ArrangeConcept, 'arranger/arrange')
        self._calls.offer(_SERVICES)
        node.create_timer(
            _PRESENCE_PERIOD_S, self._look_around, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def is_gone(self) -> bool:
        """Tell whether there is no learner now."""
        return not self._presence.learner

    # Teaching --------------------------------------------------------------------------------

    async def show(self, name: str, demonstrations: Sequence[Demonstration]) -> None:
        """Show demonstrations under a name, once there is a learner."""
        await self._calls.until(
            lambda: self._presence.learner and self._demonstrations.get_subscription_count() > 0,
            'demonstrations: no learner is there',
        )
        stamp_ns = self._node.get_clock().now().nanoseconds
        for one in demonstrations:
            self._demonstrations.publish(
                conversions.demonstration_to_message(name, one, self._workspace, stamp_ns)
            )

    async def understood(self, concepts: Mapping[str, float], on_table: bool) -> Understood:
        """Return what was understood, and what it would do on the table as it is."""
        scene = self._table.scene if on_table and self._table.scene is not None else ros.Scene()
        answer = await self._calls.call(
            'concept_learner/understood',
            concepts=list(concepts),
            weights=array('d', concepts.values()),
            scene=scene,
        )
        size = answer.size
        ids = [entity.id for entity in scene.entities]
        return Understood(
            answer.demonstrations,
            answer.understanding,
            answer.understanding_threshold,
            tuple(answer.without),
            answer.odd_one,
            dict(zip(ids, answer.attention, strict=True)),
            answer.half_width,
            np.array(answer.energies).reshape(size, size) if size else None,
            (answer.lowest.x, answer.lowest.y),
            tuple(answer.readings),
        )

    async def replace(self, name: str, number: int, demonstration: Demonstration) -> None:
        """Put one in the place of number 1, 2 and so on."""
        message = conversions.demonstration_to_message(name, demonstration, self._workspace)
        service = 'concept_learner/replace_demonstration'
        await self._calls.call(service, number=number, demonstration=message)

    async def remove(self, name: str, number: int) -> None:
        """Take one back."""
        await self._calls.call('concept_learner/remove_demonstration', name=name, number=number)

    async def forget(self, name: str) -> None:
        """Forget what is being collected under a name."""
        listed = await self._calls.look_up('concept_learner/list_demonstrations', name='')
        if name in listed.names:
            await self._calls.call('concept_learner/forget_demonstrations', name=name)

    async def demonstrations(self, name: str) -> tuple[list[Demonstration], int]:
        """Return those of a name, and how many make a concept."""
        listed = await self._calls.look_up('concept_learner/list_demonstrations', name='')
        known = [concept.name for concept in await self.concepts()]
        if name not in listed.names and name not in known:
            return [], listed.needed
        if name not in listed.names:
            await self.load(name)
        shown = await self._calls.call('concept_learner/list_demonstrations', name=name)
        try:
            return [
                conversions.demonstration_from_message(one, self._workspace).demonstration
                for one in shown.demonstrations
            ], listed.needed
        except InvalidInput as error:
            raise Refused(str(error)) from None

    # The library -----------------------------------------------------------------------------

    async def concepts(self) -> list[Known]:
        """Return what the learner knows and has in its library."""
        listed = await self._calls.look_up('concept_learner/list_concepts')
        return [
            Known(
                concept.name,
                concept.demonstrations,
                concept.is_saved,
                # A score that is not a number is none.
                math.isnan(concept.understanding_threshold)
                or concept.understanding >= concept.understanding_threshold,
            )
            for concept in listed.concepts
        ]

    async def save(self, name: str) -> str:
        """Save a concept in the library."""
        return (await self._calls.call('concept_learner/save_concept', name=name)).message

    async def load(self, name: str) -> str:
        """Load one from it."""
        return (await self._calls.call('concept_learner/load_concept', name=name)).message

    async def delete(self, name: str) -> str:
        """Delete one from it."""
        return (await self._calls.call('concept_learner/delete_concept', name=name)).message

    # Motion ----------------------------------------------------------------------------------

    async def enact(
        self, concepts: Mapping[str, float], on_progress: Callable[[Progress], None]
    ) -> Ended:
        """Have a concept enacted; return how it ended."""

        def progress(feedback: EnactConcept.Feedback) -> Progress:
            return Progress(feedback.reason, feedback.energy, feedback.distance_m)

        goal = EnactConcept.Goal(**_names_and_weights(concepts))
        result = await self._pursued(
            *(self._enact, 'controller/enact', goal), lambda told: on_progress(progress(told))
        )
        return Ended(result.code == result.REACHED, result.message, result.distance_m)

    async def arrange(
        self, concepts: Mapping[str, float], on_progress: Callable[[Progress], None]
    ) -> Ended:
        """Have a concept, or a sum, brought about by moving things; return how it ended."""

        def progress(feedback: ArrangeConcept.Feedback) -> Progress:
            moving = Moving(
                *(feedback.entity, feedback.stage, feedback.move, feedback.moves),
                *(tuple(feedback.movers), tuple(feedback.references)),
            )
            return Progress(feedback.reason, moving=moving)

        goal = ArrangeConcept.Goal(**_names_and_weights(concepts))
        result = await self._pursued(
            *(self._arrange, 'arranger/arrange', goal), lambda told: on_progress(progress(told))
        )
        # The page says the names before all that a run says.
        name = CompositionRequest(tuple(concepts), tuple(concepts.values())).name
        said = result.message.removeprefix(f'{name}: ')
        return Ended(result.code == result.ARRANGED, said)

    async def _pursued(
        self, client: ActionClient, who: str, goal: Any, on_feedback: Callable[[Any], None]
    ) -> Any:
        """Send a goal and return its result, whenever that comes.

        A stop that is asked for before anybody has taken the goal may overtake it, so it is
        cancelled then.
        """
        calls, stops = self._calls, self._stops

        def heard(message: Any) -> None:
            calls.tell(on_feedback, message.feedback)

        await calls.until(client.server_is_ready, f'{who}: nobody is there to do it')
        handle = await calls.answer(send_goal(self._node, client, goal, heard), who)
        if self._stops > stops:
            await calls.answer(handle.cancel_goal_async(), who)
        return (await calls.awaited(handle.get_result_async())).result

    async def pause(self) -> str:
        """Hold until `resume`."""
        return await self._drive('pause')

    async def resume(self) -> str:
        """Go on."""
        return await self._drive('resume')

    async def stop(self) -> str:
        """Hold until something else is to be brought about; what is in the hand stays there."""
        self._stops += 1
        return await self._drive('stop')

    async def _drive(self, service: str) -> str:
        driver = self._presence.driver or 'controller'
        return (await self._calls.call(f'{driver}/{service}')).message

    async def set_speed(self, scale: float) -> None:
        """Set the share of the arm's speed limits that may be used."""
        parameter = Parameter('speed_scale', value=float(scale)).to_parameter_msg()
        answer = await self._calls.call('controller/set_parameters', parameters=[parameter])
        (result,) = answer.results
        if not result.successful:
            raise Refused(f'speed_scale: {result.reason}')

    # The table, and the bag -----------------------------------------------------------------

    async def move_thing(self, id_: str, place: Place) -> None:
        """Move a thing on the table."""
        await self._table.move(id_, place)

    async def add_thing(self, colour: str, shape: str, place: Place) -> None:
        """Put another thing onto the table."""
        await self._table.add(colour, shape, place)

    async def remove_thing(self, id_: str) -> None:
        """Take a thing from the table."""
        await self._table.remove(id_)

    async def record(self, on: bool) -> str:
        """Begin a bag, or end it."""
        return (await self._calls.call('bag_recorder/record', data=on)).message

    # The executor's thread -------------------------------------------------------------------

    def _look_around(self) -> None:
        is_ready = self._calls.is_ready
        presence = Presence(
            is_ready('concept_learner/understood'),
            is_ready('controller/stop') and self._enact.server_is_ready(),
            is_ready('arranger/stop') and self._arrange.server_is_ready(),
            self._node.count_publishers('joint_states') > 0,
            self._table.is_changeable(),
            is_ready('bag_recorder/record'),
        )
        if presence != self._presence:
            self._presence = presence
            self._calls.tell(lambda: self.heard.presence(presence))


def _names_and_weights(concepts: Mapping[str, float]) -> dict[str, Any]:
    return {'concepts': list(concepts), 'weights': array('d', map(float, concepts.values()))}
