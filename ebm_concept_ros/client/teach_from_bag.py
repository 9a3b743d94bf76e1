# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Teach the learner what a bag shows.

    python -m ebm_concept_ros.client.teach_from_bag BAG
    python -m ebm_concept_ros.client.teach_from_bag BAG --name beside --taking-part blue_0 red_0

The first shows the demonstrations in the bag. The second one reads its scenes, in which somebody
moved one thing at a time and let it rest in between: each move is a demonstration.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

from ebm_concept_ros.bags.demonstrations import demonstrations_in, segments_in
from ebm_concept_ros.bags.reading import Bag, InvalidBag, opened
from ebm_concept_ros.bags.segments import Rest
from ebm_concept_ros.client.concept_arm import ConceptArm, Refused
from ebm_concept_ros.package_files import WORKSPACE, package_path
from ebm_concept_ros.workspace import Workspace, load_workspace
from ebm_core.world.scene import Demonstration, InvalidInput


def main(arguments: list[str] | None = None) -> int:
    """Teach; return 1, with the reason, where the bag or the learner refuses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('bag', help='its folder, or the .mcap file in it')
    parser.add_argument('--name', default='', help='of the concept; of demonstrations: only these')
    parser.add_argument(
        '--taking-part',
        nargs='+',
        default=[],
        metavar='ID',
        help='read the scenes; those who take part beside the one that is moved',
    )
    usual = Rest()
    parser.add_argument('--topic', default='', help='where there are several of one type')
    parser.add_argument('--rest', type=float, default=usual.rest_s, help='how long a rest is, s')
    parser.add_argument(
        '--still', type=float, default=usual.still, help='less is no move, particle units'
    )
    parser.add_argument(
        '--moved', type=float, default=usual.moved, help='less is no demonstration, particle units'
    )
    parser.add_argument('--workspace-config', default='', help='YAML of the workspace')
    args = parser.parse_args(arguments)
    if args.taking_part and not args.name:
        parser.error('--taking-part needs --name, as scenes have none')
    workspace = load_workspace(package_path(args.workspace_config, WORKSPACE))
    try:
        with opened(args.bag) as bag:
            shown = _shown(bag, workspace, args)
        with ConceptArm(workspace=workspace) as arm:
            for name, demonstrations in shown.items():
                concept = arm.teach(name, demonstrations)
                said = 'waits for more' if concept is None else 'learned'
                print(f'{name}: {len(demonstrations)} demonstrations, {said}')
    except (InvalidBag, InvalidInput, Refused, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _shown(
    bag: Bag, workspace: Workspace, args: argparse.Namespace
) -> dict[str, list[Demonstration]]:
    """Return the demonstrations of each concept; raises InvalidBag where there are none."""
    shown: dict[str, list[Demonstration]] = defaultdict(list)
    if args.taking_part:
        rest = Rest(args.rest, args.still, args.moved)
        for segment in segments_in(bag, workspace, args.taking_part, rest, args.topic):
            if segment.demonstration is None:
                print(f'left out from {segment.from_s:.1f} s: {segment.why}', file=sys.stderr)
            else:
                shown[args.name].append(segment.demonstration)
    else:
        for named in demonstrations_in(bag, workspace, args.topic):
            if args.name in ('', named.concept):
                shown[named.concept].append(named.demonstration)
    if not shown:
        raise InvalidBag(f'{args.bag}: nothing is shown there')
    return shown


if __name__ == '__main__':
    sys.exit(main())
