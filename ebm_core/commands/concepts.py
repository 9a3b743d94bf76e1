# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core train | evaluate | compose | understand: the energy of concepts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from ..concepts import FAMILIES, NUM_ENTITIES, named_concepts
from ..config import keys_help
from ..errors import InvalidInput
from ..evaluation.composition import composition_table, evaluate_compositions
from ..evaluation.contexts import CONTEXTS, evaluate, evaluate_concept, table
from ..evaluation.open.sums import evaluate_open_sums
from ..evaluation.understanding import evaluate_understanding, understanding_table
from ..model_files import write_card
from ..relational.config import PRESETS, TrainingConfig, preset
from ..relational.learner import Learner
from ..relational.model import ConceptModel, load_model, save_model
from ..relational.open_recipe import recipe_of
from ..training.distributed import joined
from ..world.scene import MAX_ENTITIES
from . import open_concepts, training
from .common import USUAL_SCENES, model_options, result_options, scene_options

SCENES_SO_FAR = 20  # per concept, for the progress bar
_ABOUT_TRAINING = """\
Train a model, and write it to OUTPUT with what it was measured to do.

A run that was interrupted, even killed, continues exactly where its last checkpoint is when the
same command is given again. The same seed gives the same weights, bit for bit, on one machine with
the same --threads. The progress bar shows the likelihood losses of states (x) and attention (a),
the samplers' (kl_x, kl_a), and the share of novel scenes in which the concepts trained so far
succeed. TensorBoard, where it is installed, shows the same: tensorboard --logdir OUTPUT/logs

Several processes share the work of each step, on CPUs or with a GPU each:

    torchrun --nproc-per-node N -m ebm_core train --preset concepts
"""


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the sub-commands."""
    result, of_model = result_options(), model_options()
    command = commands.add_parser(
        'train',
        parents=[result, scene_options(about='novel scenes per number; 0: no numbers')],
        help='train a model (Algorithm 1)',
        description=_ABOUT_TRAINING,
        epilog='keys of --set, whose values are checked (mappings and lists are written as JSON):\n'
        + keys_help(TrainingConfig),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_train, fewest_scenes=0)
    training.add_options(command, PRESETS, 'concepts')

    command = commands.add_parser('evaluate', parents=[result, of_model], help='measure a model')
    command.set_defaults(command=_evaluate)
    command.add_argument(
        '--scenes',
        type=int,
        help=f'novel scenes per number ({USUAL_SCENES}; with --open {open_concepts.SCENES})',
    )
    command.add_argument(
        '--entities',
        type=int,
        nargs=2,
        default=NUM_ENTITIES,
        metavar=('LOW', 'HIGH'),
        help='smallest and largest number of entities of a scene (3 8)',
    )
    command.add_argument('--demonstrations', type=int, default=5, help='per code (5)')
    open_concepts.add_options(command)

    command = commands.add_parser(
        'compose',
        parents=[result, of_model, scene_options(500)],
        help='measure sums of two energies, and of three',
    )
    command.set_defaults(command=_compose)
    command.add_argument(
        '--open', action='store_true', help='of concepts written by hand instead of named ones'
    )
    command.add_argument(
        '--only',
        nargs='+',
        default=[],
        metavar='WORDS',
        help='measure only sums whose name has one of these in it; their numbers are the same',
    )

    command = commands.add_parser(
        'understand',
        parents=[result, of_model, scene_options(40, 'sets of demonstrations per concept')],
        help='measure how it tells what it does not understand',
    )
    command.set_defaults(command=_understand)
    command.add_argument(
        '--held-out', nargs='*', default=[], help='families that the model was not trained on'
    )
    command.add_argument(
        '--write', action='store_true', help="keep the threshold in the model's card"
    )


def success_so_far(model: ConceptModel, names: Sequence[str]) -> dict[str, float]:
    """Return the shares of a few scenes of each concept that succeed, by context."""
    rows = [evaluate_concept(model, name, scenes=SCENES_SO_FAR) for name in names]
    shares = {key: [row[key] for row in rows if key in row] for key in CONTEXTS}
    return {key: sum(values) / len(values) for key, values in shares.items() if values}


def _train(args: argparse.Namespace) -> dict | None:
    chosen = preset(args.preset, **training.changes_of(args))
    output = args.output or Path('out/train') / args.preset
    trained = named_concepts(chosen.training.concepts)

    def progress(learner: Learner, _step: int) -> dict[str, float]:
        with torch.random.fork_rng():  # what is shown must not change what is learned
            on_cpu = Learner(chosen.model)
            on_cpu.load_state_dict(learner.state_dict())
            return success_so_far(ConceptModel(on_cpu, {}, ''), trained)

    report = progress if args.scenes else None
    made = training.run(args, recipe_of(chosen), output, report)
    if made is None:
        return None
    learner, provenance = made
    save_model(output, learner, chosen, provenance)
    model = load_model(output)
    if not args.scenes:
        return provenance
    metrics = evaluate(model, model.trained_concepts, scenes=args.scenes)
    save_model(output, learner, chosen, {**provenance, 'metrics': metrics})
    print(table(metrics))
    return {**provenance, 'metrics': metrics}


def _evaluate(args: argparse.Namespace) -> dict | None:
    low, high = args.entities
    if not 3 <= low <= high <= MAX_ENTITIES:
        raise InvalidInput(
            f'--entities: {low} {high} is refused: 3 or more, in ascending order, '
            f'{MAX_ENTITIES} at most'
        )
    model = load_model(args.model)
    if args.open:
        return open_concepts.run(args, model)
    with joined(torch.device('cpu')) as processes:
        metrics = evaluate(
            model,
            model.trained_concepts,
            scenes=args.scenes or USUAL_SCENES,
            num_entities=(low, high),
            demonstrations=args.demonstrations,
            seed=args.seed,
            processes=processes,
        )
    if not processes.leads:
        return None
    print(table(metrics))
    return metrics


def _compose(args: argparse.Namespace) -> dict | None:
    model = load_model(args.model)
    measured = evaluate_open_sums if args.open else evaluate_compositions
    how = {'scenes': args.scenes, 'seed': args.seed, 'only': args.only}
    with joined(torch.device('cpu')) as processes:
        results = measured(model, **how, processes=processes)
    if not processes.leads:
        return None
    print(composition_table(results))
    return results


def _understand(args: argparse.Namespace) -> dict:
    unknown = [family for family in args.held_out if family not in FAMILIES]
    if unknown:
        raise InvalidInput(
            f'--held-out: {unknown[0]!r} is unknown; known are {", ".join(FAMILIES)}'
        )
    model = load_model(args.model)
    result = evaluate_understanding(model, sets=args.scenes, held_out=args.held_out, seed=args.seed)
    print(understanding_table(result))
    if args.write:
        write_card(args.model, {**model.card, 'understanding': result})
    return result
