# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether blocks stand as an arrangement has it by its definition, and nobody else was moved."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ebm_concept_ros.grasping.blocks import BlockTable
from ebm_concept_ros.grasping.outcome import MOVED_M
from ebm_concept_ros.grasping.sensed import SeenBlocks
from ebm_concept_ros.oracle.arrangements import colours_of
from ebm_concept_ros.oracle.true_goal import nearest_colours
from ebm_concept_ros.workspace import Workspace
from ebm_core.concepts.arrangement import Arrangement

_TILTED_RAD, _SUNK_M = 0.09, 0.005


class ArrangementJudge:
    """Of one concept, whose entities are told by a colour as in `arrangements.colours_of`."""

    def __init__(self, concept: Arrangement, colour: str, workspace: Workspace) -> None:
        self._concept, self._workspace = concept, workspace
        names = colours_of(concept, colour)
        self._movers, self._references = names[: concept.movers], names[concept.movers :]

    def off_m(self, seen: SeenBlocks) -> float:
        """Return by how much the concept is missed, by whoever may be meant least; m.

        inf where too few of a colour are there.
        """
        found, places = nearest_colours(seen.scene), seen.scene.positions
        movers = np.flatnonzero(found == self._movers[0])
        references = np.flatnonzero(np.isin(found, self._references))[: len(self._references)]
        casts = combinations(movers, self._concept.movers)
        if len(references) < len(self._references):
            return np.inf
        off = min(
            (float(self._concept.violation(places[[*who, *references]])) for who in casts),
            default=np.inf,
        )
        return off * self._workspace.metres_per_unit

    def why_not(self, first: SeenBlocks, last: SeenBlocks, tolerance_m: float) -> str:
        """Return why the concept was not brought about properly, or nothing."""
        if (off_m := self.off_m(last)) > tolerance_m:
            return f'{1e3 * off_m:.1f} mm off, at most {1e3 * tolerance_m:g} mm are allowed'
        if gone := sorted(set(first.table.ids) - set(last.table.ids)):
            return f'{gone[0]!r} is there no more'
        colours = dict(zip(first.table.ids, nearest_colours(first.scene), strict=True))
        for block in last.table.blocks:
            pose = last.poses[block.id]
            above_m = pose.position_m[2] - self._workspace.table_height_in_base_m
            if pose.tilt_rad > _TILTED_RAD or abs(above_m - block.height_m / 2) > _SUNK_M:
                return f'{block.id!r} does not stand on the table'
            if block.id in first.poses and colours[block.id] != self._movers[0]:
                away_m = np.linalg.norm(pose.position_m - first.poses[block.id].position_m)
                if away_m >= MOVED_M:
                    return f'{block.id!r}, which was not asked for, was moved'
        return ''

    @staticmethod
    def coloured(seen: SeenBlocks) -> BlockTable:
        """Return the table with the colours that are seen, by their nearest names."""
        names = nearest_colours(seen.scene)
        return BlockTable(
            blocks=tuple(
                block.model_copy(update={'colour': str(name)})
                for block, name in zip(seen.table.blocks, names, strict=True)
            )
        )
