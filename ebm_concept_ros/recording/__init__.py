# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a run of the controller was, on disk, and the same run again from there."""
