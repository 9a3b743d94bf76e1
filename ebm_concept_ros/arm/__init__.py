# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The arm as configuration, its table and its simulation: numpy and MuJoCo only, no ROS."""
