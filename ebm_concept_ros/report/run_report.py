"""A run's picture and short video, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.mpc.energy_field import EnergyField
from ebm_concept_ros.mpc.plan_model import PlanModel
from ebm_concept_ros.report.recorder import RunRecorder
from ebm_concept_ros.report.render import NoRenderer, SceneRenderer
from ebm_concept_ros.report.top_view import draw_top_view
from ebm_concept_ros.workspace import Workspace

VIDEO_SIZE = (640, 480)
PICTURE_SIZE = (960, 720)
FRAMES_PER_S = 25
# A reach takes about a second: it is slowed down to be watched, but never by more than this.
_VIDEO_S = 5.0
_MOST_SLOWING = 4.0
_STILL_S = 1.0


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
    model = PlanModel(arm, 0.02)
    trail = np.array([model.effector_in_base_m(q) for q in record.positions_rad])
    scene = (arm, workspace, table_scene, field, goal_in_base_m)
    try:
        with SceneRenderer(*scene, PICTURE_SIZE) as renderer:
            image = renderer.draw(record.positions_rad[-1], _thinned(trail))
        imageio.imwrite(picture, _labelled(image, caption, goal_in_base_m is not None))
        _write_video(video, scene, record, trail, caption)
    except NoRenderer as error:
        draw_top_view(
            picture, workspace, table_scene, field, goal_in_base_m, trail, caption or name
        )
        return RunFiles(picture, None, str(error))
    return RunFiles(picture, video)


def _write_video(
    path: Path, scene: tuple, record: RunRecorder, trail: np.ndarray, caption: str
) -> None:
    known_s = record.times_s
    duration_s = known_s[-1] - known_s[0]
    slowing = float(np.clip(_VIDEO_S / max(duration_s, 1e-3), 1.0, _MOST_SLOWING))
    slowing = 1.0 if slowing < 1.5 else round(slowing)
    times_s = known_s[0] + np.arange(0.0, duration_s * slowing, 1.0 / FRAMES_PER_S) / slowing
    positions = record.at(times_s)
    speed = '' if slowing == 1 else f', {slowing:.0f} times slower than real'
    with (
        SceneRenderer(*scene, VIDEO_SIZE, smooth=False) as renderer,
        imageio.get_writer(
            path,
            fps=FRAMES_PER_S,
            codec='libx264',
            quality=7,
            output_params=['-preset', 'veryfast'],
        ) as writer,
    ):
        frame = None
        for time_s, q in zip(times_s, positions, strict=True):
            so_far = trail[: int(np.searchsorted(known_s, time_s, side='right'))]
            image = renderer.draw(q, _thinned(so_far))
            text = f'{caption}   t = {time_s - known_s[0]:.2f} s{speed}'
            frame = _labelled(image, text.strip(), scene[4] is not None)
            writer.append_data(frame)
        for _ in range(int(_STILL_S * FRAMES_PER_S)):
            writer.append_data(frame)


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
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture, 'RGBA')
    size = max(13, picture.height // 34)
    font = ImageFont.load_default(size)
    margin = size // 2
    if caption:
        draw.rectangle((0, 0, picture.width, size + 2 * margin), fill=(255, 255, 255, 190))
        draw.text((margin, margin // 2), caption, fill=(20, 20, 20), font=font)
    legend = 'table: dark = low energy    black line: path of the effector'
    if with_goal:
        legend += '    green cross: true goal'
    top = picture.height - size - 2 * margin
    draw.rectangle((0, top, picture.width, picture.height), fill=(255, 255, 255, 190))
    draw.text((margin, top + margin // 2), legend, fill=(20, 20, 20), font=font)
    return np.asarray(picture)
