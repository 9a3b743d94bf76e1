# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a concept asks for by its own definition: what the learned energies are judged by."""
