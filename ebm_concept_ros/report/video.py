# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What every video of a run shares: when its frames are, and how they become a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import imageio.v2 as imageio
import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FRAMES_PER_S = 25
# A reach takes about a second: it is slowed down to be watched, but never by more than this.
_VIDEO_S = 4.0
_MOST_SLOWING = 4.0
_STILL_S = 1.0
# A palette of the picture's own: the usual 216 colours show bands on the table. No dithering, which
# would make every pixel of every frame another.
GIF_PALETTE = (
    'split[all][same];[all]palettegen=max_colors=96[palette];[same][palette]paletteuse=dither=none'
)


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
        ffmpeg_log_level='error',
        output_params=['-preset', 'veryfast'],
    ) as writer:
        for frame in frames:
            writer.append_data(frame)
        for _ in range(int(_STILL_S * FRAMES_PER_S)):
            writer.append_data(frame)


def write_gif(path: Path, frames: Iterable[np.ndarray], frames_per_s: float) -> None:
    """Write frames (height, width, 3) uint8 as a small moving picture that begins anew."""
    frames = list(frames)
    height, width = frames[0].shape[:2]
    writer = imageio_ffmpeg.write_frames(
        *(str(path), (width, height)),
        fps=frames_per_s,
        codec='gif',
        pix_fmt_out='pal8',
        macro_block_size=1,
        ffmpeg_log_level='error',
        output_params=['-filter_complex', GIF_PALETTE],
    )
    writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(frame))
    writer.close()


def captioned(image: np.ndarray, above: str = '', below: str = '') -> np.ndarray:
    """Return the image with a line of text on a strip above, and one below."""
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture, 'RGBA')
    size = max(13, picture.height // 34)
    font, margin = ImageFont.load_default(size), size // 2
    high = size + 2 * margin
    for text, top in ((above, 0), (below, picture.height - high)):
        if text:
            draw.rectangle((0, top, picture.width, top + high), fill=(255, 255, 255, 190))
            draw.text((margin, top + margin // 2), text, fill=(20, 20, 20), font=font)
    return np.asarray(picture)
