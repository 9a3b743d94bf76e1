# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The live table for the page: what stands on it, and a simulator that is asked to change it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Header

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.grasping.blocks import SEEN_AS
from ebm_concept_ros.nodes.page_calls import PageCalls
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.page.lesson import THING_SHAPES, Place, Thing, nearest_colour
from ebm_concept_ros.page.link import Heard, Refused, Table
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import SHAPES, InvalidInput

# Nearer than that a thing is where it was, particle units.
_SAME_PLACE = 1e-3
# What is carried moves with every scene; a page is told so often.
_LOOK_S = 0.1
# Of a block that is put onto the table; a hand grips it, and what stands beside it has room.
_BLOCK_M = 0.04
_MOVE, _ADD, _REMOVE = (
    f'simulator/{name}' for name in ('set_entity_state', 'spawn_entity', 'delete_entity')
)
_SERVICES = {_MOVE: srv.SetEntityState, _ADD: srv.SpawnEntity, _REMOVE: srv.DeleteEntity}


class PageTable:
    """Tells `heard.table` of every change. scene: as it came last, None before the first."""

    def __init__(self, node: Node, workspace: Workspace, calls: PageCalls, heard: Heard) -> None:
        self.scene: ros.Scene | None = None
        self._newest: ros.Scene | None = None
        self._node = node
        self._workspace = workspace
        self._calls = calls
        self._heard = heard
        self._table = Table()
        calls.offer(_SERVICES)
        node.create_subscription(ros.Scene, 'scene', self._on_scene, **qos.overridable(qos.LATCHED))
        node.create_timer(_LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def is_changeable(self) -> bool:
        """Tell whether somebody changes it when asked; a camera sees tables, and moves nothing."""
        return all(map(self._calls.is_ready, _SERVICES))

    async def move(self, id_: str, place: Place) -> None:
        """Move a thing; raises Refused."""
        state = ros.EntityState(header=self._header(), pose=self._pose(place))
        await self._change(_MOVE, entity=id_, state=state, set_pose=True)

    async def add(self, colour: str, shape: str, place: Place) -> None:
        """Put another thing onto it; raises Refused."""
        what = {'colour': colour, 'shape': shape}
        if self.scene is None:
            raise Refused('nobody has seen the table yet')
        if any(entity.width for entity in self.scene.entities if not entity.movable):
            kind = next(kind for kind, seen in SEEN_AS.items() if seen == shape)
            what |= {'shape': kind, 'width_m': _BLOCK_M, 'height_m': _BLOCK_M}
        look = ros.Resource(resource_string=json.dumps(what))
        pose = PoseStamped(header=self._header(), pose=self._pose(place))
        await self._change(_ADD, entity_resource=look, initial_pose=pose)

    async def remove(self, id_: str) -> None:
        """Take a thing away; raises Refused."""
        await self._change(_REMOVE, entity=id_)

    async def _change(self, service: str, **fields: Any) -> None:
        if not self.is_changeable():
            raise Refused('nobody here moves things on the table; move them by hand')
        result = (await self._calls.call(service, **fields)).result
        if result.result != result.RESULT_OK:
            raise Refused(result.error_message)

    def _header(self) -> Header:
        return Header(frame_id=self._workspace.base_frame)

    def _pose(self, place: Place) -> Pose:
        x, y = map(float, self._workspace.to_base(np.array(place)))
        return Pose(position=Point(x=x, y=y))

    # The executor's thread -------------------------------------------------------------------

    def _on_scene(self, message: ros.Scene) -> None:
        self._newest = message

    def _look(self) -> None:
        message, self._newest = self._newest, None
        if message is None:
            return
        try:
            table = self._table_of(message)
        except InvalidInput as error:
            self._node.get_logger().warning(f'scene: {error}', throttle_duration_sec=5.0)
            return
        if _same(table, self._table):
            return
        self.scene, self._table = message, table
        self._calls.tell(lambda: self._heard.table(table))

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
