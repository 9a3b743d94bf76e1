# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Make the small moving picture of a page from the video that a run leaves in out/.

./scripts/reach_between.sh scene_seed:=15
python scripts/moving_picture.py out/reach_between_15.mp4 docs/pictures/reach_between.gif
"""

import argparse
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

from ebm_concept_ros.report.video import GIF_PALETTE

_FRAMES_PER_S, _WIDTH_PX = 12, 480
_FILTER = f'fps={_FRAMES_PER_S},scale={_WIDTH_PX}:-1:flags=lanczos,{GIF_PALETTE}'


def main() -> int:
    """Convert the video; the status is ffmpeg's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('video', type=Path, help='MP4 that the referee wrote')
    parser.add_argument('picture', type=Path, help='GIF to write')
    args = parser.parse_args()
    if not args.video.is_file():
        parser.error(f'video: there is no file {args.video}')
    convert = [imageio_ffmpeg.get_ffmpeg_exe(), '-y', '-loglevel', 'error', '-i', str(args.video)]
    done = subprocess.run([*convert, '-filter_complex', _FILTER, str(args.picture)])
    return done.returncode


if __name__ == '__main__':
    sys.exit(main())
