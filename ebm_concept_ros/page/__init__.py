# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page on which concepts are taught: what it knows, says and serves. ROS is not known here."""
