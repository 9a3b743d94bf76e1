# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core adapt: teach a trained energy one kind of concept more."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path

from ..config import keys_help
from ..errors import InvalidInput
from ..evaluation.adapted import concept_named, events_of, kept
from ..model_files import SHIPPED, write_model
from ..relational.adaptation import FEWEST_EVENTS, AdaptationRecipe, adaptation
from ..relational.config import TrainingConfig
from ..relational.model import load_model
from . import training
from .common import result_options
from .gallery import GALLERY, table, write_section

KIND = 'on a square of side 0.8 round A'
_COLUMNS = ('the kind', 'named', 'lowest named', 'without a name', 'other kinds held out')


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        'adapt',
        parents=[result_options()],
        help='teach a model a kind of concept that its training held out',
        description='Some concepts of its training are rehearsed, drawn anew; --plain leaves them '
        'out. What the model knew is measured before and after, in the same scenes.',
        epilog=f'keys of --set:\n{keys_help(TrainingConfig)}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_adapt, device='cpu', fresh=True)
    command.add_argument('--kind', default=KIND, help=f'a name of the open evaluation ({KIND})')
    command.add_argument('--model', type=Path, default=SHIPPED / 'concepts', help='to begin with')
    command.add_argument('--events', type=int, default=300, help='that show the kind (300)')
    command.add_argument('--plain', action='store_true', help='rehearse nothing')
    command.add_argument(
        '--output', type=Path, default=Path('out/adapt'), help='directory of the model (out/adapt)'
    )
    command.add_argument('--gallery', type=Path, default=GALLERY, help='directory of the results')
    command.add_argument('--scenes', type=int, default=500, help='novel ones of the kind (500)')
    command.add_argument('--known', type=int, default=100, help='of each named concept (100)')
    command.add_argument(
        '--open', type=int, default=50, help='of each other, without a name; 0: none (50)'
    )
    command.add_argument(
        '--set', action='append', default=[], metavar='KEY=VALUE', help='see below'
    )


def _adapt(args: argparse.Namespace) -> dict | None:
    concept, before = concept_named(args.kind), load_model(args.model)
    if args.events < FEWEST_EVENTS:
        raise InvalidInput(f'--events: {args.events} is refused: {FEWEST_EVENTS} or more')
    if args.open < 0:
        raise InvalidInput(f'--open: {args.open} is refused: at least 0')
    if args.output.resolve() == args.model.resolve():
        raise InvalidInput(f'--output: {args.output} is refused: it has the model to begin with')
    chosen = adaptation(args.model, rehearse=not args.plain, **training.changes_of(args))
    args.begin = args.model
    recipe = AdaptationRecipe(chosen, events_of(concept, args.events, chosen.training.seed))
    began = _cpu_s()
    made = training.run(args, recipe, args.output)
    if made is None:
        return None
    learner, provenance = made
    cpu_s = round(_cpu_s() - began, 1)
    card = chosen.model_dump()
    provenance |= {'taught': args.kind, 'rehearsed': card['training']['concepts']}
    # Whoever asks the card for the names that the model was trained on is told those of before.
    card['training']['concepts'] = before.card.get('training', {}).get('concepts', {})
    write_model(args.output, learner, card, provenance)
    how = {'scenes': args.scenes, 'known_scenes': args.known, 'open_scenes': args.open}
    names = before.trained_concepts
    rows = {
        'before': kept(before, concept, names, **how),
        'after': kept(load_model(args.output), concept, names, **how),
    }
    text = table(
        ('scenes that succeed, %', *_COLUMNS),
        [
            (name, *('' if share is None else f'{100 * share:.1f}' for share in row))
            for name, row in rows.items()
        ],
    )
    about = 'nothing rehearsed' if args.plain else 'with rehearsal'
    text = f'{args.events} events, {about}, {cpu_s} s of CPU to learn\n\n{text}'
    numbers = {name: row._asdict() for name, row in rows.items()}
    return write_section(
        args.gallery,
        f'adapt_{"plain" if args.plain else "rehearsed"}',
        f'Taught afterwards: {args.kind}',
        text,
        {'kind': args.kind, 'events': args.events, 'learning_cpu_s': cpu_s, **numbers},
        None,
    )


def _cpu_s() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime
