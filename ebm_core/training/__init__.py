# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One training loop for every energy: steps, checkpoints, processes, logs. It knows protocols."""
