# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Dependencies point one way, and who loads weights does not pay for training."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / 'ebm_core'
# Files that every room may use.
SHARED = {'config', 'errors', 'files', 'preset_recipe', 'protocols'}
# Energies, each of which knows nothing of the others.
SYSTEMS = {'relational', 'toy', 'trajectory', 'continual', 'image', 'compositional'}


def imports(path: Path) -> set[str]:
    """Return the absolute names of all modules that a file of ebm_core imports."""
    package = path.relative_to(ROOT).with_suffix('').parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = '.'.join((*base, *filter(None, [node.module])))
            names |= {module, *(f'{module}.{alias.name}' for alias in node.names)}
    return names


def rooms_used_by(room: str) -> set[str]:
    """Return the rooms and files of ebm_core that a room's files import, but itself."""
    used = set()
    for path in (CORE / room).rglob('*.py'):
        for name in imports(path):
            parts = name.split('.')
            if parts[0] == 'ebm_core' and len(parts) > 1:
                used.add(parts[1])
    return {name for name in used if (CORE / name).is_dir() or (CORE / f'{name}.py').is_file()} - {
        room
    }


def test_imports_are_seen():
    found = imports(CORE / 'training' / 'loop.py')
    assert {'numpy', 'ebm_core.protocols', 'ebm_core.training.checkpoint'} <= found
    assert 'training' not in rooms_used_by('training') and 'protocols' in rooms_used_by('training')


@pytest.mark.parametrize(
    ('room', 'allowed'),
    [
        ('world', SHARED),
        ('concepts', SHARED | {'world'}),
        ('library', SHARED | {'world'}),
        ('sampling', SHARED),
        ('training', SHARED),
        ('datasets', SHARED),
        ('toy', SHARED | {'model_files', 'sampling'}),
        ('trajectory', SHARED | {'model_files', 'sampling'}),
        ('continual', SHARED | {'datasets'}),
        ('image', SHARED | {'datasets', 'model_files', 'sampling'}),
        ('compositional', SHARED | {'datasets', 'model_files'}),
        ('relational', SHARED | {'model_files', 'world', 'concepts', 'sampling'}),
        (
            'evaluation',
            SHARED | {'model_files', 'world', 'concepts', 'sampling', 'relational'},
        ),
    ],
)
def test_a_room_uses_only_what_is_below_it(room, allowed):
    assert rooms_used_by(room) <= allowed


@pytest.mark.parametrize('system', sorted(SYSTEMS))
def test_systems_never_import_one_another(system):
    assert not rooms_used_by(system) & (SYSTEMS - {system})


def test_loading_weights_imports_no_training():
    code = """
import sys
import torch  # which imports tqdm for itself where it is installed
before = set(sys.modules)
import ebm_core
ebm_core.load_model()
heavy = ('ebm_core.training', 'tqdm', 'tensorboard', 'matplotlib')
found = [name for name in set(sys.modules) - before if name.startswith(heavy)]
assert not found, found
"""
    finished = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
