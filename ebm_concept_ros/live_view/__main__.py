# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Draw what the live view published, from a bag.

    python -m ebm_concept_ros.live_view out/bags/run_0001 --at 3 --out picture.png

Needs no ROS: the picture shows what the messages hold, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ebm_concept_ros.bags.reading import InvalidBag
from ebm_concept_ros.live_view.bag_view import view_of
from ebm_concept_ros.live_view.picture import draw


def main(arguments: list[str] | None = None) -> int:
    """Return 0, or 1 where the bag does not have it."""
    parser = argparse.ArgumentParser(
        prog='python -m ebm_concept_ros.live_view', description=__doc__.splitlines()[0]
    )
    parser.add_argument('bag', help='folder of a bag that was recorded while live_view ran')
    parser.add_argument('--at', type=float, metavar='S', help='s after the first energy; the end')
    parser.add_argument('--out', type=Path, default=Path('out/live_view.png'), help='the picture')
    args = parser.parse_args(arguments)
    try:
        draw(view_of(args.bag, args.at), args.out)
    except InvalidBag as error:
        print(f'live_view: {error}', file=sys.stderr)
        return 1
    print(args.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
