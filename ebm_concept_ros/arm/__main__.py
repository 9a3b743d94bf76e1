# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Commands for arms.

    python -m ebm_concept_ros.arm propose arm.urdf --out my_arm
    python -m ebm_concept_ros.arm check my_arm/arm.yaml --workspace my_arm/arm_workspace.yaml
    python -m ebm_concept_ros.arm babble my_arm/arm.yaml --workspace my_arm/arm_workspace.yaml

`propose` writes a configuration, a workspace and a picture for the arm in an MJCF, URDF or xacro
file: its joints, limits as the file has them (gaps marked ASSUMED), an effector at the far end of
the hand, a home by inverse kinematics, and a table that it reaches. `check` loads a configuration
as the nodes do. `babble` drives the arm at random in simulation, and writes how its states changed
under which torques. Status 1 with the reason where something is refused.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ebm_concept_ros.arm.config import ArmConfig, ModelSource
from ebm_concept_ros.arm.loading import load_arm, located
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.workspace import load_workspace


def main(argv: list[str] | None = None) -> int:
    """Run a command; return 1 where something is refused."""
    logging.basicConfig(format='%(message)s')
    args = _arguments(argv)
    try:
        return args.run(args)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1


def _propose(args: argparse.Namespace) -> int:
    # Imported here: who only checks needs neither scipy nor matplotlib.
    from ebm_concept_ros.arm.proposal.files import arm_yaml, workspace_yaml, write_picture
    from ebm_concept_ros.arm.proposal.propose import default_name, propose

    name = args.name or default_name(Path(args.model))
    source = located(
        ModelSource(
            model=args.model,
            package_dirs=tuple(args.package_dir),
            xacro_arguments=dict(each.split(':=', 1) for each in args.xacro),
        ),
        Path.cwd(),
    )
    proposal = propose(source, name, args.effector, args.first)
    args.out.mkdir(parents=True, exist_ok=True)
    arm, workspace = args.out / f'{name}.yaml', args.out / f'{name}_workspace.yaml'
    arm.write_text(arm_yaml(proposal, args.out))
    workspace.write_text(workspace_yaml(proposal))
    write_picture(proposal, args.out / f'{name}.png')
    reached = proposal.stand.reached
    print(f'{arm}: {len(proposal.arm.joints)} joints, the effector on {_body(proposal.arm)}')
    print(
        f'{workspace}: {reached.sum()} of {len(reached)} places reached with the hand down, '
        f'{proposal.stand.workspace.metres_per_unit} m per unit'
    )
    share = proposal.carrying_share
    hardest = proposal.arm.joints[int(share.argmax())].name
    print(f'carrying the arm takes {100 * share.max():.0f} % of the torque of {hardest}')
    for what, names in (
        ('effort_limit_nm', proposal.assumed_effort),
        ('velocity_limit_rad_s', proposal.assumed_speed),
    ):
        if names:
            ordered = [name for name in proposal.arm.joint_names if name in names]
            print(f'ASSUMED {what}: {", ".join(ordered)}; the data sheet knows')
    return _load(arm, workspace)


def _check(args: argparse.Namespace) -> int:
    return _load(args.config, args.workspace)


def _babble(args: argparse.Namespace) -> int:
    from ebm_concept_ros.arm.babbling import babble

    arm, workspace = load_arm(args.config), load_workspace(args.workspace)
    out = args.out or Path('out/babble') / f'{arm.name}.npz'
    babble(arm, workspace, args.transitions, args.seed).write(out, arm)
    print(f'{out}: {args.transitions} transitions of {arm.name}')
    return 0


def _load(arm_file: Path, workspace_file: Path | None) -> int:
    """Load an arm as the nodes do, over its table where one is given."""
    from ebm_concept_ros.arm.simulation import ArmSimulation
    from ebm_concept_ros.arm.table_scene import random_table_scene

    arm = load_arm(arm_file)
    if workspace_file is not None:
        workspace = load_workspace(workspace_file)
        try:
            ArmSimulation(arm, workspace, random_table_scene(1, 2, 'blue', workspace))
        except ConfigError as error:
            raise ConfigError(f'{arm_file}: {error}') from None
    print(f'{arm_file}: loads, {len(arm.joints)} joints')
    return 0


def _body(arm: ArmConfig) -> str:
    return arm.add_site.body if arm.add_site else arm.effector_site


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m ebm_concept_ros.arm',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    propose = commands.add_parser('propose', help='write a configuration for a model file')
    propose.add_argument('model', help='MJCF, URDF or xacro; package://… and file://… too')
    propose.add_argument('--out', type=Path, default=Path(), help='folder for the files')
    propose.add_argument('--name', help="of the arm; by default the file's")
    propose.add_argument('--effector', help='body or site that acts; by default the longest arm')
    propose.add_argument('--first', help='first joint of the arm; those before it are held')
    propose.add_argument(
        '--package-dir', action='append', default=[], help='where packages of package://… are'
    )
    propose.add_argument(
        '--xacro', action='append', default=[], metavar='NAME:=VALUE', help='argument of a xacro'
    )
    propose.set_defaults(run=_propose)
    check = commands.add_parser('check', help='load a configuration as the nodes do')
    check.add_argument('config', type=Path)
    check.add_argument('--workspace', type=Path, help='checks home over its table too')
    check.set_defaults(run=_check)
    babbling = commands.add_parser('babble', help='write transitions of an arm driven at random')
    babbling.add_argument('config', type=Path)
    babbling.add_argument('--workspace', type=Path, required=True, help='YAML of its table')
    babbling.add_argument('--transitions', type=int, default=50_000, help='of 0.02 s (50 000)')
    babbling.add_argument('--seed', type=int, default=0, help='of all that is random (0)')
    babbling.add_argument('--out', type=Path, help='the file (out/babble/ARM.npz)')
    babbling.set_defaults(run=_babble)
    args = parser.parse_args(argv)
    for each in getattr(args, 'xacro', ()):
        if ':=' not in each:
            parser.error(f'--xacro {each}: must be NAME:=VALUE')
    return args


if __name__ == '__main__':
    sys.exit(main())
