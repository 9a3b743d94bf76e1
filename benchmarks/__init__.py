# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the package costs, as ratios against a baseline measured in the same run."""
