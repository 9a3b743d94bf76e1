# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What every node needs to run: parameters, diagnostics, QoS, threads and their pace."""
