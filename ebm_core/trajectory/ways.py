# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Ways over states: the steps of their links, places along them, and where they turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform

from .points import STEP

LONGEST = 0.98 * STEP  # step of links, in the greatest coordinate


class Ways(NamedTuple):
    """Ways, one after the other: places (M, 2), at most a step apart, and where they turn.

    joints (J,), first, last (J,): which place a joint is, and its way's first and last.
    """

    places: np.ndarray
    joints: np.ndarray
    first: np.ndarray
    last: np.ndarray


def joined(parts: Sequence[Ways]) -> Ways:
    """Return the ways of all parts."""
    begins = np.cumsum([0, *(len(part.places) for part in parts)])
    moved = [
        Ways(part.places, *(places + begin for places in part[1:]))
        for part, begin in zip(parts, begins[:-1], strict=True)
    ]
    return Ways(*map(np.concatenate, zip(*moved, strict=True)))


def steps_of(nodes: np.ndarray, links: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the steps (S,) of straight links (M, 2): of which link, from where, to where."""
    first, second = nodes[links[:, 0]], nodes[links[:, 1]]
    steps = np.maximum(np.ceil(np.abs(second - first).max(1) / LONGEST), 1).astype(int)
    link = np.repeat(np.arange(len(links)), steps)
    number = np.arange(len(link)) - np.repeat(np.cumsum(steps) - steps, steps)
    change = ((second - first) / steps[:, None])[link]
    before = first[link] + number[:, None] * change
    return link, before, before + change


def bridges(nodes: np.ndarray, radius: float) -> np.ndarray:
    """Return the links (M, 2) beyond radius that join all nodes (N, 2), as short as can be."""
    tree = minimum_spanning_tree(squareform(pdist(nodes, 'chebyshev'))).tocoo()
    return np.stack((tree.row, tree.col), 1)[tree.data > radius]


def stretches(chosen: np.ndarray) -> np.ndarray:
    """Return where the middles (S,) of runs of True among values (N,) are, from 0 to 1."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(int)))
    return edges.reshape(-1, 2).mean(1) / len(chosen)


def way_between(previous: np.ndarray, first: int, last: int) -> list[int]:
    """Return the nodes from first to last by their predecessors; none where there is no way."""
    way = [last]
    while way[-1] != first:
        if previous[way[-1]] < 0:
            return []
        way.append(int(previous[way[-1]]))
    return way[::-1]


def turning(way: np.ndarray) -> Ways:
    """Return the way over nodes (N, 2)."""
    if len(way) < 3:
        return Ways(way, *np.empty((3, 0), int))
    steps = np.maximum(np.ceil(np.abs(np.diff(way, axis=0)).max(1) / STEP), 1).astype(int)
    joints = np.cumsum(steps)[:-1]
    return Ways(even(way, STEP), joints, 0 * joints, 0 * joints + steps.sum())


def even(route: np.ndarray, spacing: float) -> np.ndarray:
    """Return places (M, 2) along a route (N, 2), corners among them, at most `spacing` apart."""
    parts = [route[:1]]
    for first, second in pairwise(route):
        number = max(1, int(np.ceil(np.abs(second - first).max() / spacing)))
        parts.append(first + (second - first) * np.arange(1, number + 1)[:, None] / number)
    return np.concatenate(parts)
