# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the live view shows, as markers: each part of it drawn anew when it has changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from visualization_msgs.msg import Marker

import ebm_concept_ros.msg as ros
from ebm_concept_ros.conversions import markers
from ebm_concept_ros.nodes.marker_board import Key
from ebm_concept_ros.types import NamedDemonstration, NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import Demonstration

Status = ros.ControllerStatus
# The namespaces, which a viewer can switch off one by one.
TABLE, ENTITIES, IDS, TAKING_PART = 'table', 'entities', 'ids', 'taking_part'
EFFECTOR, GOAL, PLAN, STATE = 'effector', 'goal', 'plan', 'state'
DEMONSTRATIONS, REFUSED = 'demonstrations', 'refused'
NAMESPACES = (
    *(TABLE, ENTITIES, IDS, TAKING_PART, EFFECTOR, GOAL, PLAN, STATE),
    *(DEMONSTRATIONS, REFUSED),
)

_STATES = {
    Status.WAITING: 'waiting',
    Status.HOLDING: 'holding',
    Status.TRACKING: 'tracking',
    Status.FAULT: 'fault',
}
_TABLE_RGBA = (0.82, 0.80, 0.77, 1.0)
_TEXT_RGBA, _RING_RGB = (1.0, 1.0, 1.0, 1.0), (1.0, 0.8, 0.0)
_GOAL_RGBA, _IDLE_GOAL_RGBA = (0.1, 0.9, 0.2, 0.9), (0.6, 0.6, 0.6, 0.6)
_PLAN_RGBA, _EFFECTOR_RGBA = (1.0, 0.45, 0.0, 1.0), (0.1, 0.1, 0.1, 1.0)
_SHOWN_RGBA, _REFUSED_RGBA = (0.2, 0.5, 1.0, 0.8), (0.9, 0.05, 0.05, 0.8)
_BORDER_M, _THICKNESS_M = 0.08, 0.02
_USUAL_RADIUS_M, _FLAT_M, _ABOVE_M = 0.024, 0.004, 0.004
_TEXT_M, _STATE_TEXT_M, _TEXT_ABOVE_M, _STATE_ABOVE_M = 0.016, 0.022, 0.03, 0.3
_LONGEST_TEXT = 140
_MOST_DEMONSTRATIONS, _MOST_REMEMBERED, _MOST_STATES_DRAWN = 10, 50, 100
_TAKES_PART = 0.5


class LiveMarkers:
    """The markers by namespace and name, of the newest of all that was told."""

    def __init__(self, workspace: Workspace, demonstrations_s: float) -> None:
        """demonstrations_s: how long a demonstration is shown."""
        self._workspace = workspace
        self._stays_s = demonstrations_s
        self._top_m = workspace.table_height_in_base_m
        self._parts: dict[str, dict[Key, Marker]] = {'table': {(TABLE, '0'): self._table()}}
        self._heights_m: dict[str, tuple[np.ndarray, float]] = {}
        self._passing: deque[tuple[float, dict[Key, Marker]]] = deque(maxlen=_MOST_DEMONSTRATIONS)
        self._number = 0  # of demonstrations so far, refused ones too
        self._remembered: deque[NamedDemonstration] = deque(maxlen=_MOST_REMEMBERED)

    def shown(self, now_s: float) -> dict[Key, Marker]:
        """Return all that is to be seen at a time on the clock that demonstrations came by."""
        while self._passing and self._passing[0][0] <= now_s:
            self._passing.popleft()
        parts = [*self._parts.values(), *(passing for _, passing in self._passing)]
        return {key: marker for part in parts for key, marker in part.items()}

    # What it is told -------------------------------------------------------------------------

    def scene(self, named: NamedScene, entities: Sequence[ros.Entity] = ()) -> None:
        """Take what is on the table; the effector is told of by the status.

        entities: the same in the base frame, by which blocks are drawn as they are lifted.
        """
        part: dict[Key, Marker] = {}
        places = self._workspace.to_base(named.scene.positions)
        sizes = np.zeros((len(places), 2)) if named.sizes_m is None else named.sizes_m
        self._heights_m = {}
        for i, name in enumerate(named.ids):
            if named.scene.movable[i]:
                continue
            foot = np.append(places[i], self._top_m)
            radius, height = sizes[i, 0] or _USUAL_RADIUS_M, sizes[i, 1] or _FLAT_M
            rgba = (*named.scene.colours[i], 1.0)
            shape = int(named.scene.shapes[i])
            block = markers.block_marker(entities[i], rgba) if entities else None
            if block is not None:
                foot[2] = entities[i].pose.position.z
            part[ENTITIES, name] = block or markers.entity_marker(
                *(shape, foot, radius, height, rgba)
            )
            above = foot + np.array([0.0, 0.0, height + _TEXT_ABOVE_M])
            part[IDS, name] = markers.text_marker(name, above, _TEXT_M, _TEXT_RGBA)
            self._heights_m[name] = foot, radius
        self._parts['scene'] = part

    def status(self, status: Status) -> None:
        """Take what the controller does; numbers that are not finite are not drawn."""
        part: dict[Key, Marker] = {}
        for name, attention in zip(status.entity_ids, status.attention, strict=False):
            if name in self._heights_m and _TAKES_PART < attention <= 1.0:
                foot, radius = self._heights_m[name]
                part[TAKING_PART, name] = markers.ring_marker(
                    foot + np.array([0.0, 0.0, _ABOVE_M]),
                    *(radius + 0.014, 0.007, (*_RING_RGB, attention)),
                )
        effector, goal = (_place(p) for p in (status.effector_in_base, status.goal_in_base))
        if effector.any() and np.isfinite(effector).all():
            part[EFFECTOR, '0'] = markers.sphere_marker(effector, 0.008, _EFFECTOR_RGBA)
        if status.concept and np.isfinite(goal).all():
            rgba = _GOAL_RGBA if status.state == Status.TRACKING else _IDLE_GOAL_RGBA
            below = np.array([goal[0], goal[1], self._top_m])
            part[GOAL, 'place'] = markers.sphere_marker(goal, 0.012, rgba)
            part[GOAL, 'height'] = markers.line_marker(np.stack([below, goal]), 0.003, rgba)
        text = f'{_STATES.get(status.state, status.state)}: {status.reason}'
        if np.isfinite(status.energy):
            text += f', energy {status.energy:.3g}'
        part[STATE, '0'] = self._text(text, _TEXT_RGBA)
        self._parts['status'] = part

    def plan(self, places_m: np.ndarray) -> None:
        """Take where the plan leads the effector, (K, 3) m; K may be 0."""
        part = {}
        if len(places_m) > 1:
            part[PLAN, '0'] = markers.line_marker(places_m, 0.006, _PLAN_RGBA)
        self._parts['plan'] = part

    def demonstration(self, named: NamedDemonstration, now_s: float) -> None:
        """Take a demonstration that can be learned from."""
        self._remembered.append(named)
        drawn = self._drawn(named.demonstration, _SHOWN_RGBA)
        self._pass(now_s, DEMONSTRATIONS, drawn)

    def refused_demonstration(self, message: ros.Demonstration, reason: str, now_s: float) -> None:
        """Take one that cannot, and why; where its entities are is drawn as far as it is known."""
        z = self._top_m + _ABOVE_M
        drawn = [
            markers.sphere_marker((*place, z), _USUAL_RADIUS_M / 2, _REFUSED_RGBA)
            for place in self._places_in(message)
        ]
        self._pass(now_s, REFUSED, [*drawn, self._text(reason, _REFUSED_RGBA, line=1)])

    def concept(self, names: Sequence[tuple[str, int]], why_refused: str) -> None:
        """Take the newest concept: of what, from how many demonstrations each, and why not.

        why_refused: empty where it is enacted; else the demonstrations that it is of are shown as
        refused, until another concept comes.
        """
        part: dict[Key, Marker] = {}
        if why_refused:
            drawn = [self._text(why_refused, _REFUSED_RGBA, line=1)]
            for name, number in names:
                of_it = [each for each in self._remembered if each.concept == name]
                for named in of_it[max(len(of_it) - number, 0) :][-_MOST_DEMONSTRATIONS:]:
                    drawn += self._drawn(named.demonstration, _REFUSED_RGBA)
            part = {(REFUSED, f'concept/{i}'): marker for i, marker in enumerate(drawn)}
        self._parts['concept'] = part

    # How it is drawn -------------------------------------------------------------------------

    def _pass(self, now_s: float, namespace: str, drawn: list[Marker]) -> None:
        self._number += 1
        part = {(namespace, f'{self._number}/{i}'): marker for i, marker in enumerate(drawn)}
        self._passing.append((now_s + self._stays_s, part))

    def _drawn(self, shown: Demonstration, rgba: Sequence[float]) -> list[Marker]:
        """Return who took part, where they were in the end, and the way of who acted."""
        after, z = shown.states[-1], self._top_m + _ABOVE_M
        places = self._workspace.to_base(after.positions)
        drawn = []
        for i in np.flatnonzero((shown.attention > _TAKES_PART) | after.movable):
            foot = (*places[i], z)
            ghost = (*after.colours[i], 0.5)
            drawn.append(
                markers.entity_marker(int(after.shapes[i]), foot, _USUAL_RADIUS_M, _FLAT_M, ghost)
            )
            drawn.append(markers.ring_marker(foot, _USUAL_RADIUS_M + 0.008, 0.004, rgba))
            if after.movable[i]:
                drawn += self._way(shown, int(i), rgba)
        return drawn

    def _way(self, shown: Demonstration, i: int, rgba: Sequence[float]) -> Iterator[Marker]:
        step = -(-len(shown.states) // _MOST_STATES_DRAWN)
        states = [*shown.states[:-1:step], shown.states[-1]]
        places = self._workspace.to_base(np.array([state.positions[i] for state in states]))
        way = np.column_stack([places, np.full(len(places), self._top_m + 3 * _ABOVE_M)])
        if len(way) > 2:
            yield markers.line_marker(way[:-1], 0.004, rgba)
        yield markers.arrow_marker(way[-2], way[-1], 0.006, rgba)

    def _places_in(self, message: ros.Demonstration) -> Iterator[np.ndarray]:
        """Yield where a message that is not valid has entities, (2,) m, as far as on the table."""
        reach = 2 * self._workspace.half_width_units
        for state in message.states[-1:]:
            frame = state.header.frame_id or message.header.frame_id
            for entity in state.entities[:_MOST_REMEMBERED]:
                place = np.array([entity.pose.position.x, entity.pose.position.y])
                if frame != self._workspace.base_frame:
                    place = self._workspace.to_base(place)
                if (np.abs(self._workspace.to_plane(place)) <= reach).all():
                    yield place

    def _table(self) -> Marker:
        side = 2 * (self._half_m + _BORDER_M)
        x, y = self._workspace.centre_in_base_m
        centre = (x, y, self._top_m - _THICKNESS_M / 2)
        return markers.box_marker(centre, (side, side, _THICKNESS_M), _TABLE_RGBA)

    def _text(self, text: str, rgba: Sequence[float], line: int = 0) -> Marker:
        """Return a text beyond the table."""
        x, y = self._workspace.centre_in_base_m
        place = (x + self._half_m, y, self._top_m + _STATE_ABOVE_M - 2 * line * _STATE_TEXT_M)
        return markers.text_marker(text[:_LONGEST_TEXT], place, _STATE_TEXT_M, rgba)

    @property
    def _half_m(self) -> float:
        return self._workspace.half_width_units * self._workspace.metres_per_unit


def _place(point: object) -> np.ndarray:
    return np.array([point.x, point.y, point.z])
