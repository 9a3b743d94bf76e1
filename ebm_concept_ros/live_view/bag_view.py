# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a viewer has at one moment of a bag: URDF, transforms, markers and map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import numpy as np

from ebm_concept_ros.arm.mesh_files import read_stl
from ebm_concept_ros.bags.reading import InvalidBag, opened
from ebm_concept_ros.live_view import solids
from ebm_concept_ros.live_view.solids import Solid

MARKERS, MAP = '/live_view/markers', '/live_view/energy'
_TRANSFORMS, _STATIC, _DESCRIPTION = '/tf', '/tf_static', '/robot_description'
_TYPES = {
    _DESCRIPTION: 'std_msgs/msg/String',
    _TRANSFORMS: 'tf2_msgs/msg/TFMessage',
    _STATIC: 'tf2_msgs/msg/TFMessage',
    MARKERS: 'visualization_msgs/msg/MarkerArray',
    MAP: 'nav_msgs/msg/OccupancyGrid',
}
# Of URDF: what has no colour is grey.
_GREY = (0.6, 0.6, 0.6, 1.0)


@dataclass(eq=False)
class View:
    """The newest message of each topic, for each has all that is to be seen of its kind.

    links: what each looks like, in its own frame.
    parents: of each frame, and its pose (4, 4) there. markers: by namespace and number.
    """

    links: dict[str, list[Solid]] = field(default_factory=dict)
    parents: dict[str, tuple[str, np.ndarray]] = field(default_factory=dict)
    markers: dict[tuple[str, int], Any] = field(default_factory=dict)
    map: Any = None

    def place_of(self, frame: str) -> np.ndarray:
        """Return the pose (4, 4) of a frame in the root of its tree."""
        pose = np.eye(4)
        while frame in self.parents:
            frame, step = self.parents[frame]
            pose = step @ pose
        return pose

    @property
    def robot(self) -> Iterator[Solid]:
        """Yield what the links look like, where the transforms have them."""
        for link, looks in self.links.items():
            pose = self.place_of(link)
            yield from (solid.at(pose) for solid in looks)


def view_of(path: Path | str, at_s: float | None = None) -> View:
    """Return what is to be seen at_s after the first energy was there, or in the end.

    Without an energy, as nothing was enacted, there is no map. Raises InvalidBag where the live
    view was not recorded, and where at_s has nothing to count from.
    """
    view = View()
    with opened(path) as bag:
        there = [topic for topic in _TYPES if bag.topics.get(topic, ('', 0))[1]]
        needed = [topic for topic in _TYPES if topic != MAP or at_s is not None]
        if missing := [topic for topic in needed if topic not in there]:
            raise InvalidBag(f'{path}: no {", ".join(missing)}; was live_view running?')
        began_ns = 0 if at_s is None else next(bag.messages(_TYPES[MAP], MAP))[0]
        for topic in there:
            # What is latched holds from the beginning, whenever the recorder came to hear of it.
            is_latched = topic in (_DESCRIPTION, _STATIC)
            until_ns = None if at_s is None or is_latched else began_ns + round(at_s * 1e9)
            message = bag.last(_TYPES[topic], topic, until_ns)
            if message is not None:
                _take(view, topic, message)
    return view


def _take(view: View, topic: str, message: Any) -> None:
    if topic == _DESCRIPTION:
        view.links = dict(_links(message.data))
    elif topic == MAP:
        view.map = message
    elif topic == MARKERS:
        for marker in message.markers:
            key = (marker.ns, marker.id)
            if marker.action == marker.ADD:
                view.markers[key] = marker
    else:
        for each in message.transforms:
            offset, turn = each.transform.translation, each.transform.rotation
            view.parents[each.child_frame_id] = (
                each.header.frame_id,
                solids.transform(
                    np.array([offset.x, offset.y, offset.z]),
                    solids.rotation_of_quaternion(turn.x, turn.y, turn.z, turn.w),
                ),
            )


def _links(urdf: str) -> Iterator[tuple[str, list[Solid]]]:
    for link in ElementTree.fromstring(urdf.encode()).iter('link'):
        looks = []
        for visual in link.iter('visual'):
            colour = visual.find('material/color')
            rgba = _GREY if colour is None else tuple(_numbers(colour.get('rgba')))
            origin = visual.find('origin')
            pose = solids.transform(
                _numbers(origin.get('xyz')), solids.rotation_of_rpy(_numbers(origin.get('rpy')))
            )
            looks.append(Solid(_triangles(visual.find('geometry')[0]), rgba).at(pose))
        yield link.get('name'), looks


def _triangles(shape: ElementTree.Element) -> np.ndarray:
    match shape.tag:
        case 'box':
            return solids.box(_numbers(shape.get('size')))
        case 'sphere':
            return solids.sphere(float(shape.get('radius')))
        case 'cylinder':
            return solids.cylinder(float(shape.get('radius')), float(shape.get('length')))
    return read_stl(Path(unquote(urlparse(shape.get('filename')).path)))


def _numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)
