# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What users import from ebm_core, and the weights that it finds by itself."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ebm_core

ROOT = Path(__file__).parents[2]


def test_every_public_name_is_there_and_listed():
    for name in ebm_core.__all__:
        assert getattr(ebm_core, name) is not None
    assert set(ebm_core.__all__) <= set(dir(ebm_core))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        ebm_core.Nothing  # noqa: B018 (it raises)


def test_scenes_need_no_torch():
    code = 'import ebm_core, sys; ebm_core.Scene; assert "torch" not in sys.modules'
    subprocess.run([sys.executable, '-c', code], check=True, timeout=200)


def test_the_shipped_weights_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    card = json.loads((ROOT / 'models' / 'open' / 'model.json').read_text())
    assert ebm_core.load_model().sha256 == card['sha256']


def test_ten_lines_from_demonstrations_to_a_goal():
    """The lines of the package's docstring."""
    rng = np.random.default_rng(0)
    north = ebm_core.get_concept('north')
    model = ebm_core.load_model()
    demonstrations = north.demonstrations(rng, 5)
    inferred = model.infer(demonstrations)
    assert model.understanding(demonstrations) > model.understanding_threshold
    scene = demonstrations[0].before
    attention = model.identify(scene, inferred.argument_code)
    goal = model.generate(scene, attention, inferred.action_code)
    assert isinstance(goal, ebm_core.Scene)
    actor = int(np.flatnonzero(scene.movable)[0])
    points = np.array([goal.positions[actor], scene.positions[actor]])
    there, here = model.actor_energy(scene, attention, inferred.action_code, points)
    assert there < here
