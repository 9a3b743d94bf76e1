# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy over the effector's plane, and its cost that leads around obstacles."""
