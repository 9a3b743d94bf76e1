# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the page asks of the nodes; nodes/page_link.py does it over ROS."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ebm_concept_ros.page.lesson import Place, Thing
from ebm_concept_ros.page.understanding import Understood
from ebm_core.world.scene import Demonstration


class Refused(RuntimeError):
    """What a node refused to do, or that nobody answered; the message is the reason."""


@dataclass(frozen=True)
class Table:
    """The live scene: the things on the table, in particle units."""

    things: tuple[Thing, ...] = ()


@dataclass(frozen=True)
class Known:
    """A concept of the learner."""

    name: str
    demonstrations: int
    is_saved: bool
    is_understood: bool


@dataclass(frozen=True)
class Progress:
    """How it goes, in words; of the hand how far it is, NaN where that is not known."""

    reason: str
    energy: float = math.nan
    distance_m: float = math.nan
    moving: Moving | None = None


@dataclass(frozen=True)
class Moving:
    """How far an arm is that moves things: see ArrangeConcept.action.

    entity: id of what is moved, empty between moves; movers, references: ids of who takes part.
    """

    entity: str
    stage: str
    move: int
    moves: int
    movers: tuple[str, ...]
    references: tuple[str, ...]


@dataclass(frozen=True)
class Ended:
    """How a run ended. distance_m: NaN where things were moved."""

    reached: bool
    reason: str
    distance_m: float = math.nan


@dataclass(frozen=True)
class Presence:
    """Which nodes there are: controller or arranger drive the arm, never both.

    table: whether somebody moves things on it when asked. recorder: whether one writes bags then.
    """

    learner: bool = False
    controller: bool = False
    arranger: bool = False
    simulator: bool = False
    table: bool = False
    recorder: bool = False

    @property
    def driver(self) -> str:
        """Who drives the arm, empty where nobody does."""
        return 'arranger' if self.arranger else 'controller' if self.controller else ''


@dataclass
class Heard:
    """What the link tells without being asked; every function is called in the server's loop."""

    table: Callable[[Table], None] = field(default=lambda table: None)
    presence: Callable[[Presence], None] = field(default=lambda presence: None)


class Link(Protocol):
    """Each coroutine raises Refused with the reason."""

    heard: Heard

    def is_gone(self) -> bool:
        """Tell whether there is no learner now."""

    async def show(self, name: str, demonstrations: Sequence[Demonstration]) -> None:
        """Show demonstrations under a name."""

    async def understood(self, concepts: Mapping[str, float], on_table: bool) -> Understood:
        """Return what was understood; on_table: and what it would do on the table as it is."""

    async def replace(self, name: str, number: int, demonstration: Demonstration) -> None:
        """Put one in the place of number 1, 2 and so on."""

    async def remove(self, name: str, number: int) -> None:
        """Take one back."""

    async def forget(self, name: str) -> None:
        """Forget what is being collected under a name; not an error where there is nothing."""

    async def demonstrations(self, name: str) -> tuple[list[Demonstration], int]:
        """Return those of a name, and how many make a concept; none is no error."""

    async def concepts(self) -> list[Known]:
        """Return what the learner knows and has in its library."""

    async def save(self, name: str) -> str:
        """Save a concept in the library."""

    async def load(self, name: str) -> str:
        """Load one from it."""

    async def delete(self, name: str) -> str:
        """Delete one from it."""

    async def enact(
        self, concepts: Mapping[str, float], on_progress: Callable[[Progress], None]
    ) -> Ended:
        """Have a concept, or a sum, enacted; return how it ended."""

    async def arrange(
        self, concepts: Mapping[str, float], on_progress: Callable[[Progress], None]
    ) -> Ended:
        """Have a concept, or a sum, brought about by moving things; return how it ended."""

    async def pause(self) -> str:
        """Hold until `resume`."""

    async def resume(self) -> str:
        """Go on."""

    async def stop(self) -> str:
        """Hold until something else is to be enacted."""

    async def set_speed(self, scale: float) -> None:
        """Set the share of the arm's speed limits that may be used."""

    async def move_thing(self, id_: str, place: Place) -> None:
        """Move a thing on the table."""

    async def add_thing(self, colour: str, shape: str, place: Place) -> None:
        """Put another thing onto the table."""

    async def remove_thing(self, id_: str) -> None:
        """Take a thing from the table."""

    async def record(self, on: bool) -> str:
        """Begin a bag, or end it; return what the recorder says."""
