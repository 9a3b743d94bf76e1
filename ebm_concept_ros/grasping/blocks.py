# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blocks that can be picked up: what they are, where they stand, and their outlines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from ebm_concept_ros.arm.table_scene import RESERVED_IDS
from ebm_concept_ros.arranging.footprints import Footprint
from ebm_concept_ros.config_files import Config
from ebm_core.world.scene import COLOURS

MOST_BLOCKS = 40
SEEN_AS = {'box': 'square', 'cylinder': 'circle', 'prism': 'triangle'}
_SIDES_OF_A_CYLINDER = 32


class Block(Config):
    """A box, a cylinder or an equilateral prism that stands upright.

    Its own x axis points at a face of a box, and at an edge (the apex) of a prism.
    """

    id: str = Field(min_length=1, description='unique on its table, e.g. red_0')
    shape: Literal['box', 'cylinder', 'prism'] = Field('box', description='upright')
    width_m: float = Field(
        ge=0.01, le=0.15, description='along its x axis, m; of a prism from face to apex'
    )
    depth_m: float | None = Field(
        None, ge=0.01, le=0.15, description='of a box across it, m; as wide where it is left out'
    )
    height_m: float = Field(ge=0.01, le=0.2, description='m')
    mass_kg: float = Field(0.1, ge=0.001, le=2.0, description='kg')
    friction: float = Field(0.7, ge=0.05, le=2.0, description='of its sides, against anything')
    colour: str = Field('red', description=f'one of {", ".join(COLOURS)}')
    position_in_base_m: tuple[float, float] = Field(description='(x, y) in the base frame, m')
    yaw_rad: float = Field(0.0, ge=-10, le=10, description='of its x axis about the vertical, rad')

    @model_validator(mode='after')
    def _is_plausible(self) -> Block:
        if self.depth_m is not None and self.shape != 'box':
            raise ValueError(f'depth_m: a {self.shape} has none')
        if self.colour not in COLOURS:
            raise ValueError(f'colour: unknown {self.colour!r}, allowed are {", ".join(COLOURS)}')
        return self

    @property
    def seen_as(self) -> str:
        """Return the shape of `ebm_core.world.scene.SHAPES` as which it is seen from above."""
        return SEEN_AS[self.shape]

    @property
    def footprint(self) -> Footprint:
        """Return what stands on the table, as it is arranged."""
        return Footprint(self.shape, self.width_m, self.depth_m)

    def outline(self) -> np.ndarray:
        """Return the corners (K, 2) of its footprint in its own frame, in order, m."""
        if self.shape == 'box':
            x, y = self.width_m / 2, (self.depth_m or self.width_m) / 2
            return np.array([(x, y), (-x, y), (-x, -y), (x, -y)])
        sides = 3 if self.shape == 'prism' else _SIDES_OF_A_CYLINDER
        radius = self.width_m * 2 / 3 if self.shape == 'prism' else self.width_m / 2
        angles = np.arange(sides) * 2 * np.pi / sides
        return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def corners(self) -> np.ndarray:
        """Return its corners (2K, 3) in its own frame, whose origin is its middle, m."""
        outline, half = self.outline(), self.height_m / 2
        return np.vstack(
            [np.column_stack([outline, np.full(len(outline), z)]) for z in (-half, half)]
        )


class BlockTable(Config):
    """The blocks on a table."""

    blocks: tuple[Block, ...] = Field(min_length=1, max_length=MOST_BLOCKS)

    @model_validator(mode='after')
    def _ids_are_unique(self) -> BlockTable:
        ids = [block.id for block in self.blocks]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f'blocks: id {twice[0]!r} is used {ids.count(twice[0])} times')
        for id_ in ids:
            if id_ in RESERVED_IDS:
                raise ValueError(f'blocks: id {id_!r} is reserved for {RESERVED_IDS[id_]}')
        return self

    def __getitem__(self, id_: str) -> Block:
        """Return the block of that id; raises KeyError."""
        return next(block for block in self.blocks if block.id == id_)

    @property
    def entities(self) -> tuple[Block, ...]:
        """Return the blocks, as a `TableScene` calls them."""
        return self.blocks

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids in order."""
        return tuple(block.id for block in self.blocks)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where something is in the base frame: position_m (3,), rotation (3, 3)."""

    position_m: np.ndarray
    rotation: np.ndarray

    @property
    def yaw_rad(self) -> float:
        """Return the yaw of its x axis about the vertical."""
        return math.atan2(self.rotation[1, 0], self.rotation[0, 0])

    @property
    def tilt_rad(self) -> float:
        """Return the angle between its z axis and the vertical, whichever way it points."""
        return math.acos(min(1.0, abs(float(self.rotation[2, 2]))))

    def of(self, point_m: np.ndarray) -> np.ndarray:
        """Return points (..., 3) of its frame in the base frame."""
        return self.position_m + point_m @ self.rotation.T

    def seen_from(self, other: Pose) -> Pose:
        """Return this pose in the frame of another."""
        turned = other.rotation.T
        return Pose(turned @ (self.position_m - other.position_m), turned @ self.rotation)


def outline_in_base(block: Block, place_m: np.ndarray, yaw_rad: float) -> np.ndarray:
    """Return its footprint (K, 2) where it would stand, m."""
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.asarray(place_m)[:2] + block.outline() @ np.array([[c, s], [-s, c]])


def extent_m(block: Block, along_rad: float) -> tuple[float, float]:
    """Return where its footprint begins and ends along an axis in its own frame, from its middle.

    along_rad: of the axis about its z.
    """
    along = block.outline() @ np.array([math.cos(along_rad), math.sin(along_rad)])
    return float(along.min()), float(along.max())


def separation_m(first: np.ndarray, second: np.ndarray) -> float:
    """Return the gap between two convex outlines (K, 2); negative where they overlap.

    The widest gap along a normal of either (separating axes): not more than the distance.
    """
    gaps = []
    for one, other in ((first, second), (second, first)):
        edges = np.roll(one, -1, axis=0) - one
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        gaps.append(((other @ normals.T).min(0) - (one * normals).sum(1)).max())
    return float(max(gaps))
