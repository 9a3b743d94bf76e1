# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Starts node `controller`, and before all else the process of its model.

That has torch to import, which takes longer than the rest of the node's start, beside it; and it
is forked, for which there must not be other threads yet.
"""

from __future__ import annotations

import sys

from ebm_concept_ros.nodes.model_process import ModelProcess


def main() -> int:
    """Run both."""
    process = ModelProcess()
    # Imported here: the process has begun with torch by then.
    from ebm_concept_ros.nodes.controller import run_beside

    return run_beside(process)


if __name__ == '__main__':
    sys.exit(main())
