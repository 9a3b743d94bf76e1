# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sampling from energies: Langevin steps, and a buffer in which chains go on."""
