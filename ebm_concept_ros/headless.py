"""Lets MuJoCo draw where there is no display."""

from __future__ import annotations

import os


def draw_without_display() -> None:
    """Choose EGL where no display is set and nothing else was chosen.

    MuJoCo reads this once, when it is first imported: so each package that imports MuJoCo calls
    this first.
    """
    if not os.environ.get('DISPLAY') and not os.environ.get('WAYLAND_DISPLAY'):
        os.environ.setdefault('MUJOCO_GL', 'egl')
