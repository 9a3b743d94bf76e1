# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The values that travel between the nodes, without ROS: what messages mean once checked.

`conversions` makes them from messages and messages from them; everything else works with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ebm_core.world.scene import Demonstration, Scene


@dataclass(frozen=True, eq=False)
class JointSample:
    """What the joints did at one instant: positions (n,) rad, velocities (n,) rad/s.

    efforts_nm: (n,) that acted up to then, where that is reported.
    """

    stamp_ns: int
    positions_rad: np.ndarray
    velocities_rad_s: np.ndarray
    efforts_nm: np.ndarray | None = None

    @property
    def stamp_s(self) -> float:
        """Return the stamp, s."""
        return self.stamp_ns / 1e9

    @property
    def has_efforts(self) -> bool:
        """Tell whether efforts are reported."""
        return self.efforts_nm is not None

    @cached_property
    def packed(self) -> bytes:
        """Positions, velocities and efforts, if any, one after the other: for compiled code."""
        arrays = [self.positions_rad, self.velocities_rad_s]
        if self.efforts_nm is not None:
            arrays.append(self.efforts_nm)
        return np.concatenate(arrays).astype(float, copy=False).tobytes()


class PackedSample(JointSample):
    """A sample that came packed; arrays are made of it once somebody asks for them.

    For loops in which NumPy would take longer than all that is computed. They cannot be written to.
    """

    def __init__(self, stamp_ns: int, packed: bytes, num_joints: int) -> None:
        # As a frozen dataclass does it itself, and cached properties.
        self.__dict__.update(stamp_ns=stamp_ns, packed=packed, _n=num_joints)

    @property
    def has_efforts(self) -> bool:
        """See JointSample."""
        return len(self.packed) > 16 * self._n

    @cached_property
    def positions_rad(self) -> np.ndarray:
        """See JointSample."""
        return np.frombuffer(self.packed, count=self._n)

    @cached_property
    def velocities_rad_s(self) -> np.ndarray:
        """See JointSample."""
        return np.frombuffer(self.packed, count=self._n, offset=8 * self._n)

    @cached_property
    def efforts_nm(self) -> np.ndarray | None:
        """See JointSample."""
        return np.frombuffer(self.packed, offset=16 * self._n) if self.has_efforts else None


@dataclass(frozen=True, eq=False)
class EffortCommand:
    """Efforts (n,) in N·m, and the stamp of the joint state that they answer."""

    stamp_ns: int
    efforts_nm: np.ndarray


@dataclass(frozen=True, eq=False)
class NamedScene:
    """A scene and the names that its entities have in messages, in the same order.

    sizes_m: (N, 2) radius and height above the table of each, or None where all are flat.
    """

    ids: tuple[str, ...]
    scene: Scene
    sizes_m: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class NamedDemonstration:
    """A demonstration and the concept that it shows."""

    concept: str
    demonstration: Demonstration


@dataclass(frozen=True, eq=False)
class ConceptCodes:
    """An inferred concept as it travels: two codes and the weights they belong to.

    understanding: how well its demonstrations fit together; understanding_threshold: the score that
    it takes to be enacted. NaN: not known.
    """

    name: str
    action_code: np.ndarray
    argument_code: np.ndarray
    model_sha256: str
    demonstrations: int = 0
    action_energies: tuple[float, ...] = ()
    argument_energies: tuple[float, ...] = ()
    understanding: float = math.nan
    understanding_threshold: float = math.nan

    @property
    def terms(self) -> tuple[ConceptCodes, ...]:
        """Itself: a concept is a sum of one."""
        return (self,)

    @property
    def weights(self) -> tuple[float, ...]:
        """Of its only term."""
        return (1.0,)


@dataclass(frozen=True, eq=False)
class ComposedConcept:
    """Concepts whose energies are added up, each with its weight, 0 or more."""

    name: str
    terms: tuple[ConceptCodes, ...]
    weights: tuple[float, ...]

    @property
    def model_sha256(self) -> str:
        """Of the weights that all codes belong to."""
        return self.terms[0].model_sha256


AnyConcept = ConceptCodes | ComposedConcept


@dataclass(frozen=True)
class CompositionRequest:
    """Which concepts are to be added up, by name, and their weights."""

    concepts: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def name(self) -> str:
        """What the sum is called."""
        if len(self.concepts) == 1:
            return self.concepts[0]
        return ' + '.join(f'{w:g} {n}' for n, w in zip(self.concepts, self.weights, strict=True))

    def of(self, known: Mapping[str, ConceptCodes]) -> AnyConcept:
        """Return the sum of known concepts; one by itself stays as it is."""
        terms = tuple(known[name] for name in self.concepts)
        return terms[0] if len(terms) == 1 else ComposedConcept(self.name, terms, self.weights)


@dataclass(frozen=True)
class Goal:
    """What counts as reached: within tolerance_m of the energy's minimum for hold_time_s, in time.

    timeout_s: from acceptance, inf for never. Times are those of the controller's clock, pauses
    left out.
    """

    tolerance_m: float = 0.02
    hold_time_s: float = 0.5
    timeout_s: float = math.inf


@dataclass(frozen=True, eq=False)
class EnergyOverTable:
    """The energy of a concept at places in the base frame.

    energies: (S, S), indexed [ix, iy]; origin_m: (3,) of [0, 0]; resolution_m: between neighbours.
    """

    concept: str
    energies: np.ndarray
    origin_m: np.ndarray
    resolution_m: float
