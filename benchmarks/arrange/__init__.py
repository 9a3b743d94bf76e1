# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts of entities that are moved: what the logic plans, and what an arm makes of it."""
