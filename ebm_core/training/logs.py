# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""TensorBoard logs of a training run, where the package tensorboard is installed.

tensorboard --logdir out/train
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType


class Logs:
    """Scalars by step. A resumed run replaces what its predecessor logged after the checkpoint."""

    def __init__(self, directory: Path, first_step: int, *, enabled: bool = True) -> None:
        """Open the logs of the steps after `first_step`; without tensorboard, say so once."""
        self._writer = None
        if not enabled:
            return
        if find_spec('tensorboard') is None:
            print(
                'no TensorBoard logs, for tensorboard is not installed: pip install tensorboard',
                file=sys.stderr,
            )
            return
        # Here, for it takes a second to import and most users of ebm_core never train.
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(directory), purge_step=first_step + 1)

    def write(self, group: str, step: int, values: Mapping[str, float]) -> None:
        """Log values after a number of steps."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f'{group}/{name}', value, step)

    def flush(self) -> None:
        """Write what is buffered to the disk."""
        if self._writer is not None:
            self._writer.flush()

    def __enter__(self) -> Logs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
