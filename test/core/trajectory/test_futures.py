# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Futures of an energy and of a mean: what their command writes, and what it refuses."""

import json

from ebm_core.__main__ import main
from ebm_core.commands import trajectory_futures


def test_futures_are_written_beside_those_of_a_mean(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trajectory_futures, '_STEPS', 4)
    monkeypatch.setattr(trajectory_futures, '_NUMBER', 20)
    command = ['trajectory', 'futures', '--output', str(tmp_path), '--gallery', str(tmp_path)]
    assert main([*command, '--seeds', '1', '--steps', '80']) == 0
    rows = json.loads((tmp_path / 'trajectory_futures_particle.json').read_text())['rows']
    spread = {row['source']: row['spread'] for row in rows}
    assert spread['a mean predictor'] < 1e-6 < spread['the energy']
    assert (tmp_path / 'trajectory_futures_particle.png').read_bytes()[:4] == b'\x89PNG'
    assert '| the energy |' in (tmp_path / 'trajectory_futures_particle.md').read_text()
    assert main([*command, '--seeds', '0']) == 2
    assert '--seeds: 0 is refused: at least 1' in capsys.readouterr().err
