# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a concept written by hand is: how it is brought about, and when it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...world.scene import POSITION
from .geometry import length

SUCCESS_DISTANCE = 0.1  # from satisfied, particle units; in RGB for colours
ANY = (-1.0, 1.0)


@dataclass(frozen=True)
class OpenConcept(ABC):
    """Something to bring about that has no name in `ebm_core.concepts`.

    references: how many entities it refers to. alike: whether they play one role, or each its own.
    held_out: whether its kind is kept out of the training grammar. apart: the least distance
    between references. possible: tells (...) of places x0 (..., 2) and references, (..., 2) each,
    whether a demonstrator could show it there. still: whether still scenes can show that it holds
    of some and not of others; not where it depends on where the actor was.
    """

    name: str
    references: int = 0
    alike: bool = True
    held_out: bool = False
    apart: float = 0.35
    possible: Callable[..., np.ndarray] | None = None
    still: bool = True
    movers: ClassVar[int] = 1
    changes: ClassVar[slice] = POSITION
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)  # of what changes
    # Whether all that movers have in common tells them; otherwise they are the scene's actors.
    movers_told: ClassVar[bool] = False

    @property
    def roles(self) -> tuple[int, ...]:
        """Return the role of each reference."""
        return (1,) * self.references if self.alike else tuple(range(1, self.references + 1))

    @abstractmethod
    def bring(self, rng: np.random.Generator, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return (..., movers, V): what a demonstrator makes of start (..., movers, V).

        where: (..., references, 2). V: the values of the features that change.
        """

    @abstractmethod
    def violation(self, end: np.ndarray, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return (...) how far `end` is from satisfying it; arguments as of `bring`."""


@dataclass(frozen=True)
class Place(OpenConcept):
    """One actor goes to a place, to a line or into a region.

    place(x0, *references): the satisfied place nearest to x0, all (..., 2).
    off(x, x0, *references): how far (...) x is from satisfying it, particle units.
    region: whether it has an inside, which a demonstrator also shows.
    """

    place: Callable[..., np.ndarray] = None  # type: ignore[assignment]
    off: Callable[..., np.ndarray] = None  # type: ignore[assignment]
    region: bool = False

    def bring(self, rng: np.random.Generator, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return the nearest place, or for half of the events that show a region, one inside."""
        x0 = start[..., 0, :]
        if self.region:
            anywhere = rng.uniform(*ANY, x0.shape)
            x0 = np.where(rng.random(x0.shape[:-1])[..., None] < 0.5, anywhere, x0)
        return self.place(x0, *np.moveaxis(where, -2, 0))[..., None, :]

    def violation(self, end: np.ndarray, start: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return the actor's distance from where it holds."""
        return self.off(end[..., 0, :], start[..., 0, :], *np.moveaxis(where, -2, 0))


def at(name: str, goal: Callable[..., np.ndarray], references: int = 0, **more: object) -> Place:
    """Return the concept of one goal, goal(x0, *references)."""

    def off(x: np.ndarray, x0: np.ndarray, *where: np.ndarray) -> np.ndarray:
        return length(x - goal(x0, *where))

    return Place(name, references, place=goal, off=off, **more)
