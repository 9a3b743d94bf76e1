# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From concepts, scenes and joint states to a torque, whatever goes wrong: no ROS."""
