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

from ..files import write_atomically

GALLERY = Path('out/gallery')


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


def append_sections(page: Path, gallery: Path) -> list[str]:
    """Append the sections of a gallery to a page, with their pictures beside it; return names."""
    names = []
    for section in sorted(gallery.glob('*.md')):
        picture = section.with_suffix('.png')
        if picture.exists():
            write_atomically(page.parent / picture.name, picture.read_bytes())
        write_atomically(page, (page.read_text() + '\n' + section.read_text()).encode())
        names.append(section.stem)
    return names
