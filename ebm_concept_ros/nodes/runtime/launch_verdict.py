# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a launch ends: by the result that a referee leaves, or by why there is none.

As `launch_arguments`, it knows nothing of launch itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


class Verdict:
    """What a referee leaves in a folder, and what became of it if it left nothing."""

    def __init__(self, out_dir: Path, nothing: Mapping[str, object]) -> None:
        """nothing: the result where the referee left none, to which `reason` is added."""
        self._path, self._nothing = out_dir / 'result.json', nothing
        self._reason = 'the launch ended before the verdict'
        self.is_final = False
        out_dir.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)  # an earlier run's is not this run's

    def result(self) -> dict[str, object]:
        """Return the referee's result, or one that says why there is none."""
        try:
            return json.loads(self._path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return {**self._nothing, 'reason': self._reason}

    def print(self) -> None:
        """Print the result as one line."""
        print(json.dumps(self.result()), flush=True)

    def decide(self, reason: str) -> bool:
        """Tell whether the launch is to end now; without a success it raises RuntimeError."""
        if self.is_final:
            return False
        self.is_final = True
        self._reason = reason
        if not self.result()['success']:
            raise RuntimeError(f'no success: {reason}')
        return True
