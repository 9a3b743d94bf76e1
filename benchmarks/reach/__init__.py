# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Torque reaches that enact learned concepts: how often, how fast, how exactly."""
