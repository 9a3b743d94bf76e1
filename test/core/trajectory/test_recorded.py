# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Transitions from a file: trained on, and refused by name where something is wrong."""

import json

import numpy as np
import pytest

from ebm_core.__main__ import main
from ebm_core.errors import InvalidInput
from ebm_core.trajectory.config import preset
from ebm_core.trajectory.energy import load_network
from ebm_core.trajectory.recipe import PairRecipe
from ebm_core.trajectory.recorded import read_recording


def recording(**changes):
    """Return the arrays of a point that is pushed."""
    rng = np.random.default_rng(0)
    states, actions = rng.uniform(-1, 1, (200, 2)), rng.uniform(-1, 1, (200, 1))
    made = {
        'states': states,
        'actions': actions,
        'nexts': states + 0.1 * np.concatenate((actions, states[:, :1]), 1),
        'step_s': 0.02,
        'names': ['push'],
    }
    return made | changes


def test_a_network_learns_from_a_file(tmp_path):
    file, model = tmp_path / 'push.npz', tmp_path / 'model'
    np.savez(file, **recording())
    command = ['trajectory', 'train', '--preset', 'recorded_inverse', '--device', 'cpu']
    command += ['--set', 'steps=60', '--set', 'batch=64']
    assert main([*command, '--transitions', str(file), '--output', str(model)]) == 0
    card = json.loads((model / 'model.json').read_text())
    assert card['transitions'] == {'number': 200, 'step_s': 0.02, 'names': ['push']}
    network = load_network(model, 'inverse', 'recorded')
    assert network.error(read_recording(file).transitions).mean() < 0.1


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'nexts': np.full((200, 2), np.nan)}, 'nexts: NaN or infinity'),
        ({'actions': np.zeros((3, 1))}, r'actions: shape \(3, 1\) is refused: 200 rows'),
        ({'step_s': 0.0}, 'step_s: 0.0 is refused'),
        ({'names': ['push', 'pull']}, 'names: 2 are refused: there are 1 actions'),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, changes, reason):
    np.savez(tmp_path / 'push.npz', **recording(**changes))
    with pytest.raises(InvalidInput, match=reason):
        read_recording(tmp_path / 'push.npz')


def test_what_is_no_recording_is_refused(tmp_path):
    (tmp_path / 'text.npz').write_text('states')
    np.savez(tmp_path / 'half.npz', states=np.zeros((3, 2)), names=['push'])
    with pytest.raises(InvalidInput, match=r'cannot be read as \.npz'):
        read_recording(tmp_path / 'text.npz')
    with pytest.raises(InvalidInput, match='actions, nexts, step_s: missing'):
        read_recording(tmp_path / 'half.npz')
    with pytest.raises(InvalidInput, match='world: recorded is refused without transitions'):
        PairRecipe(preset('recorded')).build()
