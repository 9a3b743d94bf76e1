# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The picture of an arrangement: the table before and after, side by side, in 3-D."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import imageio.v2 as imageio
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.grasping.blocks import BlockTable, Pose
from ebm_concept_ros.grasping.hand import HandConfig
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.report.block_renderer import BlockRenderer
from ebm_concept_ros.report.video import captioned
from ebm_concept_ros.workspace import Workspace

_SIZE = (640, 480)


@dataclass(frozen=True)
class ArrangementJob:
    """What to draw, and the file to draw it to.

    before, after: poses of the blocks by id, those of the table. positions_rad: (2, n + f) of the
    joints, before and after. niceness: of the process that draws.
    """

    picture: Path
    arm: ArmConfig
    hand: HandConfig
    workspace: Workspace
    table: BlockTable
    before: Mapping[str, Pose]
    after: Mapping[str, Pose]
    positions_rad: np.ndarray
    captions: tuple[str, str]
    niceness: int

    def draw(self) -> None:
        """Write the picture."""
        simulation = BlockSimulation(self.arm, self.hand, self.workspace, self.table)
        images = []
        with BlockRenderer(simulation, _SIZE) as renderer:
            states = zip((self.before, self.after), self.positions_rad, self.captions, strict=True)
            for poses, positions, caption in states:
                simulation.data.qpos[: len(positions)] = positions
                for id_, pose in poses.items():
                    simulation.put(id_, pose)
                images.append(captioned(renderer.draw(), caption))
        imageio.imwrite(self.picture, np.hstack(images))
