# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures of blocks: of the size that is asked for, with the blocks where they are now."""

import subprocess
import sys

import numpy as np
import pytest
from opengl import environment, has_opengl

DRAW = """
import sys
import numpy as np
from grasping_setup import block, simulation_of
from ebm_concept_ros.grasping.blocks import Pose
from ebm_concept_ros.report.block_renderer import BlockRenderer

simulation = simulation_of(block('red_0', 0.4, -0.2, width_m=0.06))
with BlockRenderer(simulation, (160, 120)) as renderer:
    frames = [renderer.draw()]
    simulation.put('red_0', Pose(np.array([0.4, 0.2, 0.02]), np.eye(3)))
    frames.append(renderer.draw())
np.save(sys.argv[1], frames)
"""


def test_a_block_is_seen_in_its_colour_and_where_it_is_moved_to(tmp_path):
    if not has_opengl():
        pytest.skip('this machine has no OpenGL')
    path = tmp_path / 'frames.npy'
    subprocess.run([sys.executable, '-c', DRAW, path], env=environment(), check=True)
    frames = np.load(path).astype(int)
    assert frames.shape == (2, 120, 160, 3)
    red, green, blue = frames.transpose(3, 0, 1, 2)
    is_red = (red > 100) & (green < red / 2) & (blue < red / 2)
    assert (is_red.sum((1, 2)) > 20).all()
    # From in front of the arm its left, +y, is on the right.
    before, after = (np.nonzero(frame)[1].mean() for frame in is_red)
    assert before < 60 and after > 100
    assert frames[:, 0, 0].min() > 100, 'the sky is bright'
