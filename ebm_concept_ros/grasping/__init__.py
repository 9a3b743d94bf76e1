# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Things picked up and put down by an arm's own hand: friction and torques, nothing welded."""
