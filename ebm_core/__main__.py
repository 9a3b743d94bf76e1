# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""python -m ebm_core COMMAND: make a model, measure it, draw it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from .concepts import FAMILIES, NUM_ENTITIES, named_concepts
from .config import keys_help
from .evaluation.composition import composition_table, evaluate_compositions
from .evaluation.contexts import CONTEXTS, evaluate, evaluate_concept, table
from .evaluation.open import cli as open_concepts
from .evaluation.understanding import evaluate_understanding, understanding_table
from .figures.cli import add_commands
from .files import write_atomically
from .model_files import write_card
from .relational.config import PRESETS, TrainingConfig, preset
from .relational.learner import Learner
from .relational.model import ConceptModel, ModelError, load_model, save_model
from .relational.open_recipe import recipe_of
from .training.distributed import device_of, joined
from .training.loop import train
from .world.scene import MAX_ENTITIES, InvalidInput

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


def main(argv: list[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        if args.scenes is None:
            usual = getattr(args, 'usual_scenes', 1000)
            args.scenes = open_concepts.SCENES if getattr(args, 'open', False) else usual
        for option in ('scenes', 'threads', 'demonstrations'):
            value = getattr(args, option, None)
            fewest = getattr(args, f'fewest_{option}', 1)
            if value is not None and value < fewest:
                raise InvalidInput(f'--{option}: {value} is refused: at least {fewest}')
        if args.threads:
            torch.set_num_threads(args.threads)
        result = args.command(args)
    except (InvalidInput, ModelError) as error:
        # Of several processes (torchrun) on a machine, all are refused the same.
        if int(os.environ.get('LOCAL_RANK', 0)) == 0:
            print(f'error: {error}', file=sys.stderr)
        return 2
    if args.json and result is not None:
        write_atomically(args.json, (json.dumps(result, indent=2) + '\n').encode())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='ebm_core', description=__doc__)
    commands = parser.add_subparsers(required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('--json', type=Path, help='also write the results to this file')
    common.add_argument(
        '--scenes',
        type=int,
        help='novel scenes per number (1000; --open and compose 500; understand 40 sets; train 0: '
        'no numbers)',
    )
    common.add_argument('--threads', type=int, help="CPU threads (default: torch's choice)")

    command = commands.add_parser(
        'train',
        parents=[common],
        help='train a model (Algorithm 1)',
        description=_ABOUT_TRAINING,
        epilog=_keys(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_train, fewest_scenes=0)
    command.add_argument('--preset', default='concepts', help=f'one of {", ".join(PRESETS)}')
    command.add_argument(
        '--output', type=Path, help='directory of model and checkpoint (out/train/PRESET)'
    )
    command.add_argument('--fresh', action='store_true', help='start over, whatever is there')
    command.add_argument(
        '--device',
        help='cpu, cuda, cuda:1, … (default: cuda where there is one, else cpu); under torchrun '
        'cuda is a GPU per process',
    )
    command.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='change a value of the preset; may be given again; the keys stand below',
    )

    command = commands.add_parser('evaluate', parents=[common], help='measure a model')
    command.set_defaults(command=_evaluate)
    command.add_argument(
        '--model', type=Path, default=Path('models/concepts'), help='directory of the model'
    )
    command.add_argument('--seed', type=int, default=1, help='of the scenes')
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

    command = commands.add_parser('compose', parents=[common], help='measure sums of two energies')
    command.set_defaults(command=_compose, usual_scenes=500)
    command.add_argument('--model', type=Path, required=True, help='directory of the model')
    command.add_argument('--seed', type=int, default=1, help='of the scenes')

    command = commands.add_parser(
        'understand', parents=[common], help='measure how it tells what it does not understand'
    )
    command.set_defaults(command=_understand, usual_scenes=40)
    command.add_argument('--model', type=Path, required=True, help='directory of the model')
    command.add_argument('--seed', type=int, default=1, help='of the demonstrations')
    command.add_argument(
        '--held-out', nargs='*', default=[], help='families that the model was not trained on'
    )
    command.add_argument(
        '--write', action='store_true', help="keep the threshold in the model's card"
    )
    add_commands(commands, common)
    return parser


def _keys() -> str:
    """Return the keys of --set, what they mean, and what is allowed."""
    about = 'keys of --set, whose values are checked (mappings and lists are written as JSON):'
    return f'{about}\n{keys_help(TrainingConfig)}'


def success_so_far(model: ConceptModel, names: Sequence[str]) -> dict[str, float]:
    """Return the shares of a few scenes of each concept that succeed, by context."""
    rows = [evaluate_concept(model, name, scenes=SCENES_SO_FAR) for name in names]
    shares = {key: [row[key] for row in rows if key in row] for key in CONTEXTS}
    return {key: sum(values) / len(values) for key, values in shares.items() if values}


def _train(args: argparse.Namespace) -> dict | None:
    changes = {}
    for item in args.set:
        key, equals, value = item.partition('=')
        if not equals:
            raise InvalidInput(f'--set: {item!r} is not KEY=VALUE')
        # Mappings and lists as JSON; of everything else pydantic knows how it is written.
        try:
            changes[key] = json.loads(value) if value[:1] in ('{', '[') else value
        except json.JSONDecodeError as error:
            raise InvalidInput(f'--set: {key}: {value!r} is not JSON ({error})') from None
    chosen = preset(args.preset, **changes)
    output = args.output or Path('out/train') / args.preset
    device = device_of(args.device)
    trained = named_concepts(chosen.training.concepts)

    def progress(learner: Learner, _step: int) -> dict[str, float]:
        with torch.random.fork_rng():  # what is shown must not change what is learned
            on_cpu = Learner(chosen.model)
            on_cpu.load_state_dict(learner.state_dict())
            return success_so_far(ConceptModel(on_cpu, {}, ''), trained)

    # Before the run: what is committed while it lasts is not what it was made with.
    commit = _commit()
    with joined(device) as processes:
        learner, run = train(
            recipe_of(chosen),
            output,
            device=device,
            resume=not args.fresh,
            report=progress if args.scenes else None,
            processes=processes,
        )
    if not processes.leads:
        return None
    launcher = ['torchrun', '--nproc-per-node', str(processes.number)]
    provenance = {
        'command': shlex.join(
            [*(launcher if processes.number > 1 else ['python']), '-m', 'ebm_core', *sys.argv[1:]]
        ),
        'commit': commit,
        'seed': chosen.training.seed,
        'finished': datetime.now(UTC).isoformat(timespec='seconds'),
        'torch': torch.__version__,
        'device': str(device),
        'processes': processes.number,
        'threads': torch.get_num_threads(),
        'machine': platform.machine(),
        **run,
    }
    learner = learner.cpu()
    save_model(output, learner, chosen, provenance)
    made = load_model(output)
    if not args.scenes:
        return provenance
    metrics = evaluate(made, made.trained_concepts, scenes=args.scenes)
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
        with joined(torch.device('cpu')) as processes:
            return open_concepts.run(args, model, processes)
    metrics = evaluate(
        model,
        model.trained_concepts,
        scenes=args.scenes,
        num_entities=(low, high),
        demonstrations=args.demonstrations,
        seed=args.seed,
    )
    print(table(metrics))
    return metrics


def _compose(args: argparse.Namespace) -> dict:
    results = evaluate_compositions(load_model(args.model), scenes=args.scenes, seed=args.seed)
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


def _commit() -> str:
    """Return the source's commit, with '+changes' where files differ from it."""
    here = Path(__file__).parent
    if commit := os.environ.get('SOURCE_COMMIT'):
        return commit  # of sources that came without their history
    try:
        commit = subprocess.run(
            ['git', 'rev-parse', 'HEAD'], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ['git', 'status', '--porcelain', '--', '.'],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'
    return commit + ('+changes' if changed else '')


if __name__ == '__main__':
    sys.exit(main())
