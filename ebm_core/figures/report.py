# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One page with every figure and table, the numbers, and the command beside each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..concepts import concept_names
from ..evaluation.contexts import evaluate, table
from ..files import write_atomically
from . import FIGURES, get_figure
from .draw import draw_figures
from .models import MAIN, Models
from .spec import FigureSpec, markdown_table

PAGE, NUMBERS = 'report.md', 'report.json'


def write_report(
    models: Models, output: Path, *, seed: int, scenes: int, further: Sequence[str] = ()
) -> dict:
    """Write report.md, report.json and the figures into a directory, and return the numbers.

    further: Markdown of sections that stand at the end, each with its title, ## …, in the first
    line.

    A figure whose models are missing, or that shows concepts which the main model was not trained
    on, is left out: its section says why. Without the main model nothing is written.
    """
    models.require((MAIN,))
    left_out = {name: why for name in FIGURES if (why := _why_left_out(get_figure(name), models))}
    drawn = tuple(name for name in FIGURES if name not in left_out)
    figures = draw_figures(drawn, models, output / 'figures', seed=seed, scenes=scenes)
    known = models.get(MAIN).trained_concepts
    concepts = evaluate(models.get(MAIN), known, scenes=scenes, seed=seed)
    options = f'--seed {seed} --scenes {scenes}'
    main, ablations = models.main_option, models.ablations
    sections = [
        '# Concept learning with energy-based models: results',
        'Every number here was measured by the commands beside it, on scenes that no training saw, '
        f'drawn from seed {seed}; {scenes} scenes for each number, if its section says nothing '
        'else. Concept codes are inferred from five demonstrations each. The same numbers, '
        f'unrounded, are in [{NUMBERS}]({NUMBERS}). The figures are numbered as in the paper '
        '(I. Mordatch, *Concept Learning with Energy-Based Models*, 2018).',
        _contents(further),
        '## Every concept, in both contexts',
        'Share of novel scenes in which the predicate holds after K steps (*generation*), or the '
        'attention is exactly right in a still scene (*identification*). *Argument*: the attention '
        'of the event, found in its first state by w_a. The next two columns use a code that was '
        'shown in the other context; the last two take a single chain as it ends, in place of the '
        'best of several.',
        _command(f'python -m ebm_core evaluate {main}{options}'),
        table(concepts),
    ]
    if others := [name for name in concept_names() if name not in known]:
        sections.append(f'The model was not trained on {", ".join(others)}.')
    for name in FIGURES:
        spec = get_figure(name)
        if name in left_out:
            sections += [f'## {spec.title}', left_out[name]]
            continue
        source = f'{main}--models {ablations}'
        sections += [
            f'## {spec.title}',
            f'![{spec.title}](figures/{name}.png)',
            spec.caption,
            spec.table(figures[name]),
            _command(f'python -m ebm_core figure {name} {source} {options}'),
        ]
    sections += [
        '## The models',
        'Weights by their SHA-256, the steps and the time that training took, and the commit of '
        'the source that trained them.',
        _models(models),
        _command(f'python -m ebm_core report {main}--models {ablations} {options}'),
        *further,
    ]
    numbers = {
        'seed': seed,
        'scenes': scenes,
        'models': models.used,
        'concepts': concepts,
        'figures': figures,
        'left_out': left_out,
    }
    write_atomically(output / NUMBERS, (json.dumps(numbers, indent=2) + '\n').encode())
    write_atomically(output / PAGE, ('\n\n'.join(sections) + '\n').encode())
    print(output / PAGE)
    if left_out:
        print(f'left out, the page says why: {", ".join(left_out)}')
    return numbers


def _why_left_out(spec: FigureSpec, models: Models) -> str:
    """Return Markdown, empty where nothing is in the way of drawing it."""
    if missing := models.missing(spec.needs):
        commands = '\n'.join(models.command(preset) for preset in missing)
        return f'Not drawn, as models are missing. They are made with:\n\n{_command(commands)}'
    if unknown := models.unknown(spec.concepts):
        return f'Not drawn, as the model was not trained on {", ".join(unknown)}.'
    return ''


def _contents(further: Sequence[str]) -> str:
    titles = [
        'Every concept, in both contexts',
        *(get_figure(name).title for name in FIGURES),
        'The models',
        *(section.partition('\n')[0].removeprefix('## ') for section in further),
    ]
    return '\n'.join(f'- [{title}](#{_anchor(title)})' for title in titles)


def _anchor(title: str) -> str:
    """Return the address that Markdown viewers give to a heading."""
    kept = ''.join(c for c in title.lower() if c.isalnum() or c in ' -')
    return kept.replace(' ', '-')


def _command(line: str) -> str:
    return f'```bash\n{line}\n```'


def _models(models: Models) -> str:
    rows = []
    for preset, one in models.used.items():
        minutes = f'{one["wall_s"] / 60:.0f} min' if 'wall_s' in one else ''
        rows.append(
            (
                'the main model' if preset == MAIN else f'`{preset}`',
                f'`{one["sha256"][:12]}`',
                str(one.get('step', '')),
                minutes,
                f'`{one["commit"][:12]}`' if 'commit' in one else '',
                f'`{one.get("command", models.command(preset))}`',
            )
        )
    return markdown_table(('', 'weights', 'steps', 'time', 'commit', 'command'), rows, '---')
