# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a concept to moves: which entities go where, in which order, and how they are gripped."""
