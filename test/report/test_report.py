# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The picture and the video of a run."""

import imageio.v2 as imageio
import numpy as np
import pytest
from opengl import has_opengl
from reaching import field_around, midpoint_m, shipped_arm, shipped_workspace

from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.report.drawing_process import PICTURE_SIZE, VIDEO_SIZE
from ebm_concept_ros.report.heat_map import heat_map
from ebm_concept_ros.report.recorder import RunRecorder
from ebm_concept_ros.report.run_report import render_run
from ebm_concept_ros.report.top_view import TOP_VIEW_SIZE
from ebm_concept_ros.report.video import captioned, write_gif

ARM, WORKSPACE = shipped_arm(), shipped_workspace()
SCENE = random_table_scene(1, 2, 'blue', WORKSPACE)


def short_record():
    record = RunRecorder()
    for tick in range(100):
        record.add(tick * 0.002, ARM.home_rad + 0.001 * tick)
    return record


def render(out_dir, **changes):
    goal = midpoint_m(SCENE)
    values = {
        'record': short_record(),
        'field': field_around(WORKSPACE.to_plane(goal)),
        'goal_in_base_m': goal,
        'caption': 'between',
    }
    return render_run(out_dir, 'reach_between_1', ARM, WORKSPACE, SCENE, **(values | changes))


def test_the_recorder_keeps_an_even_rate_and_starts_over_on_a_reset():
    record = short_record()
    np.testing.assert_allclose(np.diff(record.times_s), 0.01)
    np.testing.assert_allclose(record.at(np.array([0.005]))[0], ARM.home_rad + 0.0025)
    record.add(0.0, ARM.home_rad)
    assert len(record) == 1


def test_the_heat_map_is_darkest_at_the_goal_with_y_upwards():
    goal = np.array([0.8, 0.5])
    image = heat_map(field_around(goal), pixels=101).astype(int).sum(axis=2)
    row, column = np.unravel_index(image.argmin(), image.shape)
    half = 1.25
    assert -half + column / 100 * 2 * half == pytest.approx(goal[0], abs=0.06)
    assert half - row / 100 * 2 * half == pytest.approx(goal[1], abs=0.06)


def test_picture_and_video_are_written_and_show_more_than_one_colour(tmp_path):
    if not has_opengl():
        pytest.skip('this machine has no OpenGL')
    files = render(tmp_path / 'out')
    assert files.problem == ''
    assert files.picture.name == 'reach_between_1.png'
    assert files.video.name == 'reach_between_1.mp4'
    picture = imageio.imread(files.picture)
    assert picture.shape[:2] == PICTURE_SIZE[::-1]
    assert len(np.unique(picture[:, :, :3].reshape(-1, 3), axis=0)) > 100
    with imageio.get_reader(files.video) as video:
        details = video.get_meta_data()
    assert details['size'] == VIDEO_SIZE
    assert details['fps'] == 25
    assert details['duration'] > 1.0


@pytest.mark.parametrize('backend', ['glfw', 'nonsense'])
def test_without_opengl_picture_and_video_are_flat_and_one_line_says_why(
    tmp_path, monkeypatch, backend
):
    """GLFW without a display aborts its process; an unknown backend fails the import."""
    monkeypatch.setenv('MUJOCO_GL', backend)
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    files = render(tmp_path)
    assert imageio.imread(files.picture).std() > 10
    with imageio.get_reader(files.video) as video:
        assert video.get_meta_data()['size'] == TOP_VIEW_SIZE
        assert video.get_meta_data()['duration'] > 1.0
        first, last = (video.get_data(i).astype(int) for i in (0, video.count_frames() - 1))
    assert np.abs(first - last).max() > 100, 'the effector moves'
    assert backend in files.problem
    assert 'install EGL' in files.problem
    assert len(files.problem.splitlines()) == 1


def test_a_run_without_concept_is_drawn_without_energy_and_goal(tmp_path):
    at_once = RunRecorder()  # of one moment, as each frame of the video is drawn alike
    at_once.add(0.0, ARM.home_rad)
    files = render(tmp_path, record=at_once, field=None, goal_in_base_m=None, caption='')
    assert files.picture.exists() and files.video.exists()


def test_nothing_recorded_is_refused(tmp_path):
    with pytest.raises(ValueError, match='record'):
        render(tmp_path, record=RunRecorder())


def test_a_gif_has_every_picture_at_its_time_and_size(tmp_path):
    plain = np.full((60, 80, 3), 120, np.uint8)
    write_gif(tmp_path / 'a.gif', [plain, captioned(plain, 'above'), plain + 60], 12.5)
    with imageio.get_reader(tmp_path / 'a.gif') as reader:
        frames = [frame[..., :3].astype(int) for frame in reader]
        assert reader.get_meta_data()['duration'] == 80  # ms
    assert [frame.shape for frame in frames] == [(60, 80, 3)] * 3
    assert abs(frames[0] - 120).max() < 5 and abs(frames[2] - 180).max() < 5
    assert frames[1][0].min() > 200 and abs(frames[1][-1] - 120).max() < 5
