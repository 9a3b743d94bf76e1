# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Exceptions in words, for messages that have one line."""

from __future__ import annotations


def one_line(error: Exception) -> str:
    """Return the error's text without line breaks, of which other libraries' errors have some."""
    return ' '.join(str(error).split())


def name_and_reason(error: Exception) -> str:
    """Return what kind of error it is and its text, for errors that nobody has foreseen."""
    return f'{type(error).__name__}: {error}'
