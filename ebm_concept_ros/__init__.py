# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The ROS 2 side: arm and workspace, model-predictive controller, message conversions and nodes."""

from pkgutil import extend_path

# The generated messages (ebm_concept_ros.msg) are installed under the same name; without this, a
# Python that starts in the source tree would see these modules only.
__path__ = extend_path(__path__, __name__)
