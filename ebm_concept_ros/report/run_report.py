# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A run's picture and short video, as files."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import imageio.v2 as imageio
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.report import drawing_process
from ebm_concept_ros.report.recorder import RunRecorder
from ebm_concept_ros.report.top_view import TopView
from ebm_concept_ros.report.video import write_video
from ebm_concept_ros.workspace import Workspace

_TIMEOUT_S = 120.0
_POLL_S = 0.1
# A node blocks these signals and its children inherit that: nothing but SIGKILL would end them.
_CHILD = f"""
import signal
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
import runpy
runpy.run_module('{drawing_process.__name__}', run_name='__main__', alter_sys=True)
"""


class Cancelled(Exception):
    """The drawing was no longer wanted; its process is gone."""


@dataclass(frozen=True)
class RunFiles:
    """What a report wrote; `problem` says why both are seen from above, in 2-D."""

    picture: Path
    video: Path
    problem: str = ''


def render_run(
    out_dir: Path,
    name: str,
    arm: ArmConfig,
    workspace: Workspace,
    table_scene: TableScene,
    record: RunRecorder,
    field: EnergyField | None = None,
    goal_in_base_m: np.ndarray | None = None,
    caption: str = '',
    is_cancelled: Callable[[], bool] = lambda: False,
    niceness: int = 10,
) -> RunFiles:
    """Write out_dir/name.png and out_dir/name.mp4 of a recorded run.

    field: drawn on the table. goal_in_base_m: (2 or 3,) m, marked by a green cross. is_cancelled:
    asked while it is drawn. niceness: of the process that draws; a real-time loop may still be
    holding the arm beside it. Raises ValueError when nothing was recorded and Cancelled. Without
    OpenGL both are a 2-D view from above.
    """
    if len(record) == 0:
        raise ValueError('record: no joint positions were recorded')
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    picture, video = out_dir / f'{name}.png', out_dir / f'{name}.mp4'
    job = drawing_process.Job(
        picture.absolute(),
        video.absolute(),
        arm,
        workspace,
        table_scene,
        record,
        field,
        goal_in_base_m,
        caption,
        niceness,
    )
    problem = drawn_elsewhere(job, is_cancelled)
    if not problem:
        return RunFiles(picture, video)
    model = PlanModel(arm, 0.02)
    trail = np.array([model.effector_in_base_m(q) for q in record.positions_rad])
    view = TopView(workspace, table_scene, field, goal_in_base_m, caption or name)
    imageio.imwrite(picture, view.draw(trail))
    write_video(video, view.frames(record.times_s, trail))
    return RunFiles(picture, video, problem)


def drawn_elsewhere(job: drawing_process.AnyJob, is_cancelled: Callable[[], bool]) -> str:
    """Draw in a process of its own, which does not outlive this call; return why it failed."""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
    if environment.get('MUJOCO_GL', 'disable') == 'disable':
        environment['MUJOCO_GL'] = 'egl'
    deadline_s = time.monotonic() + _TIMEOUT_S
    errors: bytes | None = None
    with tempfile.TemporaryFile() as given:  # unlike a pipe it never has to be waited for
        pickle.dump(job, given)
        given.seek(0)
        process = subprocess.Popen(
            [sys.executable, '-c', _CHILD],
            env=environment,
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    with process:
        try:
            while errors is None and not is_cancelled() and time.monotonic() < deadline_s:
                with suppress(subprocess.TimeoutExpired):
                    _, errors = process.communicate(timeout=_POLL_S)
        finally:
            process.kill()
    if process.returncode == 0:
        return ''
    if is_cancelled():
        raise Cancelled('the drawing was interrupted')
    if errors is None:
        return f'no 3-D picture: drawing took longer than {_TIMEOUT_S:.0f} s'
    lines = errors.decode(errors='replace').strip().splitlines() or ['no message']
    return (
        f'no 3-D picture with MUJOCO_GL={environment["MUJOCO_GL"]} (status {process.returncode}: '
        f'{lines[-1]}); install EGL (Debian, Ubuntu: apt install libegl1 libgl1-mesa-dri)'
    )
