# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Draws a run's picture and video, in a process of its own.

OpenGL without a display can fail in ways that end the process (a missing library when MuJoCo is
imported, an abort in the driver). A run's result must survive that, so nothing else lives here.
`python -m ebm_concept_ros.report.drawing_process` reads a pickled Job from standard input.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import imageio.v2 as imageio
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.report.recorder import RunRecorder
from ebm_concept_ros.report.render import SceneRenderer
from ebm_concept_ros.report.video import captioned, frame_times_s, write_video
from ebm_concept_ros.workspace import Workspace

VIDEO_SIZE = (640, 480)
PICTURE_SIZE = (960, 720)


class AnyJob(Protocol):
    """What can be pickled and drawn. niceness: of the process that draws."""

    niceness: int

    def draw(self) -> None:
        """Write the files."""


@dataclass(frozen=True)
class Job:
    """What to draw, and the files to draw it to; see render_run."""

    picture: Path
    video: Path
    arm: ArmConfig
    workspace: Workspace
    table_scene: TableScene
    record: RunRecorder
    field: EnergyField | None
    goal_in_base_m: np.ndarray | None
    caption: str
    niceness: int

    def renderer(self, size: tuple[int, int], smooth: bool) -> SceneRenderer:
        """Return the scene's renderer for pictures of a size."""
        return SceneRenderer(
            self.arm,
            self.workspace,
            self.table_scene,
            self.field,
            self.goal_in_base_m,
            size,
            smooth,
        )

    def draw(self) -> None:
        """Write the picture, then the video."""
        positions = self.record.positions_rad
        with self.renderer(PICTURE_SIZE, smooth=True) as renderer:
            trail = np.array([renderer.effector_in_base_m(q) for q in positions])
            image = renderer.draw(positions[-1], _thinned(trail))
        with_goal = self.goal_in_base_m is not None
        imageio.imwrite(self.picture, _labelled(image, self.caption, with_goal))
        write_video(self.video, _frames(self, trail))


def _frames(job: Job, trail: np.ndarray) -> Iterator[np.ndarray]:
    times_s, texts = frame_times_s(job.record.times_s)
    with job.renderer(VIDEO_SIZE, smooth=False) as renderer:
        for time_s, q, text in zip(times_s, job.record.at(times_s), texts, strict=True):
            so_far = trail[: int(np.searchsorted(job.record.times_s, time_s, side='right'))]
            image = renderer.draw(q, _thinned(so_far))
            caption = f'{job.caption}   {text}'.strip()
            yield _labelled(image, caption, job.goal_in_base_m is not None)


def _thinned(trail: np.ndarray, spacing_m: float = 0.004) -> np.ndarray:
    """Return the path with points no closer than `spacing_m`: standing still adds nothing."""
    if len(trail) == 0:
        return trail
    kept = [trail[0]]
    for point in trail[1:]:
        if np.linalg.norm(point - kept[-1]) >= spacing_m:
            kept.append(point)
    return np.array([*kept, trail[-1]])


def _labelled(image: np.ndarray, caption: str, with_goal: bool) -> np.ndarray:
    """Return the image with the caption above and the legend below."""
    legend = 'table: dark = low energy    black line: path of the effector'
    if with_goal:
        legend += '    green cross: true goal'
    return captioned(image, caption, legend)


if __name__ == '__main__':
    # From the process that started this one a moment ago, through a file that only they have.
    given = pickle.load(sys.stdin.buffer)
    os.nice(given.niceness)
    given.draw()
