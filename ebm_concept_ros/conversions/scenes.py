# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenes and demonstrations."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from copy import deepcopy

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
    MAX_ENTITIES,
    MAX_STATES,
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
    in_base = _in_base(message, workspace, field, default_frame)
    entities = message.entities
    if not entities:
        raise InvalidInput(f'{field}.entities: no entities, at least one is needed')
    if len(entities) > MAX_ENTITIES:
        raise InvalidInput(
            f'{field}.entities: {len(entities)} entities, at most {MAX_ENTITIES} are allowed'
        )
    ids = _ids(entities, field)
    rows = []
    for entity in entities:
        place, rgb = entity.pose.position, entity.colour
        sizes = entity.radius, entity.height, entity.shape, entity.width, entity.depth
        rows.append((place.x, place.y, rgb.r, rgb.g, rgb.b, *sizes))
    values = np.array(rows)
    _refuse_out_of_bounds(values, field)
    positions, sizes_m = values[:, :2], values[:, 5:7]
    if in_base:
        positions = np.asarray(workspace.to_plane(positions), float)
    try:
        scene = Scene(positions, values[:, 2:5], values[:, 7], [e.movable for e in entities])
    except InvalidInput as error:
        raise InvalidInput(f'{field}.entities: {error}') from None
    return NamedScene(ids, scene, sizes_m if sizes_m.any() else None)


def _in_base(message: ros.Scene, workspace: Workspace, field: str, default_frame: str) -> bool:
    """Tell whether positions are metres in the base frame, and not particle units."""
    frame = message.header.frame_id or default_frame
    if frame not in (workspace.particle_frame, workspace.base_frame):
        raise InvalidInput(
            f'{field}.header.frame_id: unknown frame {frame!r}, '
            f'expected {workspace.particle_frame!r} or {workspace.base_frame!r}'
        )
    return frame == workspace.base_frame


def _ids(entities: Sequence[ros.Entity], field: str) -> tuple[str, ...]:
    ids = tuple(entity.id for entity in entities)
    if len(set(ids)) == len(ids) and all(ids):
        return ids
    index = next(i for i, name in enumerate(ids) if not name or name in ids[:i])
    where, name = f'{field}.entities[{index}].id', ids[index]
    if not name:
        raise InvalidInput(f'{where}: empty')
    raise InvalidInput(f'{where}: {name!r} is already the id of entity {ids.index(name)}')


# Of the numbers of an entity: where they stand in its message, and between what they lie.
_NUMBERS = (
    ('pose.position.x', -_MAX_COORDINATE, _MAX_COORDINATE),
    ('pose.position.y', -_MAX_COORDINATE, _MAX_COORDINATE),
    ('colour.r', 0.0, 1.0),
    ('colour.g', 0.0, 1.0),
    ('colour.b', 0.0, 1.0),
    ('radius', 0.0, _MAX_SIZE_M),
    ('height', 0.0, _MAX_SIZE_M),
    ('shape', 0, len(SHAPES) - 1),
    ('width', 0.0, _MAX_SIZE_M),
    ('depth', 0.0, _MAX_SIZE_M),
)
_LOW, _HIGH = (np.array([row[i] for row in _NUMBERS], float) for i in (1, 2))


def _refuse_out_of_bounds(values: np.ndarray, field: str) -> None:
    """Raise InvalidInput where one of the numbers (N, 10) of the entities is out of its bounds."""
    with np.errstate(invalid='ignore'):
        bad = ~((values >= _LOW) & (values <= _HIGH))
    if not bad.any():
        return
    entity, column = np.argwhere(bad)[0]
    name, low, high = _NUMBERS[column]
    value = values[entity, column]
    where = f'{field}.entities[{entity}].{name}'
    if name == 'shape':
        raise InvalidInput(f'{where}: {int(value)}, expected {low} to {high}')
    if not name.startswith('pose'):
        raise InvalidInput(f'{where}: {value} is not within [{low:g}, {high:g}]')
    if not np.isfinite(value):
        raise InvalidInput(f'{where}: {value} is not finite')
    raise InvalidInput(f'{where}: {value:g} is out of the workspace')


def scene_to_message(named: NamedScene, workspace: Workspace, stamp_ns: int = 0) -> ros.Scene:
    """Return a scene's message in the particle plane."""
    scene = named.scene
    sizes_m = np.zeros((len(scene), 2)) if named.sizes_m is None else named.sizes_m
    return ros.Scene(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.particle_frame),
        entities=[
            entity_message(
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


def moved_scene_message(message: ros.Scene, moved: Scene, workspace: Workspace) -> ros.Scene:
    """Return a message that `scene_from_message` took, in its frame, with movables moved."""
    in_base = message.header.frame_id == workspace.base_frame
    positions = workspace.to_base(moved.positions) if in_base else moved.positions
    copied = deepcopy(message)
    for entity, place, movable in zip(copied.entities, positions, moved.movable, strict=True):
        if movable:
            entity.pose.position.x, entity.pose.position.y = map(float, place)
    return copied


def attention_from_message(values: Sequence[float], ids: Sequence[str]) -> np.ndarray | None:
    """Return attention (N,), None where none is given, or raise InvalidInput."""
    if not len(values):
        return None
    return _attention('attention', values, ids)


def _attention(field: str, values: Sequence[float], ids: Sequence[str]) -> np.ndarray:
    attention = np.asarray(values, float)
    if len(attention) != len(ids):
        raise InvalidInput(f'{field}: {len(attention)} values for {len(ids)} entities')
    bad = ~((attention >= 0) & (attention <= 1))
    if bad.any():
        index = int(bad.argmax())
        raise InvalidInput(f'{field}[{index}]: {attention[index]} is not within [0, 1]')
    return attention


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
        entity_message(
            entity.id,
            (*position, height_m),
            entity.rgb,
            SHAPES.index(entity.shape),
            False,
            (entity.radius_m, entity.height_m),
        )
        for entity, position in zip(table_scene.entities, positions_in_base_m, strict=True)
    ]
    message.entities.append(
        entity_message(EFFECTOR_ID, effector_in_base_m, ACTOR_COLOUR, SHAPES.index('cross'), True)
    )
    return message


def entity_message(
    name: str,
    position: Sequence[float],
    rgb: Sequence[float],
    shape: int,
    movable: bool,
    size_m: tuple[float, float] = (0.0, 0.0),
) -> ros.Entity:
    """Return the message of one entity at (3,), colours in [0, 1]; size_m: radius and height."""
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
    if len(message.states) > MAX_STATES:
        raise InvalidInput(
            f'demonstration.states: {len(message.states)} given, at most {MAX_STATES} are allowed'
        )
    states = [
        scene_from_message(state, workspace, f'demonstration.states[{t}]', message.header.frame_id)
        for t, state in enumerate(message.states)
    ]
    ids = states[0].ids
    for t, state in enumerate(states[1:], 1):
        if state.ids == ids:
            continue
        field = f'demonstration.states[{t}].entities'
        if len(state.ids) != len(ids):
            raise InvalidInput(f'{field}: {len(state.ids)} entities, state 0 has {len(ids)}')
        raise InvalidInput(
            f'{field}: ids {list(state.ids)} are not those of state 0, {list(ids)}, '
            'in the same order'
        )
    attention = _attention('demonstration.attention', message.attention, ids)
    try:
        roles = np.asarray(message.roles, int) if len(message.roles) else None
        demonstration = Demonstration(tuple(s.scene for s in states), attention, roles)
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
        roles=[] if demonstration.roles is None else demonstration.roles.tolist(),
    )
