# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A configuration for an arm that there is only a model file of: proposed, to be looked over."""
