# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the systems beside concepts show: a picture, a table, and the command that made them.

Each is three files of a directory, NAME.png, .md and .json; `report` takes in what is there.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import InvalidInput
from ..files import write_atomically

GALLERY = Path('out/gallery')
# How the names of sections begin, and the command that makes them.
_MADE_BY = {
    'toy_widths': 'toy widths',
    'toy_negatives': 'toy negatives',
    'toy_conditional': 'toy conditional',
    'toy_sums': 'toy sums',
    'trajectory_futures': 'trajectory futures',
    'trajectory_subgoals': 'trajectory subgoals',
    'continual': 'continual',
    'adapt': 'adapt',
    'image_generate': 'image generate',
    'image_outliers': 'image outliers',
    'image_robust': 'image robust',
    'shapes_sums': 'shapes generate',
}


def gallery_options(seed: int = 0) -> argparse.ArgumentParser:
    """Return --output and --seed, to be a parent of a command that writes a section."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        '--output', type=Path, default=GALLERY, help=f'directory of the results ({GALLERY})'
    )
    options.add_argument('--seed', type=int, default=seed, help=f'of everything random ({seed})')
    return options


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns but the first are aligned to the right."""
    lines = [header, ['---', *['--:'] * (len(header) - 1)], *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def write_section(
    directory: Path, name: str, title: str, text: str, numbers: dict, picture: bytes | None
) -> dict:
    """Write a section's files, print its text, and return its numbers with command and CPU time."""
    command = shlex.join(['python', '-m', 'ebm_core', *sys.argv[1:]])
    cpu_s = round(resource.getrusage(resource.RUSAGE_SELF).ru_utime, 1)
    numbers = {'command': command, 'cpu_s': cpu_s, **numbers}
    shown = f'![{title}]({name}.png)\n\n' if picture else ''
    page = f'## {title}\n\n{shown}{text}\n\n```bash\n{command}\n```\n'
    if picture:
        write_atomically(directory / f'{name}.png', picture)
    write_atomically(directory / f'{name}.json', (json.dumps(numbers, indent=2) + '\n').encode())
    write_atomically(directory / f'{name}.md', page.encode())
    print(f'{text}\n\n{directory / name}.md, {cpu_s} s of CPU')
    return numbers


def read_sections(gallery: Path) -> tuple[list[str], list[Path]]:
    """Return the pages of a gallery's sections, each with its title first, and the pictures.

    A last page, where something is missing, has the commands that make it.
    """
    paths = sorted(gallery.glob('*.md'))
    pages = [_text(path).strip() for path in paths]
    pictures = [path.with_suffix('.png') for path in paths if path.with_suffix('.png').exists()]
    missing = [
        f'python -m ebm_core {command}'
        for name, command in _MADE_BY.items()
        if not any(path.stem.startswith(name) for path in paths)
    ]
    if missing:
        commands = '\n'.join(missing)
        pages.append(
            f'## Of the other systems, what is not in {gallery}\n\nIt is made with:\n\n'
            f'```bash\n{commands}\n```'
        )
    return pages, pictures


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise InvalidInput(f'{path}: not a section, which is UTF-8 ({error})') from None
