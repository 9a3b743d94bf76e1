# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blocks at random: what they are, and where they stand apart from one another in reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.grasping.blocks import Block, BlockTable
from ebm_core.world.scene import COLOURS

SHAPES = ('box', 'cylinder', 'prism')
# Where the hand of the Jaco comes down upright, and away from its own base.
_X_M, _Y_M, _NEAREST_M = (0.28, 0.58), (-0.28, 0.28), 0.28
_MAX_ATTEMPTS = 5_000
# Taller ones tip over as they are let go.
SLENDEREST = 1.6


@dataclass(frozen=True)
class Ranges:
    """Of widths, depths and heights, m; of masses, kg; of friction; shapes, drawn evenly."""

    size_m: tuple[float, float] = (0.03, 0.06)
    mass_kg: tuple[float, float] = (0.02, 0.2)
    friction: tuple[float, float] = (0.4, 1.0)
    shapes: tuple[str, ...] = SHAPES


def random_block(
    rng: np.random.Generator, id_: str, colour: str, ranges: Ranges = Ranges()
) -> Block:
    """Return a block of any shape, size, mass and friction in the ranges, at the origin."""
    shape = str(rng.choice(ranges.shapes))
    width_m = rng.uniform(*ranges.size_m)
    depth_m = rng.uniform(*ranges.size_m) if shape == 'box' else None
    height_m = min(rng.uniform(*ranges.size_m), SLENDEREST * min(width_m, depth_m or width_m))
    return Block(
        id=id_,
        shape=shape,
        width_m=round(width_m, 4),
        depth_m=None if depth_m is None else round(depth_m, 4),
        height_m=round(height_m, 4),
        mass_kg=round(rng.uniform(*ranges.mass_kg), 4),
        friction=round(rng.uniform(*ranges.friction), 3),
        colour=colour,
        position_in_base_m=(0.0, 0.0),
    )


def free_place(
    rng: np.random.Generator, radius: float, others: list[tuple[float, float, float]], gap_m: float
) -> tuple[float, float] | None:
    """Return a place in reach that far from others, (x, y, radius) each, m; or None."""
    for _ in range(_MAX_ATTEMPTS):
        x, y = rng.uniform(*_X_M), rng.uniform(*_Y_M)
        if math.hypot(x, y) >= _NEAREST_M and all(
            math.hypot(x - other[0], y - other[1]) >= radius + other[2] + gap_m for other in others
        ):
            return round(x, 4), round(y, 4)
    return None


def random_block_table(
    seed: int | list[int], number: int, gap_m: float = 0.04, ranges: Ranges = Ranges()
) -> BlockTable:
    """Return so many blocks with gaps of at least gap_m; the same seed gives the same table.

    Raises ValueError where they find no room.
    """
    names = list(COLOURS)
    return coloured_block_table(seed, [names[i % len(names)] for i in range(number)], gap_m, ranges)


def coloured_block_table(
    seed: int | list[int],
    colours: Sequence[str],
    gap_m: float = 0.04,
    ranges: Ranges = Ranges(),
) -> BlockTable:
    """Return a block of each colour, in this order; the rest as of `random_block_table`."""
    rng = np.random.default_rng(seed)
    blocks: list[Block] = []
    others: list[tuple[float, float, float]] = []
    for index, colour in enumerate(colours):
        block = random_block(rng, f'{colour}_{colours[:index].count(colour)}', colour, ranges)
        place = free_place(rng, block.footprint.radius_m, others, gap_m)
        if place is None:
            raise ValueError(f'seed: {seed} finds no room for {len(colours)} blocks')
        others.append((*place, block.footprint.radius_m))
        yaw_rad = round(float(rng.uniform(-math.pi, math.pi)), 4)
        blocks.append(block.model_copy(update={'position_in_base_m': place, 'yaw_rad': yaw_rad}))
    return BlockTable(blocks=tuple(blocks))
