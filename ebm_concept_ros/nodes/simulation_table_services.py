# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulator's services about the table: another one, and entities that come, go and move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rclpy.node import Node

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions
from ebm_concept_ros.arm.editable_simulation import (
    EditableSimulation,
    Refusal,
    TableChangeRefused,
)
from ebm_concept_ros.arm.references import resolve
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter
from ebm_concept_ros.nodes.simulation_requests import RequestRefused, SimulationRequests
from ebm_concept_ros.nodes.simulator_setup import (
    SimulatorParameters,
    seeded_table,
    table_of_file,
    table_of_text,
)
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput

_SEED = 'seed:'
_Result, _Load, _Spawn = ros.Result, srv.LoadWorld.Response, srv.SpawnEntity.Response

# Codes for what is refused of a change of the table, where the service has one; else it has failed.
_OF_ALL = {Refusal.UNKNOWN_ENTITY: _Result.RESULT_NOT_FOUND}
_OF_SPAWNING = {
    Refusal.NAME_TAKEN: _Spawn.NAME_NOT_UNIQUE,
    Refusal.NAME: _Spawn.NAME_INVALID,
    Refusal.DESCRIPTION: _Spawn.RESOURCE_PARSE_ERROR,
    Refusal.PLACE: _Spawn.INVALID_POSE,
}
_OF_MOVING = {Refusal.PLACE: srv.SetEntityState.Response.INVALID_POSE}

T = TypeVar('T')


class SimulationTableServices:
    """Offered until they are destroyed."""

    def __init__(
        self,
        node: Node,
        requests: SimulationRequests,
        world: EditableSimulation,
        parameters: SimulatorParameters,
        workspace: Workspace,
    ) -> None:
        self._node = node
        self._requests = requests
        self._world = world
        self._parameters = parameters
        self._workspace = workspace
        self._services = [
            node.create_service(kind, f'~/{name}', requests.answering(name, answer))
            for name, kind, answer in (
                ('load_world', srv.LoadWorld, self._load),
                ('spawn_entity', srv.SpawnEntity, self._spawn),
                ('delete_entity', srv.DeleteEntity, self._delete),
                ('set_entity_state', srv.SetEntityState, self._set_entity),
                ('get_entities', srv.GetEntities, self._get_entities),
            )
        ]

    def destroy(self) -> None:
        """Offer them no more."""
        for service in self._services:
            self._node.destroy_service(service)

    def _load(self, request: srv.LoadWorld.Request, response: srv.LoadWorld.Response) -> None:
        table = self._table(request.world_resource)
        try:
            self._requests.done(lambda: self._requests.loop.load(table))
        except ConfigError as error:
            raise RequestRefused(_Result.RESULT_OPERATION_FAILED, str(error)) from None

    def _table(self, resource: ros.Resource) -> TableScene:
        uri, text = resource.uri, resource.resource_string
        try:
            if uri.startswith(_SEED):
                seed = uri.removeprefix(_SEED)
                if not seed.isdecimal():
                    raise RequestRefused(
                        _Load.UNSUPPORTED_FORMAT, f'uri: {uri!r} refused, seed:7 is allowed, say'
                    )
                return seeded_table(self._parameters, int(seed), self._workspace)
            if uri:
                return table_of_file(self._parameters, resolve(uri, Path()), self._workspace)
            if text:
                where = 'world_resource.resource_string'
                return table_of_text(self._parameters, text, self._workspace, where)
        except (ConfigError, InvalidParameter) as error:
            raise RequestRefused(_Load.RESOURCE_PARSE_ERROR, str(error)) from None
        raise RequestRefused(
            _Load.NO_RESOURCE, 'world_resource: both uri and resource_string are empty'
        )

    def _change(self, change: Callable[[], T], codes: dict[Refusal, int] | None = None) -> T:
        """Have the table changed, and say so on the topic; codes: of what may be refused."""

        def done() -> T:
            result = change()
            self._requests.loop.publish_scene()
            return result

        try:
            return self._requests.done(done)
        except (TableChangeRefused, InvalidInput) as error:
            refusal = getattr(error, 'refusal', Refusal.PLACE)
            known = _OF_ALL | (codes or {})
            code = known.get(refusal, _Result.RESULT_OPERATION_FAILED)
            raise RequestRefused(code, str(error)) from None
        except ValueError as error:  # of the arm's or the table's model
            raise RequestRefused(_Result.RESULT_OPERATION_FAILED, name_and_reason(error)) from None

    def _spawn(self, request: srv.SpawnEntity.Request, response: srv.SpawnEntity.Response) -> None:
        resource, pose = request.entity_resource, request.initial_pose
        if resource.uri:
            raise RequestRefused(
                _Spawn.UNSUPPORTED_FORMAT,
                f'entity_resource.uri: {resource.uri!r} refused, resource_string says what it is',
            )
        if not resource.resource_string:
            raise RequestRefused(_Spawn.NO_RESOURCE, 'entity_resource.resource_string: empty')
        if request.entity_namespace:
            raise RequestRefused(
                _Spawn.NAMESPACE_INVALID,
                f'entity_namespace: {request.entity_namespace!r} refused, entities have none',
            )

        def spawn() -> str:
            place = conversions.place_from_pose(
                pose.pose, pose.header.frame_id, self._workspace, 'initial_pose'
            )
            return self._world.spawn(
                request.name, resource.resource_string, place, request.allow_renaming
            )

        response.entity_name = self._change(spawn, _OF_SPAWNING)

    def _delete(
        self, request: srv.DeleteEntity.Request, response: srv.DeleteEntity.Response
    ) -> None:
        self._change(lambda: self._world.delete(request.entity))

    def _set_entity(
        self, request: srv.SetEntityState.Request, response: srv.SetEntityState.Response
    ) -> None:
        if request.set_twist or request.set_acceleration:
            raise RequestRefused(
                _Result.RESULT_FEATURE_UNSUPPORTED,
                'set_twist, set_acceleration: refused, entities have no motion of their own',
            )
        if not request.set_pose:
            raise RequestRefused(
                _Result.RESULT_OPERATION_FAILED, 'set_pose: false, nothing is to be set'
            )
        state = request.state

        def move() -> None:
            place = conversions.place_from_pose(
                state.pose, state.header.frame_id, self._workspace, 'state'
            )
            self._world.move(request.entity, place)

        self._change(move, _OF_MOVING)

    def _get_entities(
        self, request: srv.GetEntities.Request, response: srv.GetEntities.Response
    ) -> None:
        response.entities = list(self._world.sim.table_scene.ids)
