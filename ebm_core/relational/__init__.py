# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The concept energy E(x, a, w): network, samplers, losses, and the model that users load."""
