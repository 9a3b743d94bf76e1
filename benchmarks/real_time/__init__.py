# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The nodes of the launch file in real time: processor shares, rates and latenesses."""
