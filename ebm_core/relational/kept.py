# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is made once: candidates that every search looks at."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

import torch

Made = TypeVar('Made')


def kept(make: Callable[..., Made]) -> Callable[..., Made]:
    """Return a function that makes each result once, of arguments that can be hashed.

    The tensors are ordinary ones wherever they are first asked for: through what was made in
    inference mode, training could not pass a gradient.
    """
    return cache(torch.inference_mode(False)(make))
