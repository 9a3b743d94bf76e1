"""python -m ebm_core train | evaluate: make a model, and measure one."""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

from .checkpoint import write_atomically
from .config import PRESETS, TrainingConfig, preset
from .evaluation import evaluate, evaluate_concept, table
from .events.placement import NUM_ENTITIES
from .model import ConceptModel, ModelError, load_model, save_model
from .scene import MAX_ENTITIES, InvalidInput
from .training import Learner, train


def main(argv: list[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        for option in ('scenes', 'threads'):
            value = getattr(args, option)
            if value is not None and value < 1:
                raise InvalidInput(f'--{option}: {value} is refused: at least 1')
        if args.threads:
            torch.set_num_threads(args.threads)
        result = args.command(args)
    except (InvalidInput, ModelError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    if args.json:
        write_atomically(args.json, (json.dumps(result, indent=2) + '\n').encode())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='ebm_core', description=__doc__)
    commands = parser.add_subparsers(required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('--json', type=Path, help='also write the results to this file')
    common.add_argument('--scenes', type=int, default=500, help='novel scenes per concept')
    common.add_argument('--threads', type=int, help="CPU threads (default: torch's choice)")

    command = commands.add_parser('train', parents=[common], help='train a model (Algorithm 1)')
    command.set_defaults(command=_train)
    command.add_argument('--preset', default='placement', help=f'one of {", ".join(PRESETS)}')
    command.add_argument(
        '--output', type=Path, help='directory of model and checkpoint (out/train/PRESET)'
    )
    command.add_argument('--fresh', action='store_true', help='start over, whatever is there')
    command.add_argument(
        '--device', help='cpu, cuda, cuda:1, … (default: cuda where there is one, else cpu)'
    )
    command.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help=f'change a value of the preset: {", ".join(TrainingConfig.model_fields)}',
    )

    command = commands.add_parser('evaluate', parents=[common], help='measure a model')
    command.set_defaults(command=_evaluate)
    command.add_argument('--model', type=Path, required=True, help='directory of the model')
    command.add_argument('--seed', type=int, default=1, help='of the scenes')
    command.add_argument(
        '--entities',
        type=int,
        nargs=2,
        default=NUM_ENTITIES,
        metavar=('LOW', 'HIGH'),
        help='smallest and largest number of entities of a scene (3 6)',
    )
    return parser


def _train(args: argparse.Namespace) -> dict:
    changes = {}
    for item in args.set:
        key, equals, value = item.partition('=')
        if not equals:
            raise InvalidInput(f'--set: {item!r} is not KEY=VALUE')
        changes[key] = value
    chosen = preset(args.preset, **changes)
    output = args.output or Path('out/train') / args.preset
    device = torch.device(args.device or ('cuda' if torch.cuda.is_available() else 'cpu'))

    def progress(learner: Learner, _step: int) -> dict[str, float]:
        with torch.random.fork_rng():  # what is shown must not change what is learned
            on_cpu = Learner(chosen)
            on_cpu.load_state_dict(learner.state_dict())
            row = evaluate_concept(ConceptModel(on_cpu, {}, ''), 'between', scenes=100)
        return {key: row[key] for key in ('generation', 'attention')}

    # Before the run: what is committed while it lasts is not what it was made with.
    commit = _commit()
    learner, run = train(chosen, output, device=device, resume=not args.fresh, report=progress)
    provenance = {
        'command': shlex.join(['python', '-m', 'ebm_core', *sys.argv[1:]]),
        'commit': commit,
        'seed': chosen.training.seed,
        'finished': datetime.now(UTC).isoformat(timespec='seconds'),
        'torch': torch.__version__,
        'device': str(device),
        'threads': torch.get_num_threads(),
        'machine': platform.machine(),
        **run,
    }
    learner = learner.cpu()
    save_model(output, learner, chosen, provenance)
    metrics = evaluate(load_model(output), scenes=args.scenes)
    save_model(output, learner, chosen, {**provenance, 'metrics': metrics})
    print(table(metrics))
    return {**provenance, 'metrics': metrics}


def _evaluate(args: argparse.Namespace) -> dict:
    low, high = args.entities
    if not 3 <= low <= high <= MAX_ENTITIES:
        raise InvalidInput(
            f'--entities: {low} {high} is refused: 3 or more, in ascending order, '
            f'{MAX_ENTITIES} at most'
        )
    model = load_model(args.model)
    metrics = evaluate(model, scenes=args.scenes, num_entities=(low, high), seed=args.seed)
    print(table(metrics))
    return metrics


def _commit() -> str:
    """Return the source's commit, with '+changes' where files differ from it."""
    here = Path(__file__).parent
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
