# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether an arrangement has room: nothing overlaps, and the hand gets everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.hand_room import ReachArea
from ebm_concept_ros.workspace import Workspace

_EDGE_M = 0.005  # that places keep from the workspace's edge
GAP_M = 0.012  # between the circles around two blocks, at least
_TINY = 1e-9
# Steps down the penalty's slope: of one lack, each leaves two fifths.
_PUSHES, _PUSH = 12, 0.3


@dataclass(frozen=True, eq=False)
class Clearance:
    """What M arrangements of m movers lack, in particle units, as the energies' places are.

    between: (m, m) least distances of the movers' centres; others: (K, 2) what stays, to_others:
    (m, K) the least distances to that.
    """

    between: np.ndarray
    others: np.ndarray
    to_others: np.ndarray
    reach: ReachArea
    workspace: Workspace

    @classmethod
    def of(
        cls,
        movers: Sequence[Standing],
        others: Sequence[Standing],
        reach: ReachArea,
        workspace: Workspace,
        gap_m: float = GAP_M,
    ) -> Clearance:
        """Take circles around the footprints."""
        unit = workspace.metres_per_unit
        radii = np.array([each.footprint.radius_m for each in movers]) / unit
        of_others = np.array([each.footprint.radius_m for each in others]) / unit
        places = np.array([each.position_in_base_m for each in others]).reshape(-1, 2)
        gap = gap_m / unit
        return cls(
            radii[:, None] + radii + gap,
            workspace.to_plane(places),
            radii[:, None] + of_others + gap,
            reach,
            workspace,
        )

    def overlap(self, places: np.ndarray) -> np.ndarray:
        """Return the largest lack (M,) of distance at places (M, m, 2); 0 where there is none."""
        among, to_others = self._lacks(places)
        return np.maximum(
            among.max((1, 2), initial=0.0, where=among > 0),
            to_others.max((1, 2), initial=0.0, where=to_others > 0),
        )

    def beyond(self, places: np.ndarray) -> np.ndarray:
        """Return by how much (M,) the farthest of places (M, m, 2) is out of reach, or plane."""
        of_each = self.reach.beyond_m(self.workspace.to_base(places))
        over = np.abs(places).max((1, 2)) - half_width(self.workspace)
        return np.maximum(of_each.max(-1) / self.workspace.metres_per_unit, over)

    def penalty(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sum (M,) of all lacks squared, and its slope (M, m, 2)."""
        apart = places[:, :, None] - places[:, None]
        away = places[:, :, None] - self.others
        among, to_others = self._lacks(places)
        value = (np.maximum(among, 0) ** 2).sum((1, 2)) / 2
        value = value + (np.maximum(to_others, 0) ** 2).sum((1, 2))
        slope = -2 * (np.maximum(among, 0)[..., None] * _unit(apart)).sum(2)
        slope = slope - 2 * (np.maximum(to_others, 0)[..., None] * _unit(away)).sum(2)
        base = self.workspace.to_base(places) - self.reach.centre_in_base_m
        radius = np.linalg.norm(base, axis=-1)
        signed = np.maximum(radius - self.reach.farthest_m, 0) - np.maximum(
            self.reach.nearest_m - radius, 0
        )
        signed = signed / self.workspace.metres_per_unit
        slope = slope + 2 * signed[..., None] * _unit(base)
        half = half_width(self.workspace)
        over = places - np.clip(places, -half, half)
        return value + (signed**2).sum(-1) + (over**2).sum((1, 2)), slope + 2 * over

    def apart(self, places: np.ndarray) -> np.ndarray:
        """Return places (M, m, 2) nearby that lack next to nothing, where that is found."""
        for _ in range(_PUSHES):
            places = places - _PUSH * self.penalty(places)[1]
        return places

    def _lacks(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is missing between movers (M, m, m) and to others (M, m, K)."""
        apart = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)
        among = self.between - apart
        among[:, np.arange(len(self.between)), np.arange(len(self.between))] = -1.0
        away = np.linalg.norm(places[:, :, None] - self.others, axis=-1)
        return among, self.to_others - away


def half_width(workspace: Workspace) -> float:
    """Return how far from the middle of a workspace places may be, particle units."""
    return workspace.half_width_units - _EDGE_M / workspace.metres_per_unit


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _TINY)
