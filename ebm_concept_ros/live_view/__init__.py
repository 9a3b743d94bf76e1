# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the live view published, taken from a bag and drawn: markers, map, URDF and transforms."""
