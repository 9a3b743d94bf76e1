# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenes and demonstrations."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point, Pose
from std_msgs.msg import ColorRGBA, Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros.arm.table_scene import EFFECTOR_ID, TableScene
from ebm_concept_ros.conversions.stamps import ns_to_stamp
from ebm_concept_ros.types import NamedDemonstration, NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import (
    ACTOR_COLOUR,
    COLOURS,
    MAX_ENTITIES,
    SHAPES,
    Demonstration,
    InvalidInput,
    Scene,
)

# Far beyond any table, far below overflow when mapped to the plane.
_MAX_COORDINATE = 1e6
_MAX_SIZE_M = 10.0


def scene_from_message(
    message: ros.Scene, workspace: Workspace, field: str = 'scene', default_frame: str = ''
) -> NamedScene:
    """Return the scene in particle units.

    default_frame: the frame where the message's own header names none (states within a
    demonstration). Raises InvalidInput naming the field and the reason.
    """
    frame = message.header.frame_id or default_frame
    if frame not in (workspace.particle_frame, workspace.base_frame):
        raise InvalidInput(
            f'{field}.header.frame_id: unknown frame {frame!r}, '
            f'expected {workspace.particle_frame!r} or {workspace.base_frame!r}'
        )
    entities = message.entities
    if not entities:
        raise InvalidInput(f'{field}.entities: no entities, at least one is needed')
    if len(entities) > MAX_ENTITIES:
        raise InvalidInput(
            f'{field}.entities: {len(entities)} entities, at most {MAX_ENTITIES} are allowed'
        )
    ids: dict[str, int] = {}
    positions = np.empty((len(entities), 2))
    sizes_m = np.array([(entity.radius, entity.height) for entity in entities])
    for index, entity in enumerate(entities):
        where = f'{field}.entities[{index}]'
        if not entity.id:
            raise InvalidInput(f'{where}.id: empty')
        if entity.id in ids:
            raise InvalidInput(
                f'{where}.id: {entity.id!r} is already the id of entity {ids[entity.id]}'
            )
        ids[entity.id] = index
        if entity.shape >= len(SHAPES):
            raise InvalidInput(f'{where}.shape: {entity.shape}, expected 0 to {len(SHAPES) - 1}')
        for component in 'rgb':
            value = getattr(entity.colour, component)
            if not 0.0 <= value <= 1.0:
                raise InvalidInput(f'{where}.colour.{component}: {value} is not within [0, 1]')
        for axis, coordinate in enumerate('xy'):
            value = getattr(entity.pose.position, coordinate)
            if not math.isfinite(value):
                raise InvalidInput(f'{where}.pose.position.{coordinate}: {value} is not finite')
            if abs(value) > _MAX_COORDINATE:
                raise InvalidInput(
                    f'{where}.pose.position.{coordinate}: {value:g} is out of the workspace'
                )
            positions[index, axis] = value
        for name, value in zip(('radius', 'height'), sizes_m[index], strict=True):
            if not 0.0 <= value <= _MAX_SIZE_M:
                raise InvalidInput(f'{where}.{name}: {value} is not within [0, {_MAX_SIZE_M:g}]')
    if frame == workspace.base_frame:
        positions = np.asarray(workspace.to_plane(positions), float)
    colours = [(e.colour.r, e.colour.g, e.colour.b) for e in entities]
    try:
        scene = Scene(
            positions, colours, [e.shape for e in entities], [e.movable for e in entities]
        )
    except InvalidInput as error:
        raise InvalidInput(f'{field}.entities: {error}') from None
    return NamedScene(tuple(ids), scene, sizes_m if sizes_m.any() else None)


def scene_to_message(named: NamedScene, workspace: Workspace, stamp_ns: int = 0) -> ros.Scene:
    """Return a scene's message in the particle plane."""
    scene = named.scene
    sizes_m = np.zeros((len(scene), 2)) if named.sizes_m is None else named.sizes_m
    return ros.Scene(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.particle_frame),
        entities=[
            _entity(
                named.ids[i],
                (*scene.positions[i], 0.0),
                scene.colours[i],
                int(scene.shapes[i]),
                bool(scene.movable[i]),
                tuple(sizes_m[i].tolist()),
            )
            for i in range(len(scene))
        ],
    )


def table_scene_to_message(
    table_scene: TableScene,
    positions_in_base_m: np.ndarray,
    effector_in_base_m: Sequence[float],
    workspace: Workspace,
    stamp_ns: int = 0,
) -> ros.Scene:
    """Return the message of the table's entities and the arm's end effector, in the base frame.

    positions_in_base_m: (N, 2) m, where the entities are now; effector_in_base_m: (3,) m. The
    effector is the actor, a movable black cross.
    """
    message = ros.Scene(header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.base_frame))
    height_m = workspace.table_height_in_base_m
    message.entities = [
        _entity(
            entity.id,
            (*position, height_m),
            COLOURS[entity.colour],
            SHAPES.index(entity.shape),
            False,
            (entity.radius_m, entity.height_m),
        )
        for entity, position in zip(table_scene.entities, positions_in_base_m, strict=True)
    ]
    message.entities.append(
        _entity(EFFECTOR_ID, effector_in_base_m, ACTOR_COLOUR, SHAPES.index('cross'), True)
    )
    return message


def _entity(
    name: str,
    position: Sequence[float],
    rgb: Sequence[float],
    shape: int,
    movable: bool,
    size_m: tuple[float, float] = (0.0, 0.0),
) -> ros.Entity:
    pose = Pose()
    pose.position = point(position)
    r, g, b = (float(c) for c in rgb)
    return ros.Entity(
        id=name,
        pose=pose,
        colour=ColorRGBA(r=r, g=g, b=b, a=1.0),
        shape=shape,
        movable=movable,
        radius=size_m[0],
        height=size_m[1],
    )


def point(position: Sequence[float]) -> Point:
    """Return the message of a (3,) position."""
    x, y, z = (float(c) for c in position)
    return Point(x=x, y=y, z=z)


def demonstration_from_message(
    message: ros.Demonstration, workspace: Workspace
) -> NamedDemonstration:
    """Return the demonstration in particle units, or raise InvalidInput naming field and reason.

    The states take the frame of the demonstration's header where theirs is empty.
    """
    if not message.concept:
        raise InvalidInput('demonstration.concept: empty')
    if len(message.states) < 2:
        raise InvalidInput(
            f'demonstration.states: {len(message.states)} given, at least 2 (before and after) '
            'are needed'
        )
    states = [
        scene_from_message(state, workspace, f'demonstration.states[{t}]', message.header.frame_id)
        for t, state in enumerate(message.states)
    ]
    ids = states[0].ids
    for t, state in enumerate(states):
        field = f'demonstration.states[{t}].entities'
        if len(state.ids) != len(ids):
            raise InvalidInput(f'{field}: {len(state.ids)} entities, state 0 has {len(ids)}')
        if state.ids != ids:
            raise InvalidInput(
                f'{field}: ids {list(state.ids)} are not those of state 0, {list(ids)}, '
                'in the same order'
            )
    attention = np.asarray(message.attention, float)
    if len(attention) != len(ids):
        raise InvalidInput(
            f'demonstration.attention: {len(attention)} values for {len(ids)} entities'
        )
    bad = ~((attention >= 0) & (attention <= 1))
    if bad.any():
        index = int(bad.argmax())
        raise InvalidInput(
            f'demonstration.attention[{index}]: {attention[index]} is not within [0, 1]'
        )
    try:
        demonstration = Demonstration(tuple(s.scene for s in states), attention)
    except InvalidInput as error:
        raise InvalidInput(f'demonstration.{error}') from None
    return NamedDemonstration(message.concept, demonstration)


def demonstration_to_message(
    concept: str, demonstration: Demonstration, workspace: Workspace, stamp_ns: int = 0
) -> ros.Demonstration:
    """Return a demonstration's message in the particle plane; ids are entity_0, entity_1 …."""
    ids = tuple(f'entity_{i}' for i in range(len(demonstration.attention)))
    return ros.Demonstration(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.particle_frame),
        concept=concept,
        states=[
            scene_to_message(NamedScene(ids, state), workspace, stamp_ns)
            for state in demonstration.states
        ],
        attention=array('d', demonstration.attention.tolist()),
    )
