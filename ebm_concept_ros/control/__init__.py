# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller without ROS: a target for the planner, and a torque whatever goes wrong."""
