# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How an energy is trained: the loop, its checkpoints, optimisers and processes."""
