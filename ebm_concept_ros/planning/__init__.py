# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Model-predictive control on an energy field: numpy, scipy and MuJoCo, no ROS, no torch."""
