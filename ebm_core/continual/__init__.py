# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tasks in sequence without stored data: an energy of images and labels, and the usual methods."""
