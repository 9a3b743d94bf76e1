# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An energy on the plane (Du & Mordatch 2019): the smallest user of training and sampling."""
