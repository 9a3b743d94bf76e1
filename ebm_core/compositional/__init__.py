# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies of single attributes of shapes, learned apart, and images that their sum generates."""
