# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Runs and demonstrations in rosbag2's files (MCAP), written and read without ROS's own bags."""
