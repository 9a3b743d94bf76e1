# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concept learning with energy-based models (Mordatch 2018) in a 2D particle world.

`scene` holds the data, `events` makes demonstrations, `energy` defines E(x, a, w), `inference`
optimises w, a and x on it, `training` is Algorithm 1, `model` is what a user loads and calls.
Nothing here knows ROS.
"""
