# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a bag shows: the demonstrations in it, or scenes in which somebody moved something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ebm_concept_ros import conversions
from ebm_concept_ros.bags.reading import Bag, InvalidBag
from ebm_concept_ros.bags.segments import Rest, Segment, segments
from ebm_concept_ros.package_files import PACKAGE
from ebm_concept_ros.types import NamedDemonstration, NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import InvalidInput

_DEMONSTRATION, _SCENE = f'{PACKAGE}/msg/Demonstration', f'{PACKAGE}/msg/Scene'


def demonstrations_in(
    bag: Bag, workspace: Workspace, topic: str = ''
) -> Iterator[NamedDemonstration]:
    """Yield the demonstrations of a bag, in order; raises InvalidBag."""
    for number, (_, message) in enumerate(bag.messages(_DEMONSTRATION, topic), 1):
        try:
            yield conversions.demonstration_from_message(message, workspace)
        except InvalidInput as error:
            raise InvalidBag(f'demonstration {number} of the bag: {error}') from None


def segments_in(
    bag: Bag,
    workspace: Workspace,
    taking_part: Sequence[str],
    rest: Rest | None = None,
    topic: str = '',
) -> Iterator[Segment]:
    """Yield what somebody did in the scenes of a bag, from rest to rest; raises InvalidBag.

    taking_part: ids of those who take part beside the one that was moved.
    """

    def scenes() -> Iterator[tuple[float, NamedScene]]:
        for number, (time_ns, message) in enumerate(bag.messages(_SCENE, topic), 1):
            try:
                yield time_ns / 1e9, conversions.scene_from_message(message, workspace)
            except InvalidInput as error:
                raise InvalidBag(f'scene {number} of the bag: {error}') from None

    try:
        yield from segments(scenes(), taking_part, rest or Rest())
    except InvalidInput as error:
        raise InvalidBag(str(error)) from None
