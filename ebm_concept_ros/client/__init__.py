# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The arm from a program: a client that needs to know no topic and no service."""
