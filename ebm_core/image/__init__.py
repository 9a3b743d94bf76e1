# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies of images (Du & Mordatch 2019): samples, completions, what is strange, and sums."""
