"""A run's picture and short video, as files."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.mpc.energy_field import EnergyField
from ebm_concept_ros.mpc.plan_model import PlanModel
from ebm_concept_ros.report import drawing
from ebm_concept_ros.report.recorder import RunRecorder
from ebm_concept_ros.report.top_view import draw_top_view
from ebm_concept_ros.workspace import Workspace

_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class RunFiles:
    """What a report wrote. `video` is None, and `problem` says why, when no renderer was found."""

    picture: Path
    video: Path | None
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
) -> RunFiles:
    """Write out_dir/name.png and out_dir/name.mp4 of a recorded run.

    field: drawn on the table. goal_in_base_m: (2 or 3,) m, marked by a green cross. Raises
    ValueError when nothing was recorded. Without OpenGL the picture is a 2-D view from above.
    """
    if len(record) == 0:
        raise ValueError('record: no joint positions were recorded')
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    picture, video = out_dir / f'{name}.png', out_dir / f'{name}.mp4'
    job = drawing.Job(
        picture.absolute(),
        video.absolute(),
        arm,
        workspace,
        table_scene,
        record,
        field,
        goal_in_base_m,
        caption,
    )
    problem = _drawn_elsewhere(job)
    if not problem:
        return RunFiles(picture, video)
    video.unlink(missing_ok=True)
    model = PlanModel(arm, 0.02)
    trail = np.array([model.effector_in_base_m(q) for q in record.positions_rad])
    draw_top_view(picture, workspace, table_scene, field, goal_in_base_m, trail, caption or name)
    return RunFiles(picture, None, problem)


def _drawn_elsewhere(job: drawing.Job) -> str:
    """Draw in a process of its own; return why it failed, or nothing."""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
    environment.setdefault('MUJOCO_GL', 'egl')
    try:
        result = subprocess.run(
            [sys.executable, '-m', drawing.__name__],
            input=pickle.dumps(job),
            env=environment,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f'no 3-D picture: drawing took longer than {_TIMEOUT_S:.0f} s'
    if result.returncode == 0:
        return ''
    lines = result.stderr.decode(errors='replace').strip().splitlines() or ['no message']
    return (
        f'no 3-D picture with MUJOCO_GL={environment["MUJOCO_GL"]} (status {result.returncode}: '
        f'{lines[-1]}); install EGL (Debian, Ubuntu: apt install libegl1 libgl1-mesa-dri)'
    )
