# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What all energies are about: scenes of entities, and events in them, alone and in batches."""
