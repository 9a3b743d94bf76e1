# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What every video of a run shares: when its frames are, and how they become a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import imageio.v2 as imageio
import numpy as np

FRAMES_PER_S = 25
# A reach takes about a second: it is slowed down to be watched, but never by more than this.
_VIDEO_S = 4.0
_MOST_SLOWING = 4.0
_STILL_S = 1.0


def frame_times_s(known_s: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return each frame's (M,) time in a run recorded at (T,) s, and the text that tells it."""
    duration_s = known_s[-1] - known_s[0]
    slowing = float(np.clip(_VIDEO_S / max(duration_s, 1e-3), 1.0, _MOST_SLOWING))
    slowing = 1.0 if slowing < 1.5 else round(slowing)
    since_start_s = np.arange(0.0, duration_s * slowing, 1.0 / FRAMES_PER_S) / slowing
    if len(since_start_s) == 0:
        since_start_s = np.zeros(1)
    speed = '' if slowing == 1 else f', {slowing:.0f} times slower than real'
    return known_s[0] + since_start_s, [f't = {time_s:.2f} s{speed}' for time_s in since_start_s]


def write_video(path: Path, frames: Iterable[np.ndarray]) -> None:
    """Write frames (height, width, 3) uint8 as MP4; the last one stays for a while."""
    with imageio.get_writer(
        path,
        fps=FRAMES_PER_S,
        codec='libx264',
        quality=7,
        output_params=['-preset', 'veryfast'],
    ) as writer:
        for frame in frames:
            writer.append_data(frame)
        for _ in range(int(_STILL_S * FRAMES_PER_S)):
            writer.append_data(frame)
