# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Labelled images for the systems that learn from them: found where they lie, never fetched."""
