# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What callers may catch: their mistake, or a model that cannot be used."""

from __future__ import annotations


class InvalidInput(ValueError):
    """Something that is refused; the message names the field and the reason."""


class ModelError(RuntimeError):
    """A model, or its directory, that cannot be used; the message says what and why."""


class Diverged(ModelError):
    """A training run that went astray; the message says when, by what, and what is kept of it."""
