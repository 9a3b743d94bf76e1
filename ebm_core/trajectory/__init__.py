# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Energies over transitions (Du, Lin, Mordatch 2019): a world's model that is planned with."""
