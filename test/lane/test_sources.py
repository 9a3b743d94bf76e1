# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every source file says whose it is, and is as the linters want it."""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPYRIGHT = 'Copyright 2026 The ebm_concept_ros contributors'
LICENCE = 'SPDX-License-Identifier: Apache-2.0'
_INTERFACES = ('.msg', '.srv', '.action')
SUFFIXES = (
    '.py',
    '.sh',
    '.cpp',
    '.hpp',
    *_INTERFACES,
    '.xml',
    '.yaml',
    '.yml',
    '.toml',
    '.in',
    '.css',
)
NAMES = ('CMakeLists.txt', 'requirements.txt', 'run')
# What builds leave, and `cases`: inputs of tests are what people have, not sources.
NOT_OURS = {
    *('build', 'install', 'log', 'out', 'dist', 'docs_build', 'cross_reference', 'cases'),
    *('.venv', '.git', '__pycache__', '.hypothesis', '.pytest_cache', '.ruff_cache'),
}


def sources() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in NOT_OURS and not f.endswith('.egg-info')]
        paths = (Path(folder, file) for file in files)
        found += [path for path in paths if path.suffix in SUFFIXES or path.name in NAMES]
    return found


def test_every_source_file_has_copyright_and_licence_at_its_top():
    files = sources()
    assert len(files) > 200
    without = []
    for path in files:
        top = path.read_text(encoding='utf-8').splitlines()[:5]
        if not (any(COPYRIGHT in line for line in top) and any(LICENCE in line for line in top)):
            without.append(str(path.relative_to(ROOT)))
    assert without == []


def test_the_version_has_a_dated_entry_in_the_changelog():
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    version = manifest.findtext('version')
    changelog = (ROOT / 'CHANGELOG.rst').read_text(encoding='utf-8')
    heading = re.search(rf'^{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n(-+)$', changelog, re.M)
    assert heading, f'CHANGELOG.rst has no dated entry for {version}'
    assert len(heading[1]) == len(heading[0].splitlines()[0])


@pytest.mark.skipif(shutil.which('ament_lint_cmake') is None, reason='it is not installed')
def test_cmake_is_as_ament_wants_it():
    """What else ament's linters check of Python is among ruff's rules (pyproject.toml)."""
    finished = subprocess.run(
        ['ament_lint_cmake', 'CMakeLists.txt'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
