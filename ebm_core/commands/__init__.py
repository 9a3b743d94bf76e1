# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command line, a file for each system; a new one adds its own to `SYSTEMS`.

Each file has `add_commands(commands)`, which adds sub-commands whose default `command` is a
function from the parsed arguments to what --json writes, or None.
"""

from __future__ import annotations

from . import adapt, compositional, concepts, continual, figures, image, maps, toy, trajectory

SYSTEMS = (concepts, adapt, maps, figures, toy, trajectory, continual, image, compositional)
