"""Messages to and from the library's objects: the one place that validates messages.

What a node receives passes through here once. A message that is not usable is refused with
`InvalidInput`, whose text names the field as it is written in the message definition and the
reason; the rest of the package may rely on what comes out. Positions come out in particle units
whatever frame they came in; the correspondence itself is `workspace.Workspace`.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose
from sensor_msgs.msg import JointState
from std_msgs.msg import ColorRGBA, Header

import ebm_concept_ros.msg as ros
from ebm_concept_ros.arm.table_scene import EFFECTOR_ID, TableScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.scene import (
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
# Of joint positions and velocities: beyond it no arm is, and squares begin to overflow.
_MAX_JOINT_VALUE = 1e6
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, eq=False)
class NamedScene:
    """A scene and the names that its entities have in messages, in the same order."""

    ids: tuple[str, ...]
    scene: Scene


@dataclass(frozen=True, eq=False)
class NamedDemonstration:
    """A demonstration and the concept that it shows."""

    concept: str
    demonstration: Demonstration


@dataclass(frozen=True, eq=False)
class ConceptCodes:
    """An inferred concept as it travels: two codes (D,) and the weights they belong to."""

    name: str
    action_code: np.ndarray
    argument_code: np.ndarray
    model_sha256: str
    demonstrations: int = 0
    action_energies: tuple[float, ...] = ()
    argument_energies: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class JointSample:
    """What the joints did at one instant: positions (n,) rad, velocities (n,) rad/s."""

    stamp_ns: int
    positions_rad: np.ndarray
    velocities_rad_s: np.ndarray


@dataclass(frozen=True, eq=False)
class EffortCommand:
    """Efforts (n,) in N·m, and the stamp of the joint state that they answer."""

    stamp_ns: int
    efforts_nm: np.ndarray


def stamp_to_ns(stamp: Time) -> int:
    """Return a stamp as integer nanoseconds, so that equal stamps compare equal."""
    return stamp.sec * _NANOSECONDS + stamp.nanosec


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return the message of a non-negative time in nanoseconds."""
    seconds, nanoseconds = divmod(int(stamp_ns), _NANOSECONDS)
    return Time(sec=seconds, nanosec=nanoseconds)


# Scenes --------------------------------------------------------------------------------------


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
    if frame == workspace.base_frame:
        positions = np.asarray(workspace.to_plane(positions), float)
    colours = [(e.colour.r, e.colour.g, e.colour.b) for e in entities]
    try:
        scene = Scene(
            positions, colours, [e.shape for e in entities], [e.movable for e in entities]
        )
    except InvalidInput as error:
        raise InvalidInput(f'{field}.entities: {error}') from None
    return NamedScene(tuple(ids), scene)


def scene_to_message(named: NamedScene, workspace: Workspace, stamp_ns: int = 0) -> ros.Scene:
    """Return a scene's message in the particle plane."""
    scene = named.scene
    return ros.Scene(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=workspace.particle_frame),
        entities=[
            _entity(
                named.ids[i],
                (*scene.positions[i], 0.0),
                scene.colours[i],
                int(scene.shapes[i]),
                bool(scene.movable[i]),
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
        )
        for entity, position in zip(table_scene.entities, positions_in_base_m, strict=True)
    ]
    message.entities.append(
        _entity(EFFECTOR_ID, effector_in_base_m, ACTOR_COLOUR, SHAPES.index('cross'), True)
    )
    return message


def _entity(
    name: str, position: Sequence[float], rgb: Sequence[float], shape: int, movable: bool
) -> ros.Entity:
    pose = Pose()
    pose.position = point(position)
    r, g, b = (float(c) for c in rgb)
    return ros.Entity(
        id=name, pose=pose, colour=ColorRGBA(r=r, g=g, b=b, a=1.0), shape=shape, movable=movable
    )


def point(position: Sequence[float]) -> Point:
    """Return the message of a (3,) position."""
    x, y, z = (float(c) for c in position)
    return Point(x=x, y=y, z=z)


# Demonstrations ------------------------------------------------------------------------------


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
    """Return the message of a demonstration in the particle plane; ids are entity_0, entity_1 …"""
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


# Concepts ------------------------------------------------------------------------------------


def concept_from_message(message: ros.Concept, model_sha256: str, code_size: int) -> ConceptCodes:
    """Return the concept's codes, or raise InvalidInput naming field and reason.

    A concept belongs to the weights that it was inferred with: another hash is refused.
    """
    if not message.name:
        raise InvalidInput('concept.name: empty')
    if message.model_sha256 != model_sha256:
        raise InvalidInput(
            f'concept.model_sha256: {message.model_sha256[:12] or "empty"} is not that of the '
            f'weights loaded here, {model_sha256[:12]}'
        )
    codes = {}
    for field in ('action_code', 'argument_code'):
        code = np.array(getattr(message, field), float)
        if code.shape != (code_size,):
            raise InvalidInput(
                f'concept.{field}: {len(code)} values, the model has codes of {code_size}'
            )
        if not np.isfinite(code).all():
            raise InvalidInput(f'concept.{field}: contains NaN or infinity')
        code.setflags(write=False)
        codes[field] = code
    return ConceptCodes(
        message.name,
        codes['action_code'],
        codes['argument_code'],
        message.model_sha256,
        message.demonstrations,
        tuple(message.action_energies),
        tuple(message.argument_energies),
    )


def concept_to_message(concept: ConceptCodes, stamp_ns: int = 0) -> ros.Concept:
    """Return the message of an inferred concept."""

    def doubles(values: Iterable[float]) -> array:
        return array('d', (float(v) for v in values))

    return ros.Concept(
        header=Header(stamp=ns_to_stamp(stamp_ns)),
        name=concept.name,
        action_code=doubles(concept.action_code),
        argument_code=doubles(concept.argument_code),
        model_sha256=concept.model_sha256,
        demonstrations=concept.demonstrations,
        action_energies=doubles(concept.action_energies),
        argument_energies=doubles(concept.argument_energies),
    )


# Joints --------------------------------------------------------------------------------------


def joint_state_from_message(message: JointState, joint_names: Sequence[str]) -> JointSample:
    """Return positions and velocities in the order of joint_names; matched by name.

    Joints that are not the arm's (a gripper's, say) are ignored; a missing one is refused.
    """
    order = _order(message.name, joint_names, 'joint_states', extra_allowed=True)
    positions = _per_joint(message.position, message.name, order, 'joint_states.position')
    velocities = _per_joint(message.velocity, message.name, order, 'joint_states.velocity')
    return JointSample(
        stamp_to_ns(message.header.stamp),
        _within(positions, joint_names, 'joint_states.position'),
        _within(velocities, joint_names, 'joint_states.velocity'),
    )


def joint_state_to_message(
    joint_names: Sequence[str],
    positions_rad: np.ndarray,
    velocities_rad_s: np.ndarray,
    efforts_nm: np.ndarray,
    stamp_ns: int,
) -> JointState:
    """Return the message of the joints' positions, velocities and applied efforts."""
    return JointState(
        header=Header(stamp=ns_to_stamp(stamp_ns)),
        name=list(joint_names),
        position=array('d', positions_rad.tolist()),
        velocity=array('d', velocities_rad_s.tolist()),
        effort=array('d', efforts_nm.tolist()),
    )


def effort_from_message(message: JointState, joint_names: Sequence[str]) -> EffortCommand:
    """Return the efforts in the order of joint_names; exactly those joints, in any order."""
    order = _order(message.name, joint_names, 'joint_effort_commands', extra_allowed=False)
    efforts = _per_joint(message.effort, message.name, order, 'joint_effort_commands.effort')
    return EffortCommand(stamp_to_ns(message.header.stamp), efforts)


def effort_to_message(
    joint_names: Sequence[str], efforts_nm: np.ndarray, stamp_ns: int
) -> JointState:
    """Return the command's message; stamp_ns is that of the joint state it answers."""
    return JointState(
        header=Header(stamp=ns_to_stamp(stamp_ns)),
        name=list(joint_names),
        effort=array('d', efforts_nm.tolist()),
    )


def _order(
    names: Sequence[str], wanted: Sequence[str], topic: str, extra_allowed: bool
) -> list[int]:
    """Return where each wanted name stands in names."""
    index = {name: i for i, name in enumerate(names)}
    if len(index) != len(names):
        raise InvalidInput(f'{topic}.name: a joint is named twice in {list(names)}')
    missing = [name for name in wanted if name not in index]
    if missing:
        raise InvalidInput(
            f'{topic}.name: {missing} missing; given {list(names)}, expected {list(wanted)}'
        )
    if not extra_allowed and len(names) != len(wanted):
        unknown = [name for name in names if name not in wanted]
        raise InvalidInput(f'{topic}.name: unknown {unknown}; expected exactly {list(wanted)}')
    return [index[name] for name in wanted]


def _per_joint(
    values: Sequence[float], names: Sequence[str], order: list[int], field: str
) -> np.ndarray:
    if len(values) != len(names):
        raise InvalidInput(f'{field}: {len(values)} values for {len(names)} names')
    out = np.array(values, float)[order]
    if not np.isfinite(out).all():
        worst = order[int((~np.isfinite(out)).argmax())]
        raise InvalidInput(f'{field}: joint {names[worst]!r} has {values[worst]}')
    out.setflags(write=False)
    return out


def _within(values: np.ndarray, joint_names: Sequence[str], field: str) -> np.ndarray:
    beyond = np.abs(values) > _MAX_JOINT_VALUE
    if beyond.any():
        joint = int(beyond.argmax())
        raise InvalidInput(
            f'{field}: joint {joint_names[joint]!r} has {values[joint]:g}, out of any range'
        )
    return values
