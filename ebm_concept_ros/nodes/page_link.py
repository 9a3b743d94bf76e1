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
from rclpy.task import Future
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.action import EnactConcept
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.ros_compat import send_goal
from ebm_concept_ros.page.lesson import THING_SHAPES, Thing, nearest_colour
from ebm_concept_ros.page.link import Ended, Heard, Known, Presence, Progress, Refused, Table
from ebm_concept_ros.page.understanding import Understood
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import SHAPES, Demonstration, InvalidInput

_PRESENCE_PERIOD_S = 0.2
_LOOK_S = 0.02
# Nearer than that a thing is where it was, particle units.
_SAME_PLACE = 1e-3


class PageLink:
    """Implements page.link.Link. timeout_s: after which nobody has answered."""

    def __init__(
        self, node: Node, workspace: Workspace, loop: asyncio.AbstractEventLoop, timeout_s: float
    ) -> None:
        self.heard = Heard()
        self._node = node
        self._workspace = workspace
        self._loop = loop
        self._timeout_s = timeout_s
        self._scene: ros.Scene | None = None
        self._table = Table()
        self._presence = Presence()
        self._demonstrations = node.create_publisher(
            ros.Demonstration, 'demonstrations', **qos.overridable(qos.DEMONSTRATIONS)
        )
        self._enact = ActionClient(node, EnactConcept, 'controller/enact')
        self._clients = {
            name: node.create_client(kind, name)
            for name, kind in (
                ('concept_learner/understood', srv.Understood),
                ('concept_learner/replace_demonstration', srv.ReplaceDemonstration),
                ('concept_learner/remove_demonstration', srv.RemoveDemonstration),
                ('concept_learner/forget_demonstrations', srv.ConceptByName),
                ('concept_learner/list_demonstrations', srv.ListDemonstrations),
                ('concept_learner/list_concepts', srv.ListConcepts),
                ('concept_learner/save_concept', srv.ConceptByName),
                ('concept_learner/load_concept', srv.ConceptByName),
                ('concept_learner/delete_concept', srv.ConceptByName),
                ('controller/pause', Trigger),
                ('controller/resume', Trigger),
                ('controller/stop', Trigger),
                ('controller/set_parameters', SetParameters),
            )
        }
        node.create_subscription(ros.Scene, 'scene', self._on_scene, **qos.overridable(qos.LATCHED))
        node.create_timer(
            _PRESENCE_PERIOD_S, self._look_around, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def is_gone(self) -> bool:
        """Tell whether there is no learner now."""
        return not self._presence.learner

    # Teaching --------------------------------------------------------------------------------

    async def show(self, name: str, demonstrations: Sequence[Demonstration]) -> None:
        """Show demonstrations under a name, once there is a learner."""
        await self._until(
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
        scene = self._scene if on_table and self._scene is not None else ros.Scene()
        answer = await self._call(
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
        )

    async def replace(self, name: str, number: int, demonstration: Demonstration) -> None:
        """Put one in the place of number 1, 2 and so on."""
        message = conversions.demonstration_to_message(name, demonstration, self._workspace)
        service = 'concept_learner/replace_demonstration'
        await self._call(service, number=number, demonstration=message)

    async def remove(self, name: str, number: int) -> None:
        """Take one back."""
        await self._call('concept_learner/remove_demonstration', name=name, number=number)

    async def forget(self, name: str) -> None:
        """Forget what is being collected under a name."""
        listed = await self._call('concept_learner/list_demonstrations', name='')
        if name in listed.names:
            await self._call('concept_learner/forget_demonstrations', name=name)

    async def demonstrations(self, name: str) -> tuple[list[Demonstration], int]:
        """Return those of a name, and how many make a concept."""
        listed = await self._call('concept_learner/list_demonstrations', name='')
        known = [concept.name for concept in await self.concepts()]
        if name not in listed.names and name not in known:
            return [], listed.needed
        if name not in listed.names:
            await self.load(name)
        shown = await self._call('concept_learner/list_demonstrations', name=name)
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
        listed = await self._call('concept_learner/list_concepts')
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
        return (await self._call('concept_learner/save_concept', name=name)).message

    async def load(self, name: str) -> str:
        """Load one from it."""
        return (await self._call('concept_learner/load_concept', name=name)).message

    async def delete(self, name: str) -> str:
        """Delete one from it."""
        return (await self._call('concept_learner/delete_concept', name=name)).message

    # Motion ----------------------------------------------------------------------------------

    async def enact(
        self, concepts: Mapping[str, float], on_progress: Callable[[Progress], None]
    ) -> Ended:
        """Have a concept enacted; return how it ended."""

        def heard(message: Any) -> None:
            feedback = message.feedback
            progress = Progress(feedback.energy, feedback.distance_m, feedback.reason)
            self._tell(on_progress, progress)

        goal = EnactConcept.Goal(
            concepts=list(concepts), weights=array('d', map(float, concepts.values()))
        )
        await self._until(self._enact.server_is_ready, 'controller/enact: no controller is there')
        sent = send_goal(self._node, self._enact, goal, heard)
        handle = await self._answer(sent, 'controller/enact')
        ended = await self._awaited(handle.get_result_async())
        result = ended.result
        return Ended(result.code == result.REACHED, result.message, result.distance_m)

    async def pause(self) -> str:
        """Hold until `resume`."""
        return (await self._call('controller/pause')).message

    async def resume(self) -> str:
        """Go on."""
        return (await self._call('controller/resume')).message

    async def stop(self) -> str:
        """Hold until something else is to be enacted."""
        return (await self._call('controller/stop')).message

    async def set_speed(self, scale: float) -> None:
        """Set the share of the arm's speed limits that may be used."""
        parameter = Parameter('speed_scale', value=float(scale)).to_parameter_msg()
        answer = await self._call('controller/set_parameters', parameters=[parameter])
        (result,) = answer.results
        if not result.successful:
            raise Refused(f'speed_scale: {result.reason}')

    async def move_thing(self, id_: str, place: tuple[float, float]) -> None:
        """Move a thing on the table."""
        raise Refused('table_move: the simulator does not move things yet')

    # The loop --------------------------------------------------------------------------------

    async def _call(self, service: str, **fields: object) -> Any:
        client = self._clients[service]
        await self._until(client.service_is_ready, f'{service}: nobody offers it')
        answer = await self._answer(client.call_async(client.srv_type.Request(**fields)), service)
        if getattr(answer, 'success', True):
            return answer
        raise Refused(answer.message)

    async def _answer(self, future: Future, who: str) -> Any:
        try:
            return await asyncio.wait_for(self._awaited(future), self._timeout_s)
        except TimeoutError:
            raise Refused(f'{who}: no answer within {self._timeout_s:g} s') from None

    async def _awaited(self, future: Future) -> Any:
        """Return what a future of the executor's thread comes to."""
        awaited: asyncio.Future = self._loop.create_future()

        def done() -> None:
            if not awaited.done():
                awaited.set_result(None)

        future.add_done_callback(lambda _: self._tell(done))
        await awaited
        return future.result()

    async def _until(self, holds: Callable[[], bool], reason: str) -> None:
        ends_s = self._loop.time() + self._timeout_s
        while not holds():
            if self._loop.time() > ends_s:
                raise Refused(reason)
            await asyncio.sleep(_LOOK_S)

    # The executor's thread -------------------------------------------------------------------

    def _tell(self, function: Callable[..., None], *values: object) -> None:
        """Have it called in the loop, unless that has ended."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *values)

    def _look_around(self) -> None:
        is_ready = {name: client.service_is_ready() for name, client in self._clients.items()}
        presence = Presence(
            is_ready['concept_learner/understood'],
            is_ready['controller/stop'] and self._enact.server_is_ready(),
            self._node.count_publishers('joint_states') > 0,
        )
        if presence != self._presence:
            self._presence = presence
            self._tell(lambda: self.heard.presence(presence))

    def _on_scene(self, message: ros.Scene) -> None:
        try:
            table = self._table_of(message)
        except InvalidInput as error:
            self._node.get_logger().warning(f'scene: {error}', throttle_duration_sec=5.0)
            return
        if _same(table, self._table):
            return
        self._scene, self._table = message, table
        self._tell(lambda: self.heard.table(table))

    def _table_of(self, message: ros.Scene) -> Table:
        named = conversions.scene_from_message(message, self._workspace)
        scene = named.scene
        things = []
        for i in np.flatnonzero(~scene.movable):
            shape = SHAPES[scene.shapes[i]]
            x, y = map(float, scene.positions[i])
            colour = nearest_colour(scene.colours[i])
            shape = shape if shape in THING_SHAPES else 'circle'
            things.append(Thing(named.ids[i], colour, shape, x, y))
        return Table(tuple(things))


def _same(one: Table, other: Table) -> bool:
    """Tell whether two tables are the same but for rounding."""
    if len(one.things) != len(other.things):
        return False
    return all(
        (a.id, a.colour, a.shape) == (b.id, b.colour, b.shape)
        and abs(a.x - b.x) < _SAME_PLACE
        and abs(a.y - b.y) < _SAME_PLACE
        for a, b in zip(one.things, other.things, strict=True)
    )
